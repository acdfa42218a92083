//! The conversion id is computed, never drawn: whoever sees the same occurrence names it alike, so a redelivery, a
//! second replica or a replay can never make a second conversion.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    click_id::ClickId,
    ids::{ConversionId, OfferEventId, TenantId},
    time::Timestamp,
};

/// Which occurrence of an offer event on a click a postback belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Occurrence {
    /// Repetitions are off, or nothing tells repeats apart: one per (click, offer event).
    Once,
    /// Repetitions are on and AppsFlyer sent a conversion id.
    ById(String),
    /// Repetitions are on, no conversion id: the event time as parsed, cut to the millisecond.
    AtMillis(i64),
}

impl Occurrence {
    /// The occurrence of an event time, before it is capped to `received_at`.
    #[must_use]
    pub const fn at(event_time: Timestamp) -> Self {
        Self::AtMillis(event_time.as_millis())
    }

    /// The text that stands for this occurrence in tables, messages and the conversion id. The prefix keeps a
    /// conversion id that looks like a time from meeting a time.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Once => String::from("once"),
            Self::ById(id) => format!("id:{id}"),
            Self::AtMillis(millis) => format!("at:{millis}"),
        }
    }
}

impl ConversionId {
    /// The id of the conversion of `occurrence` of `offer_event` on `click`.
    ///
    /// The first 128 bits of SHA-256 over a version tag, the three ids and the occurrence key, marked as `UUIDv8`.
    #[must_use]
    pub fn derive(
        tenant: TenantId,
        click: ClickId,
        offer_event: OfferEventId,
        occurrence: &Occurrence,
    ) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"gokart conversion 1");
        hash.update(tenant.as_uuid().as_bytes());
        hash.update(click.as_uuid().as_bytes());
        hash.update(offer_event.as_uuid().as_bytes());
        hash.update(occurrence.key().as_bytes());
        let digest = hash.finalize();
        let mut id = [0_u8; 16];
        for (to, from) in id.iter_mut().zip(digest.iter()) {
            *to = *from;
        }
        Self::from_uuid(uuid_v8(id))
    }
}

fn uuid_v8(bytes: [u8; 16]) -> Uuid {
    uuid::Builder::from_bytes(bytes)
        .with_variant(uuid::Variant::RFC4122)
        .with_version(uuid::Version::Custom)
        .into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derive(occurrence: &Occurrence) -> ConversionId {
        ConversionId::derive(
            TenantId::from_uuid(Uuid::from_u128(1)),
            ClickId::from_uuid(Uuid::from_u128(2)),
            OfferEventId::from_uuid(Uuid::from_u128(3)),
            occurrence,
        )
    }

    #[test]
    fn the_id_never_changes_between_releases() {
        // Written down once: an id that moves would pay every open conversion a second time.
        assert_eq!(derive(&Occurrence::Once).to_string(), "cc380b97-265f-8574-85b0-23d2c9289ce8");
        assert_eq!(
            derive(&Occurrence::ById(String::from("42"))).to_string(),
            "0add1899-bbc4-8cfa-bbd0-09b164e76632"
        );
    }

    #[test]
    fn different_occurrences_have_different_ids() {
        assert_ne!(derive(&Occurrence::ById(String::from("42"))), derive(&Occurrence::AtMillis(42)));
        assert_ne!(derive(&Occurrence::Once), derive(&Occurrence::ById(String::from("once"))));
    }
}
