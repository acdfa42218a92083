//! Tenants with a row of every kind, for tests that compare what two of them see.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use image::ImageFormat;
use serde_json::{Value, json};
use test_kit::{
    doors::{Held, Party},
    eventually,
};

use crate::{
    catalog::{Catalog, golfin, text},
    pictures::picture,
    scheduled::in_hours,
};

const PATIENCE: Duration = Duration::from_mins(1);
const PROVIDER: &str = "/integrations/offer-providers/custom";

/// Settings under which a household is ready quickly, and nobody calls the feed too often.
pub fn settings() -> [(&'static str, String); 3] {
    [
        ("BUS__URL", "amqp://127.0.0.1:1".to_owned()),
        ("IMPORT__POLL_MS", "50".to_owned()),
        ("FEED__BURST", "1000".to_owned()),
    ]
}

/// A tenant with a row of every kind; `word` stands in every text of it. Two of them send the same names where a caller
/// chooses them: `externalId`, `concurrencyRequestId`, Event IDs.
pub async fn household(catalog: &Catalog, word: &str) -> Party {
    let owner = catalog.tenant(word).await;
    let mut ids = BTreeMap::new();
    let mut keep = |name: &str, id: String| drop(ids.insert(name.to_owned(), id));

    let body = json!({"name": format!("{word} studio")});
    let advertiser = text(&catalog.post("/advertisers", &owner, body).await.ok(), "/advertiserId");
    let publisher = publisher(catalog, &owner, word).await;
    let body =
        json!({"name": format!("{word} Ada"), "email": format!("ada@{word}.example"), "role": "analyst"});
    keep("user_id", text(&catalog.post("/users", &owner, body).await.ok(), "/userId"));
    let body = json!({"advertiserId": advertiser});
    keep("credential_id", text(&catalog.post("/credentials", &owner, body).await.ok(), "/credentialId"));
    catalog.post("/categories", &owner, json!({"name": format!("{word} games")})).await.ok();
    let file = picture(ImageFormat::Png, 40, 30);
    let creative = catalog.upload(&format!("?name={word}.png"), &owner, file).await.ok();
    let creative = text(&creative, "/creativeId");

    let offer = shared_offer(catalog, &owner, word, &advertiser, Some(&creative), &publisher).await;
    // One that can still be shared.
    let ready = created_offer(catalog, &owner, word, &advertiser, None).await;
    keep("POST /api/v1/offers/{offer_id}/share offer_id", ready);
    let body = json!({"eventId": "Install", "field": "reward", "value": 5, "at": in_hours(2)});
    let scheduled = catalog.post(&format!("/offers/{offer}/scheduled-changes"), &owner, body).await.ok();
    keep("change_id", text(&scheduled, "/changeId"));
    let body =
        json!({"offerId": offer, "urlTemplate": format!("https://{word}.example/pb?id={{conversion_id}}")});
    let endpoint = catalog.post(&format!("/publishers/{publisher}/postbacks"), &owner, body).await.ok();
    keep("endpoint_id", text(&endpoint, "/endpointId"));
    let shown = catalog.get(&format!("/offers/{offer}"), &owner).await.ok();
    keep("offer_event_id", text(&shown, "/events/0/offerEventId"));
    keep("import_id", import(catalog, &owner, word, &advertiser).await);

    let mut tokens = BTreeMap::from([("owner".to_owned(), owner.clone())]);
    for role in ["manager", "analyst", "publisher"] {
        let issued = token(catalog, &owner, word, role, &publisher, None).await;
        tokens.insert(role.to_owned(), text(&issued, "/apiToken"));
    }
    let spare = token(catalog, &owner, word, "analyst", &publisher, None).await;
    keep("token_id", text(&spare, "/tokenId"));
    keep("version", "1".to_owned());
    keep("subject", offer.clone());
    keep("offer_id", offer);
    keep("advertiser_id", advertiser);
    keep("publisher_id", publisher);
    keep("creative_id", creative);
    Party { name: word.to_owned(), tokens, ids, secrets: BTreeSet::from([word.to_owned()]) }
}

/// Ids like those of a household, which nobody has.
pub fn nobody() -> Party {
    let names = [
        "user_id",
        "credential_id",
        "change_id",
        "endpoint_id",
        "offer_event_id",
        "import_id",
        "token_id",
        "subject",
        "offer_id",
        "advertiser_id",
        "publisher_id",
        "creative_id",
    ];
    let id = "0193a1f0-0000-7000-8000-00000000dead";
    let mut ids: BTreeMap<_, _> = names.map(|name| (name.to_owned(), id.to_owned())).into();
    ids.insert("version".to_owned(), "1".to_owned());
    Party { name: "nobody".to_owned(), ids, ..Party::default() }
}

/// A token of every role without scopes, and with each scope.
pub async fn tokens(catalog: &Catalog, party: &Party) -> Vec<Held> {
    let mut held = Vec::new();
    for role in ["owner", "manager", "analyst", "publisher"] {
        for scope in [None, Some("read"), Some("write"), Some("manage")] {
            let owner = &party.tokens["owner"];
            let issued = token(catalog, owner, "held", role, &party.ids["publisher_id"], scope).await;
            let token = text(&issued, "/apiToken");
            held.push(Held { role: role.to_owned(), scope: scope.map(str::to_owned), token });
        }
    }
    held
}

pub async fn token(
    catalog: &Catalog,
    owner: &str,
    label: &str,
    role: &str,
    publisher: &str,
    scope: Option<&str>,
) -> Value {
    let mut body = json!({"label": label, "role": role});
    if role == "publisher" {
        body["publisherId"] = json!(publisher);
    }
    if let Some(scope) = scope {
        body["scopes"] = json!([scope]);
    }
    catalog.post("/tokens", owner, body).await.ok()
}

pub async fn publisher(catalog: &Catalog, owner: &str, word: &str) -> String {
    let template = format!("https://{word}.example/pb?c={{pub_click_id}}&id={{conversion_id}}");
    let body = json!({"name": format!("{word} partner"), "postback": {"urlTemplate": template}});
    text(&catalog.post("/publishers", owner, body).await.ok(), "/publisherId")
}

/// An offer with `word` in its texts, created and shared.
pub async fn shared_offer(
    catalog: &Catalog,
    owner: &str,
    word: &str,
    advertiser: &str,
    creative: Option<&str>,
    publisher: &str,
) -> String {
    let offer = created_offer(catalog, owner, word, advertiser, creative).await;
    catalog.post(&format!("/offers/{offer}/share"), owner, json!({"publisherId": publisher})).await.ok();
    offer
}

/// An offer with `word` in its texts, created.
async fn created_offer(
    catalog: &Catalog,
    owner: &str,
    word: &str,
    advertiser: &str,
    creative: Option<&str>,
) -> String {
    let mut body = golfin(advertiser);
    for field in ["name", "headline", "shortDescription"] {
        body[field] = json!(format!("{word} {field}"));
    }
    if let Some(creative) = creative {
        body["creatives"] = json!([{"order": 1, "creativeId": creative}]);
    }
    let offer = text(&catalog.post("/offers", owner, body).await.ok(), "/offerId");
    catalog.post(&format!("/offers/{offer}/create"), owner, json!({})).await.ok();
    offer
}

async fn import(catalog: &Catalog, owner: &str, word: &str, advertiser: &str) -> String {
    let mut row = golfin(advertiser);
    row["externalId"] = json!("golfin-ios");
    row["name"] = json!(format!("{word} imported"));
    let body = json!({"concurrencyRequestId": "first", "operation": "Insert", "offers": [row]});
    let import = text(&catalog.post(&format!("{PROVIDER}/offers"), owner, body).await.ok(), "/importId");
    eventually("the import is done", PATIENCE, async || {
        let now = catalog.get(&format!("{PROVIDER}/imports/{import}"), owner).await.ok();
        if now["finishedAt"].is_null() { Err(now) } else { Ok(()) }
    })
    .await;
    import
}
