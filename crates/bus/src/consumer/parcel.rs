//! One AMQP message, opened.

use bytes::Bytes;
use contracts::envelope::{Envelope, FactBatch};
use lapin::{BasicProperties, types::AMQPValue};
use prost::Message as _;
use sha2::{Digest as _, Sha256};

/// Where a quorum queue counts how often a message has come back.
const DELIVERY_COUNT: &str = "x-delivery-count";
/// Bytes of a `fact_id`.
const ID_BYTES: usize = 16;

/// A message whose items can be handled.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) tag: u64,
    /// How often it has come back because a process or connection died while holding it.
    pub(crate) returns: i64,
    pub(crate) items: Vec<Envelope>,
}

/// A message that is no `FactBatch` of ours.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAParcel {
    #[error("the body is not a FactBatch")]
    Undecodable,
    #[error("the body holds no item")]
    Empty,
    #[error("an item has no fact id of 16 bytes or no name of its fact")]
    NoIdentity,
}

/// Opens a message.
pub(crate) fn open(tag: u64, properties: &BasicProperties, body: Bytes) -> Result<Parcel, NotAParcel> {
    Ok(Parcel { tag, returns: delivery_count(properties), items: items(body)? })
}

fn items(body: Bytes) -> Result<Vec<Envelope>, NotAParcel> {
    // Decoded from `Bytes`, so the items' bodies share the message's memory.
    let batch = FactBatch::decode(body).map_err(|_says_nothing_safe| NotAParcel::Undecodable)?;
    if batch.items.is_empty() {
        return Err(NotAParcel::Empty);
    }
    // Without these an item could be neither deduped nor found again in a grave; only a stranger sends it.
    if batch.items.iter().any(|item| item.fact_id.len() != ID_BYTES || item.fact.is_empty()) {
        return Err(NotAParcel::NoIdentity);
    }
    Ok(batch.items)
}

fn delivery_count(properties: &BasicProperties) -> i64 {
    let count = properties.headers().as_ref().and_then(|headers| headers.inner().get(DELIVERY_COUNT));
    match count {
        Some(AMQPValue::LongLongInt(count)) => *count,
        Some(AMQPValue::LongInt(count)) => i64::from(*count),
        Some(AMQPValue::ShortInt(count)) => i64::from(*count),
        Some(AMQPValue::ShortShortInt(count)) => i64::from(*count),
        Some(AMQPValue::LongUInt(count)) => i64::from(*count),
        Some(AMQPValue::ShortUInt(count)) => i64::from(*count),
        Some(AMQPValue::ShortShortUInt(count)) => i64::from(*count),
        _ => 0,
    }
}

/// Names a body without showing it: the first eight bytes of its SHA-256.
pub(crate) fn fingerprint(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    hex::encode(digest.get(..8).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use lapin::types::FieldTable;

    use super::*;

    fn encoded(items: Vec<Envelope>) -> Bytes {
        FactBatch { items }.encode_to_vec().into()
    }

    fn good() -> Envelope {
        Envelope { fact_id: vec![1; 16], fact: "a.b.C".to_owned(), ..Envelope::default() }
    }

    #[test]
    fn only_items_with_an_identity_are_a_parcel() {
        assert_eq!(items(encoded(vec![good(), good()])).unwrap().len(), 2);
        assert_eq!(items(Bytes::new()), Err(NotAParcel::Empty));
        assert_eq!(items(Bytes::from_static(b"{\"json\":1}")), Err(NotAParcel::Undecodable));
        let short = Envelope { fact_id: vec![1; 15], ..good() };
        assert_eq!(items(encoded(vec![good(), short])), Err(NotAParcel::NoIdentity));
        let nameless = Envelope { fact: String::new(), ..good() };
        assert_eq!(items(encoded(vec![nameless])), Err(NotAParcel::NoIdentity));
    }

    #[test]
    fn the_brokers_count_is_read() {
        let mut headers = FieldTable::default();
        assert_eq!(delivery_count(&BasicProperties::default()), 0);
        headers.insert(DELIVERY_COUNT.into(), AMQPValue::LongLongInt(3));
        assert_eq!(delivery_count(&BasicProperties::default().with_headers(headers)), 3);
    }

    #[test]
    fn a_fingerprint_is_short_and_says_nothing() {
        assert_eq!(fingerprint(b""), "e3b0c44298fc1c14");
    }
}
