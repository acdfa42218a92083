//! Everything a postback may mention of a conversion, as text or plain numbers. What the advertiser pays is not in it: it
//! is none of the publisher's business.

use std::collections::BTreeMap;

use kernel::{
    ClickId, ConversionId, DeliveryId, Micros, Money, OfferEventId, OfferId, PublisherId, Timestamp,
};

/// What AppsFlyer reported, as it came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrackingSystem {
    /// `cnv_event_id`.
    pub event_id: String,
    /// `cnv_conversion_id`.
    pub conversion_id: String,
    /// `cnv_amount`, exactly as it came.
    pub amount: String,
    /// `cnv_conversion_ip_address`.
    pub ip_address: String,
    /// `cnv_email`.
    pub email: String,
    /// `cnv_user_id`.
    pub user_id: String,
    /// `cnv_sub_1` … `cnv_sub_5` by number.
    pub subs: BTreeMap<u32, String>,
}

/// The conversion, as a publisher may know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// One telling of one status to one endpoint; the same on every attempt.
    pub delivery: DeliveryId,
    /// The conversion; never changes.
    pub conversion: ConversionId,
    /// Payout's count of the conversion's changes.
    pub revision: u64,
    /// What is told, by its word: of a conversion one of [`Told`](crate::domain::standing::Told), of a sample `Test`.
    pub status: &'static str,
    /// Why, for Rejected and Pending on review.
    pub reason: String,
    /// The journey.
    pub click: ClickId,
    /// When the user clicked.
    pub clicked_at: Timestamp,
    /// The publisher itself.
    pub publisher: PublisherId,
    /// The offer.
    pub offer: OfferId,
    /// Its name.
    pub offer_name: String,
    /// The offer's event.
    pub offer_event: OfferEventId,
    /// Its Event ID.
    pub event_id: String,
    /// Its user-facing name.
    pub event_name: String,
    /// Its number; absent: Independent.
    pub sequence_number: Option<u32>,
    /// When the user did it, by AppsFlyer's stamp.
    pub event_time: Timestamp,
    /// When the postback reached us.
    pub received_at: Timestamp,
    /// What the publisher earns, once that is known.
    pub payout: Option<Money>,
    /// What the user spent.
    pub amount: Option<Money>,
    /// Points for the publisher's user.
    pub reward_points: i64,
    /// The publisher's own click id.
    pub pub_click_id: String,
    /// The publisher's own user id.
    pub pub_member_id: String,
    /// The publisher's own values by number, 1 to 15.
    pub pub_subs: BTreeMap<u32, String>,
    /// What the publisher said of its user.
    pub pub_gender: Option<&'static str>,
    /// What the publisher said of its user.
    pub pub_age: Option<u32>,
    /// Where the click came from.
    pub country: Option<String>,
    /// What AppsFlyer reported.
    pub tracking_system: TrackingSystem,
}

impl Story {
    /// The payout as decimal text, empty while it is not known.
    pub(super) fn payout_text(&self) -> String {
        self.payout.map(|payout| payout.amount.to_string()).unwrap_or_default()
    }

    /// What the user spent as decimal text, empty when nothing was reported.
    pub(super) fn amount_text(&self) -> String {
        self.amount.map(|Money { amount: Micros(micros), .. }| Micros(micros).to_string()).unwrap_or_default()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use kernel::Currency;
    use uuid::Uuid;

    use super::*;
    use crate::domain::standing::Told;

    pub(in super::super) fn story() -> Story {
        let id = Uuid::from_u128;
        Story {
            delivery: DeliveryId::from_uuid(id(1)),
            conversion: ConversionId::from_uuid(id(2)),
            revision: 2,
            status: Told::Success.word(),
            reason: String::new(),
            click: ClickId::from_uuid(id(3)),
            clicked_at: Timestamp::from_micros(1_800_000_000_000_000),
            publisher: PublisherId::from_uuid(id(4)),
            offer: OfferId::from_uuid(id(5)),
            offer_name: String::from("Golfin iOS & more"),
            offer_event: OfferEventId::from_uuid(id(6)),
            event_id: String::from("af_purchase"),
            event_name: String::from("Purchase"),
            sequence_number: None,
            event_time: Timestamp::from_micros(1_800_000_060_000_000),
            received_at: Timestamp::from_micros(1_800_000_061_000_000),
            payout: Some(Money::new(Micros(2_000_000), Currency::USD)),
            amount: Some(Money::new(Micros(4_990_000), Currency::USD)),
            reward_points: 50,
            pub_click_id: String::from("click 1"),
            pub_member_id: String::from("member-1"),
            pub_subs: BTreeMap::from([(1, String::from("a&b=c"))]),
            pub_gender: None,
            pub_age: Some(34),
            country: Some(String::from("US")),
            tracking_system: TrackingSystem { amount: String::from("4.990"), ..TrackingSystem::default() },
        }
    }
}
