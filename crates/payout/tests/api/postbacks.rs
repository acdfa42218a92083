//! What a publisher hears, and that it can trust it: signatures are checked by the official library and not by our code.

use contracts::{
    catalog::{ConversionStatus, PostbackMethod, SealedSecret},
    payout::{ActorKind, ConversionStatusChanged, DeliveryOutcome, DeliveryResult},
};
use secrecy::ExposeSecret as _;
use signing::webhook::WebhookSecret;
use standardwebhooks::Webhook;
use test_kit::Delivery;

use crate::{
    facts::{TRACE, Tenant, endpoint_id, now, secret},
    stage::Stage,
};

/// Whether a receiver that holds `secret` believes that `signed` came from us.
fn is_believed(delivery: &Delivery, secret: &WebhookSecret, signed: &[u8]) -> bool {
    let mut headers = http::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, delivery.header(name).unwrap().parse().unwrap());
    }
    Webhook::new(secret.to_text().expose_secret()).unwrap().verify(signed, &headers).is_ok()
}

#[tokio::test]
async fn no_pending_time_tells_the_publisher_at_once_by_get() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;

    let heard = stage.told(1).await;
    let postback = &heard[0];
    let conversion = brownboots.conversion_id(1);
    assert_eq!((postback.method.as_str(), postback.path.as_str()), ("GET", "/cb"));
    let expected = [
        ("c", "pub click 1"),
        ("m", "member&1"),
        ("s", "Success"),
        ("p", "2.00"),
        ("id", &conversion.to_string()),
    ];
    assert_eq!(postback.params(), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(postback.header("webhook-id").unwrap(), format!("{conversion}_1_{}", endpoint_id()));
    assert!(is_believed(postback, &secret(1), postback.target().as_bytes()));
    assert!(!is_believed(postback, &secret(2), postback.target().as_bytes()));
    assert!(!is_believed(postback, &secret(1), format!("{}0", postback.target()).as_bytes()));
    assert!(
        postback.header("traceparent").unwrap().contains(TRACE),
        "AppsFlyer's trace reaches the publisher"
    );

    let changed = stage.said_count::<ConversionStatusChanged>(1).await;
    assert_eq!(changed[0].status(), ConversionStatus::Success);
    assert_eq!(changed[0].actor(), ActorKind::Time);
    assert_eq!((changed[0].status_revision, changed[0].verdict_revision), (1, 1));
    assert_eq!((changed[0].event_id.as_str(), changed[0].occurrence.as_str()), ("af_purchase", "once"));
    assert_eq!((changed[0].reward_points, changed[0].flagged, changed[0].reversed), (50, false, false));
    let outcome = stage.said_count::<DeliveryOutcome>(1).await;
    assert_eq!((outcome[0].result(), outcome[0].attempts), (DeliveryResult::Delivered, 1));
    assert_eq!(outcome[0].last_http_status, Some(200));
    assert_eq!((outcome[0].version, outcome[0].stop_reason.as_str()), (1, ""));
    stage.strike().await;
}

