//! What people paste into AppsFlyer, as it arrives at the door: mangled copies of the right values are accepted, the guide's
//! printed ones never.

use std::collections::BTreeSet;

use kernel::{CredentialId, TenantId};
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use signing::{Keyring, credential};
use system_tests::lone::LoneIngest;
use test_kit::http_client;
use uuid::Uuid;

const GUIDE_SEGMENT: &str = "ZM-A9KxR5TQ2/Zu4Wn-8PmFJ7BqC6tHDrN0V/L5EoG2SxM9pTQaU3W/";
const GUIDE_SIGNATURE: &str = "7FqR9KxD2WmA5N0B1TgYJcZs8vL3X4UeP-MH6tQEkdS";
const DOMAINS: [&str; 4] = ["Brownboots", "brownboots", "BROWNBOOTS", "%20Brownboots%0A"];

/// A keyring with a key under every id there can be.
fn every_key() -> String {
    (1..=15)
        .map(|id| format!("{id}:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"))
        .collect::<Vec<_>>()
        .join(" ")
}

async fn status(url: &str, host: Option<&str>) -> StatusCode {
    let call = http_client().get(url);
    let call = match host {
        Some(host) => call.header("host", host),
        None => call,
    };
    call.send().await.unwrap().status()
}

#[tokio::test]
async fn mangled_copies_are_accepted() {
    let keys = every_key();
    let mut ingest = LoneIngest::with(&[("CREDENTIALS__KEYS", &keys)]);
    ingest.process.start().await;
    let (id, tenant) = (CredentialId::from_uuid(Uuid::from_u128(7)), TenantId::from_uuid(Uuid::from_u128(8)));
    let keyring = Keyring::parse(&SecretString::from(keys)).unwrap();
    let issued = credential::issue(&keyring, "Brownboots", id, tenant, 1, [1, 2, 3, 4]);
    let (segment, signature) = (issued.segment, issued.signature.expose_secret().to_owned());
    let segments = BTreeSet::from([
        segment.clone(),
        segment.trim_end_matches('/').to_owned(),
        format!("/{segment}"),
        segment.replace('/', "//"),
        segment.replacen('/', "", 1),
        segment.replace('/', ""),
        segment.replace('/', "%2F"),
        segment.replace('/', "%252f"),
        format!("%20{segment}%0A"),
        format!("%20/{}%20", segment.replace('/', "%2F/")),
    ]);
    for segment in segments {
        for domain in DOMAINS {
            for signature in [signature.clone(), format!("%20{signature}%0D%0A"), format!("+{signature}+")] {
                let url =
                    format!("{}/api/v1/{segment}?signature={signature}&domain={domain}&x=1", ingest.url);
                assert_eq!(status(&url, None).await, StatusCode::OK, "{segment} {domain}");
            }
        }
    }
}

#[tokio::test]
async fn the_guides_values_are_refused_under_every_key_and_in_every_case() {
    let mut ingest = LoneIngest::with(&[("CREDENTIALS__KEYS", &every_key())]);
    ingest.process.start().await;
    for segment in
        [GUIDE_SEGMENT.to_owned(), GUIDE_SEGMENT.replace('/', "%2F"), GUIDE_SEGMENT.replace('/', "")]
    {
        let url = format!("{}/api/v1/{segment}?signature={GUIDE_SIGNATURE}", ingest.url);
        for domain in DOMAINS {
            assert_eq!(
                status(&format!("{url}&domain={domain}"), None).await,
                StatusCode::NOT_FOUND,
                "{domain}"
            );
        }
        for host in ["api.brownboots.gokart.test", "api.Brownboots.gokart.test", "API.BROWNBOOTS.GOKART.TEST"]
        {
            assert_eq!(status(&url, Some(host)).await, StatusCode::NOT_FOUND, "{host}");
        }
    }
}
