//! Advertisers and publishers.

use contracts::catalog::{
    AdvertiserChanged, ApiTokenChanged, ConversionStatus, PostbackMethod, PublisherChanged,
};
use kernel::{EndpointId, TenantId};
use reqwest::Method;
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

/// Payout would refuse to call it, when whoever entered it is gone. Create, add and change ask the same.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_inside_is_refused_when_it_is_saved() {
    let catalog = Catalog::start().await;
    let owner = catalog.tenant("Brownboots").await;
    let publisher = |url: &str| json!({"name": "R", "postback": {"urlTemplate": url}});
    let path = format!("/publishers/{}/postbacks", catalog.publisher(&owner).await);
    let offer = catalog.offer(&owner).await;
    let endpoint = text(&catalog.get(&path, &owner).await.ok(), "/items/0/endpointId");
    let there = format!("{path}/{endpoint}");
    let (before, told) =
        (catalog.get(&path, &owner).await.ok(), catalog.facts::<PublisherChanged>().await.len());
    for host in [
        "10.0.0.1",
        "172.16.3.4:8080",
        "192.168.1.1",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0.0.0.0",
        "169.254.169.254",
        "100.100.100.200",
        "[::1]",
        "[::ffff:10.0.0.1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "localhost",
        "LOCALHOST.:9000",
        "metadata.google.internal",
    ] {
        let url = format!("https://{host}/pb?i={{conversion_id}}");
        for (answer, field) in [
            (catalog.post("/publishers", &owner, publisher(&url)).await, "postback.urlTemplate"),
            (catalog.post(&path, &owner, json!({"offerId": offer, "urlTemplate": url})).await, "urlTemplate"),
            (catalog.put(&there, &owner, json!({"urlTemplate": url})).await, "urlTemplate"),
        ] {
            let problem = answer.problem(422, "invalid_body");
            let errors = problem["errors"].as_array().unwrap();
            assert_eq!((errors.len(), &errors[0]["field"]), (1, &json!(field)), "{host}: {problem}");
            assert!(text(&problem, "/errors/0/detail").contains("public address"), "{host}: {problem}");
        }
    }
    // What is no URL of the web is not, as before.
    let ftp = catalog.post(&path, &owner, json!({"urlTemplate": "ftp://r.example/{conversion_id}"})).await;
    assert_eq!(ftp.fields(422, "invalid_body"), ["urlTemplate"]);
    assert_eq!(catalog.get(&path, &owner).await.ok(), before, "nothing is saved");
    assert_eq!(catalog.facts::<PublisherChanged>().await.len(), told, "nor told");
    // Where a name leads is seen when it is called.
    catalog.put(&there, &owner, json!({"urlTemplate": "https://pb.r.example/?i={conversion_id}"})).await.ok();

    let allowed = ("POSTBACKS__ALLOWED_NETWORKS", "10.1.0.0/16,127.0.0.0/8".to_owned());
    let catalog = catalog.restart_with(&[("BUS__URL", "amqp://127.0.0.1:1".to_owned()), allowed]).await;
    for host in ["10.1.2.3", "127.0.0.1:9000", "localhost:9000"] {
        let url = format!("http://{host}/pb?i={{conversion_id}}");
        catalog.put(&there, &owner, json!({"urlTemplate": url})).await.ok();
        catalog.post("/publishers", &owner, publisher(&url)).await.ok();
    }
    for host in ["10.2.0.1", "192.168.1.1", "[::1]"] {
        let url = format!("http://{host}/pb?i={{conversion_id}}");
        let refused = catalog.put(&there, &owner, json!({"urlTemplate": url})).await;
        assert_eq!(refused.fields(422, "invalid_body"), ["urlTemplate"], "{host}");
    }
}