#[tokio::test]
async fn a_post_carries_the_whole_conversion_signed_with_both_secrets_of_a_rotation() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    let mut endpoint = brownboots.endpoint(format!("{}/json", stage.publisher.url()));
    endpoint.method = PostbackMethod::PostJson.into();
    let later = now().saturating_add_seconds(3_600).as_micros();
    endpoint
        .signing_secrets
        .push(SealedSecret { sealed: brownboots.sealed(&secret(2)), valid_until_micros: Some(later) });
    endpoint.custom_header_name = Some(String::from("X-Publisher-Key"));
    endpoint.custom_header_value =
        Some(SealedSecret { sealed: brownboots.sealed_header("open sesame"), valid_until_micros: None });
    stage
        .say_catalog([
            brownboots.envelope(&brownboots.offer(1)),
            brownboots.publisher(1, vec![endpoint.clone()]),
        ])
        .await;
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;

    let heard = stage.told(1).await;
    let postback = &heard[0];
    assert_eq!((postback.method.as_str(), postback.path.as_str()), ("POST", "/json"));
    assert_eq!(postback.header("content-type"), Some("application/json"));
    assert_eq!(postback.header("x-publisher-key"), Some("open sesame"));
    for known in [secret(1), secret(2)] {
        assert!(is_believed(postback, &known, &postback.body));
    }
    let body = postback.json();
    assert_eq!(body["conversion"]["status"], "Success");
    assert_eq!(body["conversion"]["pubSub1"], "ios");
    assert_eq!(body["conversion"]["revenue"], "2.00");
    assert_eq!(body["conversion"]["trackSysConversionAmount"], "4.990");
    assert!(!String::from_utf8_lossy(&postback.body).contains("3.00"), "the advertiser's price is not told");

    // After the overlap only the new one signs.
    endpoint.signing_secrets[1].valid_until_micros = Some(now().as_micros() - 1);
    stage.say_catalog([brownboots.publisher(2, vec![endpoint])]).await;
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(2))]).await;
    let heard = stage.told(2).await;
    assert!(is_believed(&heard[1], &secret(1), &heard[1].body));
    assert!(!is_believed(&heard[1], &secret(2), &heard[1].body));

    // Nothing secret stands in a plain column.
    let plain = stage
        .count(
            "SELECT count(*) AS count FROM postback_endpoints
            WHERE postback_endpoints::text LIKE '%open sesame%' OR postback_endpoints::text LIKE '%whsec_%'",
        )
        .await;
    assert_eq!(plain, 0);
    stage.strike().await;
}

#[tokio::test]
async fn pending_and_rejected_are_told_to_those_who_asked() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    let mut curious = brownboots.endpoint(stage.template());
    curious.statuses = [ConversionStatus::Pending, ConversionStatus::Success, ConversionStatus::Rejected]
        .map(Into::into)
        .to_vec();
    stage
        .say_catalog([brownboots.envelope(&brownboots.offer(1)), brownboots.publisher(1, vec![curious])])
        .await;

    let held = contracts::attribution::ConversionVerdict {
        terms: Some(crate::facts::terms(3)),
        ..brownboots.verdict(1)
    };
    stage.say_verdicts([brownboots.qualified(held.clone())]).await;
    stage.told(1).await;
    stage.say_verdicts([brownboots.vetoed(&held)]).await;
    let heard = stage.told(2).await;
    let statuses: Vec<_> = heard.iter().filter_map(|postback| postback.param("s")).collect();
    assert_eq!(statuses, ["Pending", "Rejected"]);
    let ids: Vec<_> = heard.iter().filter_map(|postback| postback.param("id")).collect();
    assert_eq!(ids[0], ids[1], "always the same conversion id");
    assert_ne!(
        heard[0].header("webhook-id"),
        heard[1].header("webhook-id"),
        "another status is another message"
    );
    stage.strike().await;
}

#[tokio::test]
async fn an_endpoint_inside_is_never_called() {
    let stage = Stage::with(1, |settings| settings.client.allowed_networks.clear()).await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    stage.rows("delivery_attempts WHERE failure <> '' AND http_status IS NULL", 1).await;
    assert!(stage.publisher.deliveries().is_empty());
    stage.strike().await;
}

#[tokio::test]
async fn a_header_that_is_the_connections_is_never_sent_whatever_a_fact_says() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    let mut endpoint = brownboots.endpoint(stage.template());
    // One that the catalog refuses: what both refuse is one list.
    endpoint.custom_header_name = Some(String::from("Expect"));
    endpoint.custom_header_value =
        Some(SealedSecret { sealed: brownboots.sealed_header("100-continue"), valid_until_micros: None });
    stage
        .say_catalog([brownboots.envelope(&brownboots.offer(1)), brownboots.publisher(1, vec![endpoint])])
        .await;
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    stage.rows("delivery_attempts WHERE failure = 'the custom header can not be sent'", 1).await;
    assert!(stage.publisher.deliveries().is_empty());
}
