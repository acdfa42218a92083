//! The sample that an endpoint is tried out with. It tells of no conversion and says so three times, because a receiver may
//! look at any of them: its status is `Test`, its `webhook-id` begins with `test_`, and a header says `gokart-test: true`.
//! Whoever reads none of these finds a click and a member that it never sent.

use std::collections::BTreeMap;

use kernel::{
    ClickId, ConversionId, Currency, DeliveryId, Micros, Money, OfferEventId, OfferId, PublisherId, Timestamp,
};
use uuid::Uuid;

use super::story::{Story, TrackingSystem};

/// The header of a sample.
pub const TEST_HEADER: &str = "gokart-test";

/// The status of a sample.
const STATUS: &str = "Test";

/// What differs from sample to sample: a receiver that knows repeats by their ids must not take the second for the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Names this one; in the place of every id that a conversion would have.
    pub id: Uuid,
    /// Who is told.
    pub publisher: PublisherId,
    /// When.
    pub now: Timestamp,
}

/// A story that never happened, with a value for every macro but what few publishers use.
#[must_use]
pub fn sample(sample: &Sample) -> Story {
    let Sample { id, publisher, now } = *sample;
    let amount = |micros| Some(Money::new(Micros(micros), Currency::USD));
    Story {
        delivery: DeliveryId::from_uuid(id),
        conversion: ConversionId::from_uuid(id),
        revision: 1,
        status: STATUS,
        reason: String::from("A test of this endpoint: no conversion happened"),
        click: ClickId::from_uuid(id),
        clicked_at: now,
        publisher,
        offer: OfferId::from_uuid(id),
        offer_name: String::from("Test offer"),
        offer_event: OfferEventId::from_uuid(id),
        event_id: String::from("test_event"),
        event_name: String::from("Test event"),
        sequence_number: None,
        event_time: now,
        received_at: now,
        payout: amount(1_000_000),
        amount: amount(4_990_000),
        reward_points: 100,
        pub_click_id: String::from("test-click"),
        pub_member_id: String::from("test-member"),
        pub_subs: BTreeMap::from([(1, String::from("test-sub"))]),
        pub_gender: None,
        pub_age: None,
        country: None,
        tracking_system: TrackingSystem::default(),
    }
}

/// The value of `webhook-id` of a sample.
#[must_use]
pub fn test_webhook_id(id: Uuid) -> String {
    format!("test_{id}")
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Template, json_body},
        *,
    };

    #[test]
    fn a_sample_says_that_it_is_one() {
        let now = Timestamp::from_micros(1_800_000_000_000_000);
        let one =
            Sample { id: Uuid::from_u128(7), publisher: PublisherId::from_uuid(Uuid::from_u128(4)), now };
        let story = sample(&one);
        let url = Template::parse("https://p.example/?s={status}&c={pub_click_id}&p={payout}").unwrap();
        assert_eq!(url.render(&story), "https://p.example/?s=Test&c=test-click&p=1.00");
        let body: serde_json::Value = serde_json::from_slice(&json_body(&story, now).unwrap()).unwrap();
        assert_eq!(body["conversion"]["status"], "Test");
        assert!(!test_webhook_id(one.id).contains('.'));
    }
}
