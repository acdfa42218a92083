//! Server keys of the credentials come and go; a credential's values change only when it is rotated itself.

use secrecy::SecretString;
use serde_json::{Value, json};
use signing::{Keyring, credential};

use crate::catalog::{CREDENTIAL_KEYS, Catalog, text};

const NEW_KEY: &str = "2:Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA";

fn keys(setting: &str) -> Vec<(&'static str, String)> {
    vec![("BUS__URL", "amqp://127.0.0.1:1".to_owned()), ("CREDENTIALS__KEYS", setting.to_owned())]
}

async fn shown(catalog: &Catalog, token: &str, path: &str) -> Value {
    catalog.post(&format!("{path}/reveal"), token, json!({})).await.ok()
}

fn verifies(keys: &str, shown: &Value) -> bool {
    let keyring = Keyring::parse(&SecretString::from(keys)).unwrap();
    credential::verify(&keyring, "Brownboots", text(shown, "/securitySegment"), text(shown, "/signature"))
        .is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_server_key_changes_nobodys_url_before_its_own_rotation() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let advertiser = catalog.advertiser(&token).await;
    let mut paths = Vec::new();
    for body in [json!({}), json!({"advertiserId": advertiser})] {
        let issued = catalog.post("/credentials", &token, body).await.ok();
        assert_eq!(issued["generations"][0]["keyId"], 1);
        paths.push(format!("/credentials/{}", text(&issued, "/credentialId")));
    }
    let [global, of_advertiser] = paths.as_slice() else { panic!("{paths:?}") };
    let before = [shown(&catalog, &token, global).await, shown(&catalog, &token, of_advertiser).await];

    // Put in front: nothing changes for anybody.
    let catalog = catalog.restart_with(&keys(&format!("{NEW_KEY} {CREDENTIAL_KEYS}"))).await;
    assert_eq!([shown(&catalog, &token, global).await, shown(&catalog, &token, of_advertiser).await], before);

    // One is rotated: its new values are the new key's, its old ones and everybody else's stay.
    let rotated = catalog.post(&format!("{global}/rotate"), &token, json!({})).await.ok();
    assert_eq!(rotated["generations"][0]["keyId"], 1);
    assert_eq!(rotated["generations"][1]["keyId"], 2);
    let new = shown(&catalog, &token, global).await;
    assert!(verifies(NEW_KEY, &new) && !verifies(CREDENTIAL_KEYS, &new));
    assert!(verifies(&format!("{NEW_KEY} {CREDENTIAL_KEYS}"), &before[0]), "the overlap works");
    assert_eq!(shown(&catalog, &token, of_advertiser).await, before[1]);

    // The old key is retired: what was made with it can not be shown, and the answer says what to do.
    let catalog = catalog.restart_with(&keys(NEW_KEY)).await;
    assert_eq!(shown(&catalog, &token, global).await, new);
    let log = format!("/audit-log?subject={}", text(&before[1], "/credentialId"));
    let looked = catalog.get(&log, &token).await.ok()["total"].clone();
    let refused = catalog.post(&format!("{of_advertiser}/reveal"), &token, json!({})).await;
    let problem = refused.problem(409, "credential_key_retired");
    assert!(problem.to_string().contains("rotate the credential"), "{problem}");
    assert_eq!(catalog.get(&log, &token).await.ok()["total"], looked, "nobody saw anything");
    catalog.post(&format!("{of_advertiser}/rotate"), &token, json!({})).await.ok();
    assert!(verifies(NEW_KEY, &shown(&catalog, &token, of_advertiser).await));
}
