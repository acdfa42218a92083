//! What a dry run counted.

use std::collections::BTreeMap;

use kernel::PublisherId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{
    conversion::{Change, Conversion},
    standing::{Decision, Told},
};

/// What a file would do. Kept with its plan.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Lines of the file.
    pub lines: u64,
    /// Conversions that become Success before their time or their review.
    pub approve: u64,
    /// Conversions that are refused, or taken back.
    pub reject: u64,
    /// Rejected ones that become Success.
    pub restore: u64,
    /// Conversions that time may release again.
    pub clear_review: u64,
    /// Conversions that stand so already.
    pub unchanged: u64,
    /// Conversions that the rules keep from it.
    pub refused: u64,
    /// Lines that name no conversion of this tenant.
    pub not_found: u64,
    /// Namings of a conversion that an earlier line names.
    pub named_twice: u64,
    /// The sentences of the refusals, and how often each.
    pub refusals: BTreeMap<String, u64>,
    /// What is promised to publishers, by currency.
    pub money: Vec<Moved>,
    /// Conversions that go on review because one before them on their click is rejected, or come off it because one is
    /// restored.
    pub successors: u64,
    /// Postbacks that publishers get.
    pub postbacks: u64,
}

/// What a publisher's conversions of the file are worth, in micros: Pending and Success ones count, Rejected ones do not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Whose.
    pub publisher: Uuid,
    /// ISO 4217.
    pub currency: String,
    /// Before.
    pub revenue_before: i64,
    /// After.
    pub revenue_after: i64,
    /// Before.
    pub payout_before: i64,
    /// After.
    pub payout_after: i64,
}

impl Summary {
    /// Counts a decision that would be carried out.
    pub const fn decided(&mut self, decision: Decision) {
        let count = match decision {
            Decision::Approve => &mut self.approve,
            Decision::Reject => &mut self.reject,
            Decision::Restore => &mut self.restore,
            Decision::ClearReview => &mut self.clear_review,
        };
        *count = count.saturating_add(1);
    }

    /// Counts a refusal.
    pub fn was_refused(&mut self, sentence: &str) {
        self.refused = self.refused.saturating_add(1);
        let count = self.refusals.entry(String::from(sentence)).or_default();
        *count = count.saturating_add(1);
    }

    /// Adds the money of changes up, each beside the conversion before it.
    pub fn add_money<'a>(&mut self, changes: impl IntoIterator<Item = (&'a Conversion, &'a Change)>) {
        let mut sums: BTreeMap<(PublisherId, String), [i64; 4]> = BTreeMap::new();
        for (before, change) in changes {
            let after = &change.conversion;
            let Some(currency) = after.money.or(before.money).map(|money| money.currency.to_string()) else {
                continue;
            };
            let [revenue_before, payout_before] = promised(before);
            let [revenue_after, payout_after] = promised(after);
            let added = [revenue_before, revenue_after, payout_before, payout_after];
            let sum = sums.entry((before.subject.publisher, currency)).or_default();
            sum.iter_mut().zip(added).for_each(|(sum, added)| *sum = sum.saturating_add(added));
        }
        let moved = sums.into_iter().map(|((publisher, currency), sums)| {
            let [revenue_before, revenue_after, payout_before, payout_after] = sums;
            let publisher = publisher.as_uuid();
            Moved { publisher, currency, revenue_before, revenue_after, payout_before, payout_after }
        });
        self.money = moved.collect();
    }
}

/// Revenue and payout in micros.
fn promised(conversion: &Conversion) -> [i64; 2] {
    let counts = conversion.standing.status.told().is_some_and(|told| told != Told::Rejected);
    conversion.money.filter(|_| counts).map_or([0, 0], |money| [money.revenue.0, money.payout.0])
}
