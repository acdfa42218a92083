//! Versions: each saved change of a created offer makes a new immutable one, with a number that counts from 1.
//!
//! A click lives under the version it was made in. An event that came later has no terms there, so every event keeps the
//! terms of the version that **introduced** it, for ever: that is what such clicks get. Removing an event and bringing it
//! back does not introduce it again.

use std::collections::BTreeMap;

use kernel::{Currency, Days, OfferEventId};
use serde::{Deserialize, Serialize};

use super::{
    event::{OfferEvent, Payout, Revenue},
    offer::{DeadlineAnchor, OfferFields},
    problems::Problems,
};

/// What a version fixes for the clicks made under it, for one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventTerms {
    /// Of flat amounts.
    pub currency: Option<Currency>,
    /// What the advertiser owes.
    pub revenue: Option<Revenue>,
    /// What the publisher earns.
    pub payout: Option<Payout>,
    /// Points that the publisher's user sees.
    pub reward: i64,
    /// Held before it is released.
    pub pending_time: Option<Days>,
    /// Whether fraud reported after release takes the money back.
    pub reverse_on_fraud: bool,
    /// Days after the anchor in which it counts.
    pub deadline_days: Option<Days>,
    /// From when they count.
    pub deadline_anchor: DeadlineAnchor,
    /// Least time after the previous number was reached.
    pub min_time_seconds: Option<u64>,
    /// Whether it may happen more than once on a click.
    pub allow_repetitions: bool,
}

impl EventTerms {
    /// The terms of `event` in a version that holds `fields`.
    #[must_use]
    pub fn of(fields: &OfferFields, event: &OfferEvent) -> Self {
        Self {
            currency: fields.currency,
            revenue: event.revenue,
            payout: event.payout,
            reward: event.reward,
            pending_time: event.pending_time,
            reverse_on_fraud: fields.reverse_on_fraud,
            deadline_days: event.deadline_days,
            deadline_anchor: fields.deadline_anchor,
            min_time_seconds: event.min_time_seconds,
            allow_repetitions: event.allow_repetitions,
        }
    }
}

/// Where an event was introduced, and its terms there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Introduction {
    /// The first version that had it.
    pub in_version: u32,
    /// Its terms there.
    pub terms: EventTerms,
}

/// Every event an offer ever had in a version, by its lasting id.
pub type Introductions = BTreeMap<OfferEventId, Introduction>;

/// The events that `version`, holding `fields`, has for the first time.
#[must_use]
pub fn introduce(version: u32, fields: &OfferFields, known: &Introductions) -> Introductions {
    fields
        .events
        .iter()
        .filter_map(|event| Some((event.offer_event_id?, event)))
        .filter(|(id, _event)| !known.contains_key(id))
        .map(|(id, event)| (id, Introduction { in_version: version, terms: EventTerms::of(fields, event) }))
        .collect()
}

/// Changes that a created offer does not allow: money already counted hangs on them.
///
/// # Errors
/// Each of those fields, with the way out.
pub fn check_unchangeable(before: &OfferFields, after: &OfferFields) -> Result<(), Problems> {
    let mut problems = Problems::default();
    let mut fixed = |field: &str, same: bool| {
        if !same {
            problems.add(field, "can not change after the offer was created; clone the offer to change it");
        }
    };
    fixed("offerType", before.offer_type == after.offer_type);
    fixed("trackingSystem", before.tracking_system == after.tracking_system);
    fixed("advertiserId", before.advertiser_id == after.advertiser_id);
    fixed("currency", before.currency == after.currency);
    problems.or(())
}

#[cfg(test)]
mod tests {
    use kernel::{AdvertiserId, Micros};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::domain::{event::tests::event, offer::OfferType};

    fn id(number: u128) -> OfferEventId {
        OfferEventId::from_uuid(Uuid::from_u128(number))
    }

    fn offer(events: &[(u128, i64)]) -> OfferFields {
        let events = events.iter().map(|(number, micros)| OfferEvent {
            offer_event_id: Some(id(*number)),
            payout: Some(Payout::Flat(Micros(*micros))),
            ..event(&format!("e{number}"), Some(1))
        });
        OfferFields { events: events.collect(), currency: Some(Currency::USD), ..OfferFields::default() }
    }

    #[test]
    fn an_event_keeps_the_terms_of_the_version_that_introduced_it() {
        let mut known = introduce(1, &offer(&[(1, 10)]), &Introductions::new());
        let second = introduce(2, &offer(&[(1, 99), (2, 20)]), &known);
        assert_eq!(second.keys().collect::<Vec<_>>(), [&id(2)]);
        known.extend(second);
        assert_eq!(known[&id(1)].in_version, 1);
        assert_eq!(known[&id(1)].terms.payout, Some(Payout::Flat(Micros(10))));
        assert_eq!(known[&id(2)].in_version, 2);
        assert_eq!(known[&id(2)].terms.payout, Some(Payout::Flat(Micros(20))));
    }

    #[test]
    fn what_money_hangs_on_can_not_change() {
        let before = offer(&[(1, 10)]);
        let after = OfferFields {
            offer_type: Some(OfferType::SingleEvent),
            tracking_system: Some("Adjust".to_owned()),
            advertiser_id: Some(AdvertiserId::from_uuid(Uuid::from_u128(5))),
            currency: None,
            ..before.clone()
        };
        let fields: Vec<String> = check_unchangeable(&before, &after)
            .unwrap_err()
            .into_vec()
            .into_iter()
            .map(|problem| problem.field)
            .collect();
        assert_eq!(fields, ["offerType", "trackingSystem", "advertiserId", "currency"]);
        assert!(check_unchangeable(&before, &offer(&[(1, 11), (2, 5)])).is_ok());
    }

    proptest! {
        #[test]
        fn no_later_version_touches_an_introduction(
            versions in prop::collection::vec(prop::collection::btree_map(1..6_u128, 0..100_i64, 0..6), 1..8),
        ) {
            let mut known = Introductions::new();
            let mut expected = BTreeMap::new();
            for (number, events) in (1_u32..).zip(&versions) {
                let fields = offer(&events.iter().map(|(id, micros)| (*id, *micros)).collect::<Vec<_>>());
                let new = introduce(number, &fields, &known);
                known.extend(new);
                for (event, micros) in events {
                    expected.entry(id(*event)).or_insert((number, Some(Payout::Flat(Micros(*micros)))));
                }
            }
            let got: BTreeMap<_, _> =
                known.into_iter().map(|(id, intro)| (id, (intro.in_version, intro.terms.payout))).collect();
            prop_assert_eq!(got, expected);
        }
    }
}
