//! What a person's rejection does at once to the rest of the journey: it goes on review, so that time can not release it
//! before attribution has judged the journey anew. Attribution says the same a moment later, and its verdict counts
//! (`SEMANTICS.md` §4, "Veto and people").

use super::{Change, Conversion, Reason, change};
use crate::domain::standing::{Actor, Standing, Status};

/// The Event ID whose rejection taints the whole click.
const INSTALL: &str = "Install";

/// Where a conversion stands in the sequence of its click.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The Event ID of the offer's event.
    pub event_id: String,
    /// As attribution's verdict numbers it; absent for an Independent event.
    pub number: Option<u32>,
}

/// Why a conversion goes on review: attribution's own codes and sentences, so that its verdict is no news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The click's install was rejected.
    Tainted,
    /// A step with a lower number was.
    RejectedStep,
}

impl Cause {
    fn reason(self) -> Reason {
        let (code, text) = match self {
            Self::Tainted => {
                ("REVIEW_TAINTED", "The click's install was rejected; everything on this click needs a look.")
            }
            Self::RejectedStep => ("REVIEW_VETOED_STEP", "An earlier step of this click was rejected."),
        };
        Reason { code: String::from(code), text: String::from(text) }
    }
}

impl Step {
    /// What the rejection of `rejected`, another conversion of the same click, means for this one.
    #[must_use]
    pub fn after(&self, rejected: &Self) -> Option<Cause> {
        if rejected.event_id == INSTALL {
            return Some(Cause::Tainted);
        }
        let is_later = rejected.number.zip(self.number).is_some_and(|(rejected, own)| rejected < own);
        is_later.then_some(Cause::RejectedStep)
    }
}

/// Puts a conversion on review; `None` unless time could release it, or when a person put it where it is. What it took from
/// limits and what the ledger reserves for it stay as they are.
#[must_use]
pub fn on_rejected_before(current: &Conversion, cause: Cause) -> Option<Change> {
    let Standing { status: Status::Pending, by: Actor::Verdict | Actor::Limit | Actor::Time } =
        current.standing
    else {
        return None;
    };
    let standing = Standing { status: Status::OnReview, by: Actor::Verdict };
    Some(change(current, Conversion { standing, reason: cause.reason(), ..current.clone() }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn step(event_id: &str, number: Option<u32>) -> Step {
        Step { event_id: String::from(event_id), number }
    }

    #[rstest]
    #[case::the_next(step("level_10", Some(2)), step("level_20", Some(3)), Some(Cause::RejectedStep))]
    #[case::one_before(step("level_10", Some(2)), step("tutorial", Some(1)), None)]
    #[case::a_repeat(step("level_10", Some(2)), step("level_10", Some(2)), None)]
    #[case::independent(step("level_10", Some(2)), step("af_purchase", None), None)]
    #[case::by_an_independent(step("af_purchase", None), step("level_10", Some(2)), None)]
    #[case::install(step("Install", Some(1)), step("level_10", Some(2)), Some(Cause::Tainted))]
    #[case::install_and_independent(
        step("Install", Some(1)),
        step("af_purchase", None),
        Some(Cause::Tainted)
    )]
    #[case::install_beside(step("Install", Some(1)), step("app_open", Some(1)), Some(Cause::Tainted))]
    #[case::independent_install(step("Install", None), step("level_10", Some(2)), Some(Cause::Tainted))]
    fn a_rejection_reaches(#[case] rejected: Step, #[case] other: Step, #[case] cause: Option<Cause>) {
        assert_eq!(other.after(&rejected), cause);
    }

    proptest! {
        #[test]
        fn of_two_steps_one_at_most_follows_the_other(first in any::<Option<u32>>(), second in any::<Option<u32>>()) {
            let (first, second) = (step("level_10", first), step("level_20", second));
            prop_assert!(first.after(&second).is_none() || second.after(&first).is_none());
        }
    }
}
