//! Advertisers and publishers.

use contracts::catalog::{AdvertiserChanged, ConversionStatus, PostbackMethod, PublisherChanged};
use kernel::{EndpointId, TenantId};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use signing::{Keyring, seal};

use crate::catalog::{Catalog, SEALING_KEYS, text};

#[tokio::test(flavor = "multi_thread")]
async fn an_advertiser_is_made_listed_and_told() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let body = json!({
        "name": " Golfin ", "reviewWindowDays": 14, "totalBudget": {"amount": "10000", "currency": "usd"},
    });
    let made = catalog.post("/advertisers", &token, body).await.ok();
    assert_eq!(made["name"], "Golfin");
    assert_eq!(made["totalBudget"], json!({"amount": "10000.00", "currency": "USD"}));
    let id = text(&made, "/advertiserId");
    assert_eq!(catalog.get(&format!("/advertisers/{id}"), &token).await.ok(), made);
    let listed = catalog.get("/advertisers?page=1&page_size=5", &token).await.ok();
    assert_eq!((listed["total"].as_u64(), &listed["items"][0]), (Some(1), &made));

    let told = catalog.facts::<AdvertiserChanged>().await;
    assert_eq!((told[0].version, told[0].review_window_days), (1, Some(14)));
    assert_eq!(told[0].total_budget.as_ref().unwrap().micros, 10_000_000_000);

    let wrong = json!({"reviewWindowDays": 400, "totalBudget": {"amount": "-1"}, "nmae": "Golfin"});
    let fields = catalog.post("/advertisers", &token, wrong).await.fields(422, "invalid_body");
    assert_eq!(fields, ["nmae", "name", "reviewWindowDays", "totalBudget.amount", "totalBudget.currency"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publishers_secret_is_shown_once_and_travels_sealed() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let template = "https://r.example/pb?c={pub_click_id}&id={conversion_id}";
    let body = json!({
        "name": "Rewardville",
        "postback": {"method": "POST", "urlTemplate": template, "statuses": ["Rejected", "success", "Success"]},
    });
    let answer = catalog.post("/publishers", &token, body).await;
    assert_eq!(answer.cache_control.as_deref(), Some("no-store"));
    let made = answer.ok();
    let secret = text(&made, "/signingSecret");
    assert!(secret.starts_with("whsec_"));
    assert_eq!(made["postback"]["statuses"], json!(["Success", "Rejected"]));

    let shown = catalog.get(&format!("/publishers/{}", text(&made, "/publisherId")), &token).await.ok();
    let listed = catalog.get("/publishers", &token).await.ok();
    assert!(!shown.to_string().contains("whsec_") && !listed.to_string().contains("whsec_"));

    let told = catalog.facts::<PublisherChanged>().await;
    let endpoint = &told[0].endpoints[0];
    assert_eq!(endpoint.method(), PostbackMethod::PostJson);
    assert_eq!(
        endpoint.statuses,
        [i32::from(ConversionStatus::Success), i32::from(ConversionStatus::Rejected)]
    );
    // What payout will do with it.
    let place = seal::endpoint_signing_secret(
        TenantId::from_slice(&told[0].tenant_id).unwrap(),
        EndpointId::from_slice(&endpoint.endpoint_id).unwrap(),
    );
    let keyring = Keyring::parse(&SecretString::from(SEALING_KEYS)).unwrap();
    let opened = seal::open_text(&keyring, &place, &endpoint.signing_secrets[0].sealed).unwrap();
    assert_eq!(opened.expose_secret(), secret);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_checked_when_it_is_saved() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let body = |template: &str| json!({"name": "R", "postback": {"urlTemplate": template}});

    let problem = catalog
        .post("/publishers", &token, body("https://r.example/?a={click}&b={member}"))
        .await
        .problem(422, "invalid_body");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 2);
    assert_eq!(problem["errors"][0]["field"], "postback.urlTemplate");
    assert!(text(&problem, "/errors/0/detail").contains("{pub_click_id}"), "{problem}");

    let warned = catalog.post("/publishers", &token, body("https://r.example/?c={pub_click_id}")).await.ok();
    assert_eq!(warned["warnings"].as_array().unwrap().len(), 1);

    let wrong = json!({"postback": {"method": "PATCH", "statuses": ["Maybe"]}});
    let fields = catalog.post("/publishers", &token, wrong).await.fields(422, "invalid_body");
    assert_eq!(fields, ["name", "postback.method", "postback.urlTemplate", "postback.statuses[0]"]);
}
