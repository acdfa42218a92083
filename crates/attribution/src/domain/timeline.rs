//! A journey as it would have been decided step by step: each postback as it comes, and each time something has waited
//! long enough. What-if is this under terms that nobody has saved.

use kernel::{ReceiptId, Timestamp};

use super::{
    conversion::Conversion,
    diff::{Changes, ConversionChange, DecisionChange, Known, KnownDecision, diff},
    inputs::{Held, JourneyInputs},
    judge::judge,
};

/// Something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// The postback that came; none: time went by.
    pub receipt: Option<ReceiptId>,
    /// Decisions that it made or changed.
    pub decisions: Vec<DecisionChange>,
    /// Verdicts that it made or changed.
    pub conversions: Vec<(ConversionChange, Conversion)>,
}

/// Goes through the postbacks of a journey in the order of receipt, and then until nothing waits any more. The click is
/// there from the beginning.
#[must_use]
pub fn timeline(journey: &JourneyInputs<'_>) -> Vec<Moment> {
    let mut coming = journey.postbacks.clone();
    coming.sort_by_key(|postback| (postback.received_at, postback.receipt));
    coming.dedup_by_key(|postback| postback.receipt);
    let mut story = Story {
        journey: JourneyInputs { postbacks: Vec::new(), ..journey.clone() },
        known: Known::default(),
        wakes_at: None,
        moments: Vec::new(),
    };
    for postback in coming {
        let (at, receipt) = (postback.received_at, postback.receipt);
        story.wait(Some(at));
        story.journey.postbacks.push(postback);
        story.judge(at, Some(receipt));
    }
    story.wait(None);
    story.moments
}

struct Story<'a> {
    journey: JourneyInputs<'a>,
    known: Known,
    wakes_at: Option<Timestamp>,
    moments: Vec<Moment>,
}

impl Story<'_> {
    /// Lets time go by until something else happens, or until nothing waits.
    fn wait(&mut self, until: Option<Timestamp>) {
        while let Some(at) = self.wakes_at.filter(|at| until.is_none_or(|until| *at < until)) {
            self.judge(at, None);
            if self.wakes_at.is_some_and(|next| next <= at) {
                return;
            }
        }
    }

    fn judge(&mut self, at: Timestamp, receipt: Option<ReceiptId>) {
        let verdict = judge(&self.journey, at);
        self.wakes_at = verdict.waits.until;
        let changes = diff(&self.known, &verdict);
        self.remember(&changes);
        if receipt.is_none() && changes.decisions.is_empty() && changes.conversions.is_empty() {
            return;
        }
        let conversions =
            changes.conversions.into_iter().map(|(_, change, conversion)| (change, conversion)).collect();
        self.moments.push(Moment { at, receipt, decisions: changes.decisions, conversions });
    }

    /// As the service keeps it between two judgements.
    fn remember(&mut self, changes: &Changes) {
        let decided = changes.decisions.iter().map(|change| {
            let DecisionChange { decision, revision, .. } = change;
            let known = KnownDecision { code: decision.code, revision: *revision, settled: decision.settled };
            (decision.receipt, known)
        });
        for (receipt, known) in decided.chain(changes.settled.iter().copied()) {
            self.known.decisions.insert(receipt, known);
            for postback in self.journey.postbacks.iter_mut().filter(|one| one.receipt == receipt) {
                postback.settled = known.settled;
            }
        }
        for (revision, _, conversion) in &changes.conversions {
            self.known.conversions.insert(conversion.id, (*revision, conversion.clone()));
            if let Some(slot) = conversion.slot() {
                let held = Held {
                    holder: conversion.holder,
                    amount_from: conversion.amount_from,
                    amount_closed: false,
                    terms: conversion.terms,
                };
                self.journey.held.insert(slot, held);
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]
mod tests {
    use std::collections::BTreeMap;

    use kernel::{ClickId, TenantId};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::domain::{
        Stamped,
        samples::{CLICKED, DAY, Feed, HOUR, at, guide, postback},
    };

    fn inputs(feed: &Feed, postbacks: Vec<Stamped>) -> JourneyInputs<'_> {
        JourneyInputs {
            tenant: TenantId::from_uuid(Uuid::from_u128(1)),
            click_id: ClickId::from_uuid(Uuid::from_u128(1)),
            click_id_is_ours: true,
            click: feed.click.clone(),
            postbacks,
            offer: &feed.offer,
            credentials: &feed.credentials,
            held: BTreeMap::new(),
            people: Vec::new(),
            first_clicks: BTreeMap::new(),
            replayed: Vec::new(),
            dated_by: None,
        }
    }

    proptest! {
        /// The last decision on each postback is what judging the whole set at the end says.
        #[test]
        fn the_end_of_the_timeline_is_the_verdict_of_the_set(
            events in proptest::collection::vec((0..4_usize, 0..200_i64), 1..12)
        ) {
            let names = ["Install", "level_10", "af_purchase", "mystery"];
            let postbacks: Vec<Stamped> = (1..)
                .zip(&events)
                .map(|(receipt, (event, hours))| postback(receipt, names[*event], hours * HOUR))
                .collect();
            let feed = Feed::new(vec![guide()]);
            let moments = timeline(&inputs(&feed, postbacks.clone()));
            let mut last = BTreeMap::new();
            for change in moments.iter().flat_map(|moment| &moment.decisions) {
                last.insert(change.decision.receipt, change.decision.code);
            }
            let whole = judge(&inputs(&feed, postbacks), at(CLICKED + 100 * DAY));
            let expected: BTreeMap<_, _> =
                whole.decisions.iter().map(|decision| (decision.receipt, decision.code)).collect();
            prop_assert_eq!(last, expected);
            prop_assert!(moments.is_sorted_by_key(|moment| moment.at));
        }
    }
}
