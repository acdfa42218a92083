//! A publisher's own header on the postbacks it gets: its name is shown, its value never again.

use contracts::catalog::PublisherChanged;
use kernel::{EndpointId, TenantId};
use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use signing::{Keyring, seal};

use crate::catalog::{Catalog, SEALING_KEYS, text};

const URL: &str = "https://r.example/pb?i={conversion_id}";
const FIRST: &str = "canary-first-0123456789";
const SECOND: &str = "Bearer canary-second-0123456789";

/// The header that payout would send, of the newest fact's only endpoint.
async fn told(catalog: &Catalog) -> Option<(String, String)> {
    let fact = catalog.facts::<PublisherChanged>().await.pop().unwrap();
    let endpoint = &fact.endpoints[0];
    assert_eq!(endpoint.custom_header_name.is_some(), endpoint.custom_header_value.is_some());
    let place = seal::endpoint_header_value(
        TenantId::from_slice(&fact.tenant_id).unwrap(),
        EndpointId::from_slice(&endpoint.endpoint_id).unwrap(),
    );
    let keyring = Keyring::parse(&SecretString::from(SEALING_KEYS)).unwrap();
    let sealed = &endpoint.custom_header_value.as_ref()?.sealed;
    let value = seal::open_text(&keyring, &place, sealed).unwrap();
    Some((endpoint.custom_header_name.clone()?, value.expose_secret().to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_custom_headers_value_travels_sealed_and_is_never_shown() {
    let catalog = Catalog::start().await;
    let owner = catalog.tenant("Brownboots").await;
    let header =
        |name: &str, value: &str| json!({"urlTemplate": URL, "customHeader": {"name": name, "value": value}});
    let mut answers: Vec<Value> = Vec::new();

    let body = json!({"name": "Rewardville", "postback": header("X-Api-Key", FIRST)});
    let keyed = [("idempotency-key", "k")];
    let made = catalog.call_with(Method::POST, "/publishers", &owner, Some(body.clone()), &keyed).await.ok();
    let again = catalog.call_with(Method::POST, "/publishers", &owner, Some(body), &keyed).await;
    assert!(again.is_replayed);
    assert_eq!(made["postback"]["customHeader"], json!({"name": "X-Api-Key"}));
    assert_eq!(told(&catalog).await, Some(("X-Api-Key".to_owned(), FIRST.to_owned())));
    answers.extend([made.clone(), again.ok()]);

    let publisher = format!("/publishers/{}", text(&made, "/publisherId"));
    let path = format!("{publisher}/postbacks");
    let listed = catalog.get(&path, &owner).await.ok();
    assert_eq!(listed["items"][0]["customHeader"], json!({"name": "X-Api-Key"}));
    let endpoint = format!("{path}/{}", text(&listed, "/items/0/endpointId"));
    answers.extend([listed, catalog.get(&publisher, &owner).await.ok()]);

    // Another template under the same header: the value that is kept stays, whatever the case of its name.
    let kept = json!({"urlTemplate": "https://r.example/2?i={conversion_id}", "customHeader": {"name": "x-api-key"}});
    answers.push(catalog.put(&endpoint, &owner, kept.clone()).await.ok());
    assert_eq!(told(&catalog).await, Some(("x-api-key".to_owned(), FIRST.to_owned())));
    let version = catalog.facts::<PublisherChanged>().await.len();
    catalog.put(&endpoint, &owner, kept).await.ok();
    assert_eq!(catalog.facts::<PublisherChanged>().await.len(), version, "what is there was told again");

    // Another value, another name, none.
    answers.push(catalog.put(&endpoint, &owner, header("Authorization", SECOND)).await.ok());
    assert_eq!(told(&catalog).await, Some(("Authorization".to_owned(), SECOND.to_owned())));
    let other = json!({"urlTemplate": URL, "customHeader": {"name": "X-Other"}});
    let refused = catalog.put(&endpoint, &owner, other).await;
    assert_eq!(refused.fields(422, "invalid_body"), ["customHeader.value"]);
    answers.push(catalog.put(&endpoint, &owner, json!({"urlTemplate": URL})).await.ok());
    assert_eq!(told(&catalog).await, None);
    answers.push(catalog.put(&endpoint, &owner, header("X-Api-Key", FIRST)).await.ok());
    assert_eq!(told(&catalog).await, Some(("X-Api-Key".to_owned(), FIRST.to_owned())));

    // Rotating the signing secret leaves it alone.
    catalog.post(&format!("{endpoint}/rotate-secret"), &owner, json!({})).await.ok();
    assert_eq!(told(&catalog).await, Some(("X-Api-Key".to_owned(), FIRST.to_owned())));

    let log = catalog.get("/audit-log?page_size=100", &owner).await.ok();
    assert!(log.to_string().contains("X-Api-Key") && log.to_string().contains("Authorization"), "{log}");
    answers.push(log);
    for text in answers.iter().map(Value::to_string).chain([catalog.stored().await]) {
        assert!(!text.contains("canary-"), "a value stands in {}", text.replace("canary-", "***"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_header_of_a_publishers_own_is_said_without_repeating_a_value() {
    let catalog = Catalog::start().await;
    let owner = catalog.tenant("Brownboots").await;
    let path = format!("/publishers/{}/postbacks", catalog.publisher(&owner).await);
    let endpoint = text(&catalog.get(&path, &owner).await.ok(), "/items/0/endpointId");
    let long = format!("canary{}", "a".repeat(2_048));
    for (header, fields) in [
        (json!("X-Api-Key: canary"), vec!["customHeader"]),
        (json!({}), vec!["customHeader.name"]),
        (json!({"nmae": "X"}), vec!["customHeader.nmae", "customHeader.name"]),
        (json!({"name": "X-Api-Key"}), vec!["customHeader.value"]),
        (
            json!({"name": "X Api", "value": "canary\r\nHost: x"}),
            vec!["customHeader.name", "customHeader.value"],
        ),
        (json!({"name": "Host", "value": "canary"}), vec!["customHeader.name"]),
        (json!({"name": "transfer-encoding", "value": "canary"}), vec!["customHeader.name"]),
        (json!({"name": "Webhook-Signature", "value": "canary"}), vec!["customHeader.name"]),
        (json!({"name": "X-Api-Key", "value": 5}), vec!["customHeader.value"]),
        (json!({"name": "X-Api-Key", "value": "canarü"}), vec!["customHeader.value"]),
        (json!({"name": "X-Api-Key", "value": long}), vec!["customHeader.value"]),
    ] {
        let body = json!({"urlTemplate": URL, "customHeader": header});
        let answer = catalog.put(&format!("{path}/{endpoint}"), &owner, body.clone()).await;
        assert!(!answer.body.to_string().contains("canar"), "{}", answer.body);
        assert_eq!(answer.fields(422, "invalid_body"), fields);
        let made = json!({"name": "R", "postback": body});
        let nested: Vec<String> = fields.iter().map(|field| format!("postback.{field}")).collect();
        assert_eq!(catalog.post("/publishers", &owner, made).await.fields(422, "invalid_body"), nested);
    }
}
