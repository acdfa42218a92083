//! Postback credentials: rotation, revocation, and who is told what.

use contracts::catalog::CredentialChanged;
use secrecy::SecretString;
use serde_json::json;
use signing::{Keyring, credential};

use crate::catalog::{CREDENTIAL_KEYS, Catalog, text};

const DAY_MICROS: i64 = 86_400_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_gives_new_values_and_lets_the_old_ones_work_on() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let advertiser = catalog.advertiser(&token).await;
    let issued = catalog.post("/credentials", &token, json!({"advertiserId": advertiser})).await.ok();
    assert_eq!(text(&issued, "/advertiserId"), advertiser);
    let path = format!("/credentials/{}", text(&issued, "/credentialId"));
    let first = catalog.post(&format!("{path}/reveal"), &token, json!({})).await.ok();

    let rotated = catalog.post(&format!("{path}/rotate"), &token, json!({})).await.ok();
    assert_eq!(rotated["generations"].as_array().unwrap().len(), 2);
    assert!(rotated["generations"][0]["validUntil"].is_string());
    assert!(rotated["generations"][1]["validUntil"].is_null());
    let second = catalog.post(&format!("{path}/reveal"), &token, json!({})).await.ok();
    assert_ne!(first["securitySegment"], second["securitySegment"]);

    let keyring = Keyring::parse(&SecretString::from(CREDENTIAL_KEYS)).unwrap();
    for (shown, generation) in [(&first, 1), (&second, 2)] {
        let (segment, signature) = (text(shown, "/securitySegment"), text(shown, "/signature"));
        let verified = credential::verify(&keyring, "Brownboots", &segment, &signature).unwrap();
        assert_eq!(verified.generation, generation);
    }

    let told = catalog.facts::<CredentialChanged>().await;
    assert_eq!(told.iter().map(|fact| fact.version).collect::<Vec<_>>(), [1, 2]);
    let [old, new] = told[1].generations.as_slice() else { panic!("{told:?}") };
    assert_eq!(old.valid_until_micros, Some(new.issued_at_micros + 7 * DAY_MICROS));
    assert_eq!(new.valid_until_micros, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_credential_is_over() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let issued = catalog.post("/credentials", &token, json!({})).await.ok();
    let path = format!("/credentials/{}", text(&issued, "/credentialId"));
    for _again in 0..2 {
        let revoked = catalog.post(&format!("{path}/revoke"), &token, json!({})).await.ok();
        assert_eq!(revoked["revoked"], true);
    }
    catalog.post(&format!("{path}/reveal"), &token, json!({})).await.problem(409, "credential_revoked");
    catalog.post(&format!("{path}/rotate"), &token, json!({})).await.problem(409, "credential_revoked");
    let told = catalog.facts::<CredentialChanged>().await;
    assert_eq!(told.len(), 2, "revoking again says nothing new");
    assert!(told[1].generations[0].valid_until_micros.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_looks_at_a_credential_is_written_down() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let issued = catalog.post("/credentials", &token, json!({})).await.ok();
    let id = text(&issued, "/credentialId");
    catalog.post(&format!("/credentials/{id}/reveal"), &token, json!({})).await.ok();
    let log = catalog.get(&format!("/audit-log?subject={id}"), &token).await.ok();
    assert_eq!(log["items"][0]["action"], "credential.revealed");
    assert!(log["items"][0]["tokenId"].is_string());
    let listed = catalog.get("/credentials", &token).await.ok();
    assert!(!listed.to_string().contains("signature"));
}

/// URLs are logged all over the world; our tables, audit log and outbox are at least not one more place.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_pasted_is_stored_nowhere() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let issued = catalog.post("/credentials", &token, json!({})).await.ok();
    let path = format!("/credentials/{}", text(&issued, "/credentialId"));
    let mut pasted = Vec::new();
    for change in ["rotate", "revoke"] {
        let shown = catalog.post(&format!("{path}/reveal"), &token, json!({})).await.ok();
        pasted.push(text(&shown, "/signature"));
        pasted.extend(text(&shown, "/securitySegment").split_terminator('/').map(str::to_owned));
        catalog.post(&format!("{path}/{change}"), &token, json!({})).await.ok();
    }
    assert_eq!(pasted.len(), 8);
    let stored = catalog.stored().await;
    assert!(stored.contains("credential.revealed"), "{stored}");
    for value in pasted {
        assert_eq!(stored.lines().find(|line| line.contains(&value)), None, "{value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let nobody = "00000000-0000-7000-8000-000000000000";
    let fields = catalog
        .post("/credentials", &token, json!({"advertiserId": nobody}))
        .await
        .fields(422, "invalid_body");
    assert_eq!(fields, ["advertiserId"]);
    let issued = catalog.post("/credentials", &token, json!({})).await.ok();
    let path = format!("/credentials/{}/rotate", text(&issued, "/credentialId"));
    let fields =
        catalog.post(&path, &token, json!({"overlapDays": 91, "now": 1})).await.fields(422, "invalid_body");
    assert_eq!(fields, ["now", "overlapDays"]);
    catalog.post(&format!("/credentials/{nobody}/reveal"), &token, json!({})).await.problem(404, "not_found");
    catalog.post("/credentials/not-an-id/reveal", &token, json!({})).await.problem(400, "invalid_path");
}
