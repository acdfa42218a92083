//! What ingest notes beside the postbacks: who calls from elsewhere, which credentials are used, bursts of wrong ones.

use std::time::Duration;

use contracts::{
    Fact,
    envelope::FactBatch,
    ingest::{CredentialUsed, PostbackReceived},
    open,
};
use kernel::{CredentialId, TenantId};
use lapin::{Connection, ConnectionProperties, options::BasicGetOptions};
use prost::Message as _;
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use signing::{Keyring, credential};
use system_tests::lone::{CREDENTIAL_KEYS, LoneIngest};
use test_kit::{eventually, http_client};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(30);

struct Pasted {
    url: String,
    signature: String,
}

fn pasted(ingest: &LoneIngest, credential: u128) -> Pasted {
    let keyring = Keyring::parse(&SecretString::from(CREDENTIAL_KEYS)).unwrap();
    let (id, tenant) =
        (CredentialId::from_uuid(Uuid::from_u128(credential)), TenantId::from_uuid(Uuid::from_u128(8)));
    let issued = credential::issue(&keyring, "Brownboots", id, tenant, 1, [1, 2, 3, 4]);
    let signature = issued.signature.expose_secret().to_owned();
    let url = format!("{}/api/v1/{}?domain=Brownboots&signature={signature}", ingest.url, issued.segment);
    Pasted { url, signature }
}

/// Everything in a queue that nobody reads.
async fn facts<F: Fact>(ingest: &LoneIngest, queue: &str) -> Vec<F> {
    let connection =
        Connection::connect(ingest.namespace.amqp_url(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let mut facts = Vec::new();
    let options = BasicGetOptions { no_ack: true };
    while let Some(message) =
        channel.basic_get(ingest.namespace.of(queue).as_str().into(), options).await.unwrap()
    {
        let batch = FactBatch::decode(message.delivery.data.as_slice()).unwrap();
        facts.extend(batch.items.iter().map(|item| open::<F>(item).unwrap()));
    }
    facts
}

/// The value of a metric without labels of its own.
async fn metric(ingest: &LoneIngest, name: &str) -> Option<u64> {
    let metrics = ingest.process.metrics().await;
    let line = metrics.lines().find(|line| line.starts_with(name))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[tokio::test]
async fn a_caller_from_elsewhere_is_noted_and_never_refused() {
    let mut ingest = LoneIngest::with(&[("DOOR__CALLER_IP_HEADER", "x-forwarded-for")]);
    ingest.process.start().await;
    let Pasted { url, .. } = pasted(&ingest, 7);
    for caller in ["45.92.117.4", "::ffff:194.28.47.1", "203.0.113.9", "10.0.0.1"] {
        let answer = http_client().get(&url).header("x-forwarded-for", caller).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{caller}");
    }
    let noted: Vec<_> = facts::<PostbackReceived>(&ingest, "attribution.postbacks")
        .await
        .into_iter()
        .map(|fact| (fact.caller_ip, fact.caller_outside_ranges))
        .collect();
    let expected =
        [("45.92.117.4", false), ("::ffff:194.28.47.1", false), ("203.0.113.9", true), ("10.0.0.1", false)];
    assert_eq!(noted, expected.map(|(caller, outside)| (caller.to_owned(), outside)));
    assert_eq!(metric(&ingest, "ingest_callers_outside_ranges_total").await, Some(1));
}

#[tokio::test]
async fn uses_are_told_in_one_fact_for_each_generation_and_app() {
    let mut ingest = LoneIngest::with(&[]);
    ingest.process.start().await;
    let (one, other) = (pasted(&ingest, 7), pasted(&ingest, 9));
    for (Pasted { url, .. }, rest, form) in [
        (&one, "&app_id=id1&app_id=id2", None),
        (&one, "&x=1&APP-ID=id1", None),
        (&one, "", Some("a=1&app_id=id1")),
        (&one, "&app_id={app_id}", None),
        (&one, "&app_id=null", None),
        (&other, "&app_id=id1", None),
    ] {
        let call = http_client().post(format!("{url}{rest}"));
        let call = match form {
            Some(form) => call.header("content-type", "application/x-www-form-urlencoded").body(form),
            None => call,
        };
        assert_eq!(call.send().await.unwrap().status(), StatusCode::OK, "{rest}");
    }
    // Refused calls use nothing.
    let wrong = one.url.replace("Brownboots", "Redboots");
    assert_eq!(http_client().get(wrong).send().await.unwrap().status(), StatusCode::NOT_FOUND);

    assert_eq!(ingest.process.stop().await.code(), Some(0), "told at the stop");
    let told = facts::<CredentialUsed>(&ingest, "offer-catalog.uses").await;
    assert!(
        told.iter().all(|fact| fact.first_used_at_micros <= fact.last_used_at_micros && fact.generation == 1)
    );
    let lines: Vec<_> = told
        .iter()
        .map(|fact| {
            (Uuid::from_slice(&fact.credential_id).unwrap().as_u128(), fact.app_id.as_str(), fact.uses)
        })
        .collect();
    assert_eq!(lines, [(7, "", 2), (7, "id1", 3), (9, "id1", 1)]);
}

#[tokio::test]
async fn a_burst_of_wrong_credentials_is_an_alarm_and_nothing_else() {
    let mut ingest =
        LoneIngest::with(&[("REFUSALS__BURST_CALLS", "5"), ("REFUSALS__BURST_WINDOW_SECONDS", "3")]);
    ingest.process.start().await;
    let Pasted { url, signature } = pasted(&ingest, 7);
    let other = if signature.starts_with('A') { "B" } else { "A" };
    let bent = format!("{other}{}", &signature[1..]);
    eventually("the burst is quiet before it begins", PATIENCE, async || {
        metric(&ingest, "ingest_refused_burst").await == Some(0)
    })
    .await;
    for _ in 0..20 {
        let answer = http_client().get(url.replace(&signature, &bent)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "never another answer");
    }
    eventually("the burst is noticed", PATIENCE, async || {
        metric(&ingest, "ingest_refused_burst").await == Some(1)
    })
    .await;
    assert_eq!(http_client().get(&url).send().await.unwrap().status(), StatusCode::OK, "others are served");
    eventually("the burst is over", PATIENCE, async || {
        metric(&ingest, "ingest_refused_burst").await == Some(0)
    })
    .await;
    let log = ingest.process.log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("with a wrong credential")).collect();
    assert_eq!(lines.len(), 2, "one when it begins, one when it ends: {lines:?}");
    assert!(lines[0].contains("\"ERROR\"") && lines[1].contains("\"INFO\""), "{lines:?}");
    assert!(!log.contains(&bent) && !log.contains(&signature));
}
