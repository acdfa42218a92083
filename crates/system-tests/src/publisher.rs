//! What a careful publisher does with our postbacks: checks the signature with a library that is not ours.

use anyhow::Context;
use http::{HeaderMap, HeaderValue};
use standardwebhooks::Webhook;
use test_kit::Delivery;

/// Checks the Standard Webhooks signature of a delivery: over the body of a POST, over the request target of a GET.
///
/// # Errors
/// When a header is missing or the signature is not by `secret`.
pub fn verify(secret: &str, delivery: &Delivery) -> anyhow::Result<()> {
    let signed =
        if delivery.method == "GET" { delivery.target().into_bytes() } else { delivery.body.clone() };
    let mut headers = HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let value = delivery.header(name).with_context(|| format!("the postback has no header {name}"))?;
        headers.insert(name, HeaderValue::from_str(value)?);
    }
    Webhook::new(secret)?.verify(&signed, &headers).map_err(|error| anyhow::anyhow!("{error}"))
}
