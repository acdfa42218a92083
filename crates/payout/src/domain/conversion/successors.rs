//! What a person's rejection does at once to the rest of the journey: it goes on review, so that time can not release it
//! before attribution has judged the journey anew. Attribution says the same a moment later, and its verdict counts
//! (`SEMANTICS.md` §4, "Veto and people"), once it was judged by everything that people decided on the click: one that was
//! on its way meanwhile lifts nothing. A rejection that is taken back lets go what only it held; attribution may hear of
//! both at once, and then it has nothing to say.

use super::{Change, Conversion, Reason, change, counting};
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

/// Where a person's rejection puts what follows it.
pub(super) const HELD: Standing = Standing { status: Status::OnReview, by: Actor::Verdict };

/// What people decided on the conversions of a click.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeopleSaid {
    /// Decisions in all.
    pub decisions: u32,
    /// Where those stand that are Rejected by a person.
    pub rejected: Vec<Step>,
}

impl PeopleSaid {
    /// Why a step waits although a verdict that was judged by `heard` decisions qualifies it; `None` when attribution has heard
    /// of all, or does not say.
    #[must_use]
    pub fn unheard(&self, step: &Step, heard: Option<u32>) -> Option<Cause> {
        heard.filter(|heard| *heard < self.decisions)?;
        step.after_any(&self.rejected)
    }
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
    const ALL: [Self; 2] = [Self::Tainted, Self::RejectedStep];

    pub(super) fn reason(self) -> Reason {
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

    /// What all these rejections mean for this one: the install's weighs most.
    #[must_use]
    pub fn after_any<'a>(&self, rejected: impl IntoIterator<Item = &'a Self>) -> Option<Cause> {
        let causes = rejected.into_iter().filter_map(|rejected| self.after(rejected));
        causes.max_by_key(|cause| *cause == Cause::Tainted)
    }
}

/// Whether time would release it: nobody put it there on purpose.
pub(super) const fn waits_for_time(standing: Standing) -> bool {
    matches!(standing, Standing { status: Status::Pending, by: Actor::Verdict | Actor::Limit | Actor::Time })
}

/// Puts a conversion on review; `None` unless time could release it, or when a person put it where it is. What it took from
/// limits and what the ledger reserves for it stay as they are.
#[must_use]
pub fn on_rejected_before(current: &Conversion, cause: Cause) -> Option<Change> {
    if !waits_for_time(current.standing_but_for_its_offer()) {
        return None;
    }
    Some(change(current, Conversion { standing: HELD, reason: cause.reason(), ..current.clone() }))
}

/// Whether it is on review because a step before it was rejected, or flagged: payout and attribution say so in the same words.
#[must_use]
pub fn is_held(current: &Conversion) -> bool {
    current.standing == HELD && Cause::ALL.iter().any(|cause| cause.reason().code == current.reason.code)
}

/// Lets a conversion go when a rejection before it was taken back; `None` when that did not hold it. `is_qualified`: so says
/// its last verdict, so whatever else keeps it on review is not attribution's. `left` is what a rejection that still stands
/// means for it: then it stays, for that reason.
#[must_use]
pub fn on_restored_before(current: &Conversion, is_qualified: bool, left: Option<Cause>) -> Option<Change> {
    if !is_held(current) || !is_qualified {
        return None;
    }
    let after = match left {
        Some(cause) if cause.reason() == current.reason => return None,
        Some(cause) => Conversion { reason: cause.reason(), ..current.clone() },
        None => counting::pending_again(Conversion {
            standing: Standing { status: Status::Pending, by: Actor::Verdict },
            reason: Reason::default(),
            ..current.clone()
        }),
    };
    Some(change(current, after))
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

    #[rstest]
    #[case::the_install_weighs_most(&[("level_10", Some(2)), ("Install", Some(1))], Some(Cause::Tainted))]
    #[case::one_of_them_is_before(&[("level_30", Some(4)), ("level_10", Some(2))], Some(Cause::RejectedStep))]
    #[case::none_is_before(&[("level_30", Some(4)), ("af_purchase", None)], None)]
    #[case::none(&[], None)]
    fn of_several_rejections_the_heaviest_counts(
        #[case] rejected: &[(&str, Option<u32>)],
        #[case] cause: Option<Cause>,
    ) {
        let rejected: Vec<Step> = rejected.iter().map(|(event, number)| step(event, *number)).collect();
        assert_eq!(step("level_20", Some(3)).after_any(&rejected), cause);
    }

    #[rstest]
    #[case::of_none(Some(0), Some(Cause::RejectedStep))]
    #[case::of_some(Some(1), Some(Cause::RejectedStep))]
    #[case::of_all(Some(2), None)]
    #[case::of_more_than_are_known_here(Some(3), None)]
    #[case::does_not_say(None, None)]
    fn a_verdict_that_has_not_heard_of_every_decision_lifts_nothing(
        #[case] heard: Option<u32>,
        #[case] cause: Option<Cause>,
    ) {
        let said = PeopleSaid { decisions: 2, rejected: vec![step("level_10", Some(2))] };
        assert_eq!(said.unheard(&step("level_20", Some(3)), heard), cause);
        assert_eq!(said.unheard(&step("tutorial", Some(1)), heard), None, "nothing before it is rejected");
    }

    proptest! {
        #[test]
        fn of_two_steps_one_at_most_follows_the_other(first in any::<Option<u32>>(), second in any::<Option<u32>>()) {
            let (first, second) = (step("level_10", first), step("level_20", second));
            prop_assert!(first.after(&second).is_none() || second.after(&first).is_none());
        }
    }
}
