//! The guide's parts 2, 5 and 6, as an account manager plays them.

use contracts::catalog::{OfferChanged, OfferStatus, OfferVersionCreated};
use kernel::TenantId;
use secrecy::SecretString;
use serde_json::json;
use signing::Keyring;

use crate::catalog::{CREDENTIAL_KEYS, Catalog, golfin, text};

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_from_credentials_to_a_shared_offer() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;

    // Part 2: the postback tab, masked until somebody clicks the eye.
    let issued = catalog.post("/credentials", &token, json!({})).await.ok();
    assert_eq!(issued["postbackUrl"], "••••••••");
    let credential = text(&issued, "/credentialId");
    let revealed = catalog.post(&format!("/credentials/{credential}/reveal"), &token, json!({})).await;
    assert_eq!(revealed.cache_control.as_deref(), Some("no-store"));
    let revealed = revealed.ok();
    let (segment, signature) = (text(&revealed, "/securitySegment"), text(&revealed, "/signature"));
    assert_eq!(text(&revealed, "/domain"), "Brownboots");
    assert_eq!(
        text(&revealed, "/postbackUrl"),
        format!(
            "https://api.brownboots.getgokart.ai/api/v1/{segment}?signature={signature}\
             &gk_click_id={{gk_click_id}}&cnv_event_id={{cnv_event_id}}"
        )
    );
    // What ingest will do with the three pasted values.
    let keyring = Keyring::parse(&SecretString::from(CREDENTIAL_KEYS)).unwrap();
    let verified = signing::credential::verify(&keyring, "brownboots", &segment, &signature).unwrap();
    assert_eq!(verified.credential_id.to_string(), credential);
    assert_eq!(verified.generation, 1);

    // Part 5: step by step, each saved.
    let advertiser = catalog.advertiser(&token).await;
    let draft = catalog.post("/offers", &token, json!({"offerType": "MultiEvent"})).await.ok();
    let offer = format!("/offers/{}", text(&draft, "/offerId"));
    assert_eq!((draft["status"].as_str(), draft["newestVersion"].as_u64()), (Some("Draft"), Some(0)));
    assert!(draft["findings"].as_array().unwrap().len() > 10);
    catalog.post(&format!("{offer}/create"), &token, json!({})).await.problem(422, "offer_not_ready");
    catalog.put(&offer, &token, golfin(&advertiser)).await.ok();
    assert_eq!(catalog.facts::<OfferVersionCreated>().await, []);

    // Part 6: create, clone, customise, share.
    let created = catalog.post(&format!("{offer}/create"), &token, json!({})).await.ok();
    assert_eq!((created["status"].as_str(), created["newestVersion"].as_u64()), (Some("Ready"), Some(1)));
    assert_eq!(created["sharedTo"], json!(null));

    let clone = catalog.post(&format!("{offer}/clone"), &token, json!({})).await.ok();
    assert_eq!(clone["status"], "Draft");
    assert_eq!(clone["clonedFrom"], created["offerId"]);
    assert_eq!(clone["name"], created["name"]);
    assert_ne!(clone["events"][0]["offerEventId"], created["events"][0]["offerEventId"]);
    let clone = format!("/offers/{}", text(&clone, "/offerId"));

    let mut customised = golfin(&advertiser);
    customised["name"] = json!("Golfin iOS for Rewardville");
    customised["events"][1]["payout"] = json!("3.50");
    let saved = catalog.put(&clone, &token, customised).await.ok();
    assert_eq!(saved["events"][1]["payout"], json!({"model": "FlatRate", "amount": "3.50"}));
    catalog.post(&format!("{clone}/create"), &token, json!({})).await.ok();

    let publisher = catalog.publisher(&token).await;
    let shared =
        catalog.post(&format!("{clone}/share"), &token, json!({"publisherId": publisher})).await.ok();
    assert_eq!(shared["displayStatus"], "Scheduled");
    assert_eq!(text(&shared, "/sharedTo/publisherId"), publisher);
    let link = text(&shared, "/sharedTo/linkId");
    assert_eq!(
        text(&shared, "/sharedTo/trackingLink"),
        format!(
            "http://127.0.0.1:8081/api/v1/offer-link/redirect/{link}?domain=Brownboots\
             &pub_click_id={{pub_click_id}}&pub_member_id={{pub_member_id}}"
        )
    );

    // What the other services hear: two offers with one version each, one of them shared.
    let versions = catalog.facts::<OfferVersionCreated>().await;
    assert_eq!(versions.iter().map(|version| version.version).collect::<Vec<_>>(), [1, 1]);
    let names: Vec<_> = versions[1].events.iter().map(|event| event.event_id.as_str()).collect();
    assert_eq!(names, ["Install", "level_10", "af_purchase"]);
    assert_eq!(TenantId::from_slice(&versions[1].tenant_id).unwrap(), verified.tenant_id);
    let changes = catalog.facts::<OfferChanged>().await;
    let last = changes.last().unwrap();
    assert_eq!(last.status(), OfferStatus::Ready);
    assert_eq!(last.offer_id, versions[1].offer_id);
    assert!(last.publisher_id.is_some() && last.link_id.is_some() && last.cloned_from.is_some());
    assert!(
        changes
            .iter()
            .filter(|change| change.offer_id == last.offer_id)
            .map(|change| change.revision)
            .is_sorted()
    );

    // And who did it all is written down.
    let log = catalog.get("/audit-log?page_size=100", &token).await.ok();
    let mut actions: Vec<_> =
        log["items"].as_array().unwrap().iter().map(|entry| text(entry, "/action")).collect();
    actions.reverse();
    assert_eq!(
        actions,
        [
            "tenant.created",
            "credential.issued",
            "credential.revealed",
            "advertiser.created",
            "offer.drafted",
            "offer.draft-saved",
            "offer.created",
            "offer.cloned",
            "offer.draft-saved",
            "offer.created",
            "publisher.created",
            "offer.shared",
        ]
    );
    assert!(!log.to_string().contains(&signature), "a secret is in the audit log");
}