async fn publisher_token(catalog: &Catalog, owner: &str, publisher: &str) -> String {
    let body = json!({"role": "publisher", "publisherId": publisher});
    text(&catalog.post("/tokens", owner, body).await.ok(), "/apiToken")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inactive_publisher_is_shared_nothing_and_its_tokens_are_refused() {
    let catalog = Catalog::start().await;
    let owner = catalog.tenant("Brownboots").await;
    let (publisher, offer) = (catalog.publisher(&owner).await, catalog.offer(&owner).await);
    let path = format!("/publishers/{publisher}");
    let partner = publisher_token(&catalog, &owner, &publisher).await;
    // Known, and refused for its role only.
    catalog.get("/offers", &partner).await.problem(403, "forbidden");

    let ada = json!({"name": "Ada", "role": "publisher", "publisherId": publisher});
    let ada = text(&catalog.post("/users", &owner, ada).await.ok(), "/userId");
    let of_ada = text(&catalog.post("/tokens", &owner, json!({"userId": ada})).await.ok(), "/apiToken");

    assert_eq!(catalog.get(&path, &owner).await.etag.as_deref(), Some("\"1\""));
    let off = json!({"name": "Rewardville", "active": false});
    let with = [("if-match", "\"1\"")];
    let shown = catalog.call_with(Method::PUT, &path, &owner, Some(off.clone()), &with).await.ok();
    assert_eq!(shown["active"], false);
    catalog.call_with(Method::PUT, &path, &owner, Some(off), &with).await.problem(412, "changed_since_read");

    catalog.get("/offers", &partner).await.problem(401, "unauthorized");
    catalog.get("/offers", &of_ada).await.problem(401, "unauthorized");
    let told = catalog.facts::<ApiTokenChanged>().await.pop().unwrap();
    assert!(told.revoked_at_micros.is_some());
    for (body, field) in [
        (json!({"publisherId": publisher}), "publisherId"),
        (json!({"publisherIds": [publisher]}), "publisherIds[0]"),
    ] {
        let refused = catalog.post(&format!("/offers/{offer}/share"), &owner, body).await;
        assert_eq!(refused.fields(422, "invalid_body"), [field]);
    }
    let token = json!({"role": "publisher", "publisherId": publisher});
    assert_eq!(catalog.post("/tokens", &owner, token).await.fields(422, "invalid_body"), ["publisherId"]);

    // A user who leaves the publisher works on.
    let moved = json!({"name": "Ada", "role": "analyst"});
    catalog.put(&format!("/users/{ada}"), &owner, moved).await.ok();
    catalog.get("/offers", &of_ada).await.ok();

    let on = json!({"name": "Rewardville", "active": true});
    catalog.put(&path, &owner, on).await.ok();
    catalog.get("/offers", &partner).await.problem(403, "forbidden");
    catalog.post(&format!("/offers/{offer}/share"), &owner, json!({"publisherId": publisher})).await.ok();
    let told = catalog.facts::<PublisherChanged>().await;
    assert_eq!(
        told.iter().map(|it| (it.version, it.active)).collect::<Vec<_>>(),
        [(1, true), (2, false), (3, true)]
    );
    assert_eq!(
        catalog.put(&path, &owner, json!({"nmae": "x"})).await.fields(422, "invalid_body"),
        ["nmae", "name", "active"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_is_told_globally_of_an_offer_and_of_an_event() {
    let catalog = Catalog::start().await;
    let owner = catalog.tenant("Brownboots").await;
    let (publisher, offer) = (catalog.publisher(&owner).await, catalog.offer(&owner).await);
    let path = format!("/publishers/{publisher}/postbacks");
    let event = text(&catalog.get(&format!("/offers/{offer}"), &owner).await.ok(), "/events/1/offerEventId");

    let of_offer = json!({"offerId": offer, "method": "POST", "urlTemplate": "https://r.example/o?i={conversion_id}",
        "statuses": ["Success", "Rejected"], "alsoGlobal": true});
    let added = catalog.post(&path, &owner, of_offer.clone()).await;
    assert_eq!(added.cache_control.as_deref(), Some("no-store"));
    let added = added.ok();
    assert!(text(&added, "/signingSecret").starts_with("whsec_"));
    let of_event = json!({"offerId": offer, "offerEventId": event, "urlTemplate": "https://r.example/e?c={pub_click_id}"});
    let warned = catalog.post(&path, &owner, of_event).await.ok();
    assert_eq!(warned["warnings"].as_array().unwrap().len(), 1);
    catalog.post(&path, &owner, of_offer).await.problem(409, "postback_exists");
    let global = json!({"urlTemplate": "https://r.example/g?i={conversion_id}"});
    catalog.post(&path, &owner, global).await.problem(409, "postback_exists");

    let listed = catalog.get(&path, &owner).await.ok();
    let shown: Vec<_> = listed["items"].as_array().unwrap().iter().collect();
    assert_eq!(shown.len(), 3);
    assert!(shown[0]["offerId"].is_null());
    assert_eq!((&shown[1]["offerId"], &shown[1]["alsoGlobal"]), (&json!(offer), &json!(true)));
    assert_eq!(shown[2]["offerEventId"], json!(event));
    assert!(!listed.to_string().contains("whsec_"));

    let told = catalog.facts::<PublisherChanged>().await.pop().unwrap();
    assert_eq!((told.version, told.endpoints.len()), (3, 3));
    assert!(told.endpoints[0].offer_id.is_none() && told.endpoints[1].offer_event_id.is_none());
    assert!(told.endpoints[1].also_global && told.endpoints[2].offer_event_id.is_some());

    let endpoint = format!("{path}/{}", text(&added, "/endpointId"));
    let changed = json!({"urlTemplate": "https://r.example/o2?i={conversion_id}"});
    let changed = catalog.put(&endpoint, &owner, changed).await.ok();
    assert_eq!((&changed["method"], &changed["statuses"]), (&json!("GET"), &json!(["Success"])));
    assert_eq!(catalog.call(Method::DELETE, &endpoint, &owner, None).await.status.as_u16(), 204);
    catalog.call(Method::DELETE, &endpoint, &owner, None).await.problem(404, "not_found");
    assert_eq!(catalog.facts::<PublisherChanged>().await.pop().unwrap().endpoints.len(), 2);

    let log = catalog.get("/audit-log", &owner).await.ok().to_string();
    for action in ["postback-added", "postback-changed", "postback-removed"] {
        assert!(log.contains(action), "{action}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_postback_can_not_be_for_is_said() {
    let catalog = Catalog::start().await;
    let owner = catalog.tenant("Brownboots").await;
    let (publisher, other) = (catalog.publisher(&owner).await, catalog.publisher(&owner).await);
    let (offer, shared) = (catalog.offer(&owner).await, catalog.offer(&owner).await);
    catalog.post(&format!("/offers/{shared}/share"), &owner, json!({"publisherId": other})).await.ok();
    let path = format!("/publishers/{publisher}/postbacks");
    let nobody = "00000000-0000-7000-8000-000000000000";
    let url = "https://r.example/pb?i={conversion_id}";
    for (body, fields) in [
        (json!({"offerId": nobody, "urlTemplate": url}), vec!["offerId"]),
        (json!({"offerId": shared, "urlTemplate": url}), vec!["offerId"]),
        (json!({"offerId": offer, "offerEventId": nobody, "urlTemplate": url}), vec!["offerEventId"]),
        (
            json!({"offerEventId": nobody, "urlTemplate": url, "alsoGlobal": true}),
            vec!["offerId", "alsoGlobal"],
        ),
        (json!({"offerId": offer, "urlTemplate": "https://r.example/?c={click}"}), vec!["urlTemplate"]),
        (
            json!({"method": "PUT", "statuses": ["x"], "alsoGlobal": 1, "x": 1}),
            vec!["x", "alsoGlobal", "method", "urlTemplate", "statuses[0]"],
        ),
    ] {
        assert_eq!(catalog.post(&path, &owner, body).await.fields(422, "invalid_body"), fields);
    }
    let global = text(&catalog.get(&path, &owner).await.ok(), "/items/0/endpointId");
    let also = json!({"urlTemplate": url, "alsoGlobal": true});
    let refused = catalog.put(&format!("{path}/{global}"), &owner, also).await;
    assert_eq!(refused.fields(422, "invalid_body"), ["alsoGlobal"]);
    // Another publisher's, and another tenant's.
    let theirs = format!("/publishers/{other}/postbacks/{global}");
    catalog.put(&theirs, &owner, json!({"urlTemplate": url})).await.problem(404, "not_found");
    let stranger = catalog.tenant("Redshoes").await;
    for (method, path) in [
        (Method::GET, path.clone()),
        (Method::DELETE, format!("{path}/{global}")),
        (Method::POST, format!("{path}/{global}/rotate-secret")),
    ] {
        catalog.call(method, &path, &stranger, None).await.problem(404, "not_found");
    }
    catalog.post(&path, &stranger, json!({"urlTemplate": url})).await.problem(404, "not_found");
    let body = json!({"name": "x", "active": false});
    catalog.put(&format!("/publishers/{publisher}"), &stranger, body).await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_secrets_are_good_while_one_is_replaced() {
    let catalog = Catalog::start().await;
    let owner = catalog.tenant("Brownboots").await;
    let body = json!({"name": "R", "postback": {"urlTemplate": "https://r.example/?i={conversion_id}"}});
    let made = catalog.post("/publishers", &owner, body).await.ok();
    let path = format!("/publishers/{}/postbacks", text(&made, "/publisherId"));
    let endpoint = text(&catalog.get(&path, &owner).await.ok(), "/items/0/endpointId");
    let rotated =
        catalog.post(&format!("{path}/{endpoint}/rotate-secret"), &owner, json!({"overlapHours": 2})).await;
    assert_eq!(rotated.cache_control.as_deref(), Some("no-store"));
    let rotated = rotated.ok();
    assert!(rotated["oldSecretUntil"].is_string());

    let told = catalog.facts::<PublisherChanged>().await.pop().unwrap();
    let place = seal::endpoint_signing_secret(
        TenantId::from_slice(&told.tenant_id).unwrap(),
        EndpointId::from_slice(&told.endpoints[0].endpoint_id).unwrap(),
    );
    let keyring = Keyring::parse(&SecretString::from(SEALING_KEYS)).unwrap();
    let secrets: Vec<_> = told.endpoints[0].signing_secrets.iter().collect();
    let opened = |at: usize| seal::open_text(&keyring, &place, &secrets[at].sealed).unwrap();
    assert_eq!(secrets.len(), 2);
    assert_eq!(
        (secrets[0].valid_until_micros, opened(0).expose_secret()),
        (None, text(&rotated, "/signingSecret").as_str())
    );
    assert_eq!(opened(1).expose_secret(), text(&made, "/signingSecret"));
    assert!(secrets[1].valid_until_micros.is_some());

    let path = format!("{path}/{endpoint}/rotate-secret");
    catalog.post(&path, &owner, json!({"overlapHours": 0})).await.ok();
    let told = catalog.facts::<PublisherChanged>().await.pop().unwrap();
    assert_eq!(told.endpoints[0].signing_secrets.len(), 1, "at once");
    let wrong = catalog.post(&path, &owner, json!({"overlapHours": 1000})).await;
    assert_eq!(wrong.fields(422, "invalid_body"), ["overlapHours"]);
    let log = catalog.get("/audit-log", &owner).await.ok().to_string();
    assert!(log.contains("secret-rotated") && !log.contains("whsec_"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_advertiser_is_changed_as_it_was_read() {
    let catalog = Catalog::start().await;
    let owner = catalog.tenant("Brownboots").await;
    let path = format!("/advertisers/{}", catalog.advertiser(&owner).await);
    assert_eq!(catalog.get(&path, &owner).await.etag.as_deref(), Some("\"1\""));
    let body =
        json!({"name": "Golfin Inc", "reviewWindowDays": 7, "totalBudget": {"amount": 5, "currency": "EUR"}});
    let with = [("if-match", "\"1\"")];
    let changed = catalog.call_with(Method::PUT, &path, &owner, Some(body.clone()), &with).await;
    assert_eq!(changed.etag.as_deref(), Some("\"2\""));
    assert_eq!(changed.ok()["totalBudget"], json!({"amount": "5.00", "currency": "EUR"}));
    let stale = catalog.call_with(Method::PUT, &path, &owner, Some(body), &with).await;
    stale.problem(412, "changed_since_read");
    catalog.put(&path, &owner, json!({"name": "Golfin Inc"})).await.ok();

    let told = catalog.facts::<AdvertiserChanged>().await;
    assert_eq!((told.len(), told[1].review_window_days, told[2].review_window_days), (3, Some(7), None));
    assert!(told[2].total_budget.is_none());
    assert!(catalog.get("/audit-log", &owner).await.ok().to_string().contains("advertiser.changed"));
    assert_eq!(catalog.put(&path, &owner, json!({})).await.fields(422, "invalid_body"), ["name"]);
    let stranger = catalog.tenant("Redshoes").await;
    catalog.put(&path, &stranger, json!({"name": "x"})).await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_need_not_guess() {
    let catalog = Catalog::start().await;
    let owner = catalog.tenant("Brownboots").await;
    let agreed = catalog.post("/categories", &owner, json!({"name": " Sports "})).await.ok();
    assert_eq!(agreed, json!({"categories": ["Sports"]}));
    catalog.post("/categories", &owner, json!({"name": "Golf"})).await.ok();
    catalog.post("/categories", &owner, json!({"name": "GOLF"})).await.problem(409, "category_exists");
    assert_eq!(catalog.post("/categories", &owner, json!({})).await.fields(422, "invalid_body"), ["name"]);

    let reference = catalog.get("/reference", &owner).await.ok();
    assert_eq!(reference["categories"], json!(["Golf", "Sports"]));
    assert_eq!(reference["countries"].as_array().unwrap().len(), 249);
    assert_eq!(reference["tokenScopes"], json!(["read", "write", "manage"]));
    assert_eq!(reference["platforms"], json!(["IOS", "Android", "MacOS", "Browser"]));
    let stranger = catalog.tenant("Redshoes").await;
    assert_eq!(catalog.get("/reference", &stranger).await.ok()["categories"], json!([]));

    // Every word is one that an offer takes.
    let draft = json!({
        "name": "x", "countries": reference["countries"], "platforms": reference["platforms"],
        "ageRanges": reference["ageRanges"], "gender": reference["genders"][1], "offerType": reference["offerTypes"][0],
        "categories": reference["categories"], "deadlineAnchor": reference["deadlineAnchors"][1],
        "overLimitAction": reference["overLimitActions"][1],
    });
    catalog.post("/offers", &owner, draft).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn how_fast_a_publisher_is_told_is_bounded_shown_told_and_audited() {
    let catalog = Catalog::start().await;
    let owner = catalog.tenant("Brownboots").await;
    let body = json!({"name": "Rewardville", "maxPerSecond": 5});
    let made = catalog.post("/publishers", &owner, body).await.ok();
    assert_eq!((&made["maxPerSecond"], &made["maxConcurrency"]), (&json!(5), &json!(null)));
    let path = format!("/publishers/{}", text(&made, "/publisherId"));
    let both = json!({"name": "Rewardville", "active": true, "maxPerSecond": 10_000, "maxConcurrency": 256});
    let changed = catalog.put(&path, &owner, both.clone()).await.ok();
    assert_eq!((&changed["maxPerSecond"], &changed["maxConcurrency"]), (&json!(10_000), &json!(256)));
    assert_eq!(catalog.get(&path, &owner).await.ok(), changed);
    assert_eq!(catalog.get("/publishers", &owner).await.ok()["items"][0], changed);
    // The same once more says nothing; left out, they are the installation's again.
    catalog.put(&path, &owner, both).await.ok();
    let plain = catalog.put(&path, &owner, json!({"name": "Rewardville", "active": true})).await.ok();
    assert_eq!((&plain["maxPerSecond"], &plain["maxConcurrency"]), (&json!(null), &json!(null)));
    let told: Vec<_> = catalog
        .facts::<PublisherChanged>()
        .await
        .into_iter()
        .map(|fact| (fact.version, fact.max_concurrency, fact.max_per_second))
        .collect();
    assert_eq!(told, [(1, None, Some(5)), (2, Some(256), Some(10_000)), (3, None, None)]);
    let audited = catalog.get("/audit-log", &owner).await.ok();
    let audited = audited["items"].as_array().unwrap();
    let change = audited.iter().find(|entry| entry["after"]["maxPerSecond"] == 10_000).unwrap();
    assert_eq!(
        (&change["before"]["maxPerSecond"], &change["before"]["maxConcurrency"]),
        (&json!(5), &json!(null))
    );

    let wrong = json!({"name": "R", "active": true, "maxPerSecond": 0, "maxConcurrency": 257});
    let fields = catalog.put(&path, &owner, wrong).await.fields(422, "invalid_body");
    assert_eq!(fields, ["maxConcurrency", "maxPerSecond"]);
    let wrong = json!({"name": "R", "maxPerSecond": 10_001, "maxConcurrency": 0.5});
    let fields = catalog.post("/publishers", &owner, wrong).await.fields(422, "invalid_body");
    assert_eq!(fields, ["maxConcurrency", "maxPerSecond"]);
}
