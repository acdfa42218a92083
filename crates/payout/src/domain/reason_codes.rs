//! Every code that the reason of a conversion can have: payout's own, and those that attribution's verdicts bring along.
//!
//! A code does not tell the status: what was flagged or reversed keeps the code of what was reported after its release.

/// Why a person must look.
pub const OF_REVIEWS: [&str; 11] = [
    // Attribution's; payout says the first two itself when a person rejected what came before.
    "REVIEW_TAINTED",
    "REVIEW_VETOED_STEP",
    "REVIEW_REFUND",
    "REVIEW_REPLAY",
    // It has no price, or none that can be paid without a look.
    "REVIEW_NO_AMOUNT",
    "REVIEW_NO_RATE",
    "REVIEW_PAYOUT_ABOVE_REVENUE",
    "REVIEW_AMOUNT_TOO_LARGE",
    // The offer's limits.
    "REVIEW_CAP",
    "REVIEW_BUDGET",
    "REVIEW_LIMITS_UNKNOWN",
];

/// Everything else that there is to explain.
const OTHERS: [&str; 9] = [
    "REJECTED_FRAUD",
    "REJECTED_MEMBER_REPEAT",
    "REJECTED_BY_PERSON",
    "REJECTED_CAP",
    "REJECTED_BUDGET",
    "ACCEPTED_BY_PERSON",
    "UNPAID_CAP",
    "UNPAID_BUDGET",
    "UNPAID_LIMIT",
];

/// All of them.
pub fn all() -> impl Iterator<Item = &'static str> {
    OF_REVIEWS.into_iter().chain(OTHERS)
}

/// The code that `text` is.
#[must_use]
pub fn parse(text: &str) -> Option<&'static str> {
    all().find(|code| *code == text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kernel::{Currency, Micros, Money};
    use terms::Review;

    use super::*;
    use crate::domain::{
        conversion::WAITS_FOR_OFFER,
        limits::{CapOf, Over, Period},
        standing::Decision,
    };

    #[test]
    fn each_stands_there_once() {
        assert_eq!(all().collect::<BTreeSet<_>>().len(), all().count());
        assert!(OF_REVIEWS.iter().all(|code| code.starts_with("REVIEW_")));
        assert!(!OTHERS.iter().any(|code| code.starts_with("REVIEW_")));
        assert_eq!((parse("UNPAID_CAP"), parse("unpaid_cap"), parse("")), (Some("UNPAID_CAP"), None, None));
    }

    #[test]
    fn what_the_rules_say_is_known() {
        let nothing = Money::new(Micros::ZERO, Currency::USD);
        let prices = [
            Review::NoAmount,
            Review::NoRate { from: Currency::USD, to: Currency::USD },
            Review::PayoutAboveRevenue { revenue: nothing, payout: nothing },
            Review::TooLarge,
        ];
        let cap = Over::Cap { of: CapOf::Offer, period: Period::Day, bound: 1 };
        let budget = Over::NoRate { from: Currency::USD, to: Currency::USD };
        let limits = ["REJECTED_", "REVIEW_", "UNPAID_"]
            .into_iter()
            .flat_map(|begin| [&cap, &budget].map(|over| format!("{begin}{}", over.kind())));
        let said = prices
            .iter()
            .map(|review| review.code().to_owned())
            .chain(Decision::ALL.map(|decision| decision.code().to_owned()))
            .chain(limits)
            .chain([WAITS_FOR_OFFER.to_owned()]);
        for code in said {
            assert!(parse(&code).is_some(), "{code}");
        }
    }
}
