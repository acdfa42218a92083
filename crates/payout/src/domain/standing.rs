//! Where a conversion is, and how it moves: a total function over (standing, event).
//!
//! ```text
//!              Qualified             due
//!  Unreached ────────────▶ Pending ───────▶ Success ◀──▶ Flagged
//!      │                   ▲  │ ▲             │ fraud, and the offer says reverse; or a person
//!      │ Vetoed     clear  │  │ └─────────┐   ▼
//!      ▼                OnReview ──▶ Rejected  Reversed
//! ```
//!
//! A publisher hears three words: Pending (also on review), Success (also flagged), Rejected (also reversed).
//!
//! Attribution's verdict is whole, so the standing follows the latest one and not the way to it, with two exceptions that
//! `SEMANTICS.md` names: what was released stays released unless the offer says otherwise, and a person's word outranks
//! every verdict, earlier or later.

/// Where a conversion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Known by a verdict only: nothing reached the step, so there is no conversion to speak of yet.
    Unreached,
    /// Waits for its pending time to end.
    Pending,
    /// Pending, and not released by time: a person must look.
    OnReview,
    /// Earned.
    Success,
    /// Earned; fraud was reported after release and the offer does not reverse.
    Flagged,
    /// Refused before it was released.
    Rejected,
    /// Refused after it was released; the money was taken back.
    Reversed,
}

/// The three words a publisher knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Told {
    /// May become Success.
    Pending,
    /// Earned.
    Success,
    /// Not earned.
    Rejected,
}

impl Told {
    /// The word itself.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Success => "Success",
            Self::Rejected => "Rejected",
        }
    }
}

impl Status {
    /// What a publisher hears of it; nothing while the step is unreached.
    #[must_use]
    pub const fn told(self) -> Option<Told> {
        match self {
            Self::Unreached => None,
            Self::Pending | Self::OnReview => Some(Told::Pending),
            Self::Success | Self::Flagged => Some(Told::Success),
            Self::Rejected | Self::Reversed => Some(Told::Rejected),
        }
    }

    /// Whether the conversion was released at some time, so that its money is no longer open to a new price.
    #[must_use]
    pub const fn was_released(self) -> bool {
        matches!(self, Self::Success | Self::Flagged | Self::Reversed)
    }
}

/// Who put a conversion where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The end of the pending time.
    Time,
    /// Attribution.
    Verdict,
    /// A person.
    Person,
    /// A cap or a budget.
    Limit,
}

/// Where a conversion is and who put it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Standing {
    /// Where.
    pub status: Status,
    /// By whom.
    pub by: Actor,
}

/// Attribution's verdict, as far as it moves a conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Word {
    /// Nothing reached the step.
    Unreached,
    /// Earned.
    Qualified,
    /// A person must look.
    OnReview {
        /// What was released already is taken back.
        reverses: bool,
    },
    /// Refused.
    Vetoed {
        /// What was released already is taken back.
        reverses: bool,
    },
}

impl Word {
    const fn refuses(self) -> bool {
        matches!(self, Self::Vetoed { .. } | Self::Unreached)
    }
}

/// What a person decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Pending becomes Success, also before its time.
    Approve,
    /// Not earned.
    Reject,
    /// Rejected after all becomes Success.
    Restore,
    /// Nothing is wrong with it: time may release it.
    ClearReview,
}

impl Decision {
    /// Every decision.
    pub const ALL: [Self; 4] = [Self::Approve, Self::Reject, Self::Restore, Self::ClearReview];

    /// The stable code of the reason that such a decision leaves.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Approve | Self::Restore | Self::ClearReview => "ACCEPTED_BY_PERSON",
            Self::Reject => "REJECTED_BY_PERSON",
        }
    }
}

/// What can happen to a conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// A newer verdict.
    Verdict(Word),
    /// Its pending time is over.
    Due,
    /// A person decided.
    Person(Decision),
}

/// A person asked for what the conversion's status does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a conversion that is {from:?} can not be changed by {decision:?}")]
pub struct Illegal {
    /// Where it is.
    pub from: Status,
    /// What was asked.
    pub decision: Decision,
}

impl Standing {
    /// Before the first verdict.
    pub const UNKNOWN: Self = Self { status: Status::Unreached, by: Actor::Verdict };

    /// The standing after `event`.
    ///
    /// # Errors
    /// [`Illegal`] when a person asks for what the status does not allow. Verdicts and time never fail.
    pub const fn after(self, event: Event) -> Result<Self, Illegal> {
        match event {
            Event::Verdict(word) => Ok(self.after_verdict(word)),
            Event::Due => Ok(self.after_due()),
            Event::Person(decision) => self.decided(decision),
        }
    }

    /// The standing after a newer verdict.
    #[must_use]
    pub const fn after_verdict(self, word: Word) -> Self {
        match self.by {
            Actor::Verdict | Actor::Time => self.moved(self.status.after_verdict(word), Actor::Verdict),
            // What waits for a person because of a limit is refused by a veto like everything that is Pending.
            Actor::Limit if matches!(self.status, Status::OnReview) && word.refuses() => {
                self.moved(Status::Rejected, Actor::Verdict)
            }
            // A person's word outranks every verdict. A refusal by a limit is payout's own: the loser of a race for the
            // last of a budget does not come back because attribution repeats that it qualified.
            Actor::Person | Actor::Limit => self,
        }
    }

    /// The standing once the pending time is over.
    #[must_use]
    pub const fn after_due(self) -> Self {
        match self.status {
            Status::Pending => Self { status: Status::Success, by: Actor::Time },
            Status::Unreached
            | Status::OnReview
            | Status::Success
            | Status::Flagged
            | Status::Rejected
            | Status::Reversed => self,
        }
    }

    /// The standing after a person decided.
    ///
    /// # Errors
    /// [`Illegal`] when the status does not allow it.
    pub const fn decided(self, decision: Decision) -> Result<Self, Illegal> {
        let status = match (decision, self.status) {
            (Decision::Approve, Status::Pending | Status::OnReview | Status::Flagged)
            | (Decision::Restore, Status::Rejected | Status::Reversed)
            | (Decision::ClearReview, Status::Flagged) => Status::Success,
            (Decision::Reject, Status::Pending | Status::OnReview) => Status::Rejected,
            (Decision::Reject, Status::Success | Status::Flagged) => Status::Reversed,
            (Decision::ClearReview, Status::OnReview) => Status::Pending,
            (
                Decision::Approve,
                Status::Unreached | Status::Success | Status::Rejected | Status::Reversed,
            )
            | (Decision::Reject, Status::Unreached | Status::Rejected | Status::Reversed)
            | (
                Decision::Restore,
                Status::Unreached | Status::Pending | Status::OnReview | Status::Success | Status::Flagged,
            )
            | (
                Decision::ClearReview,
                Status::Unreached | Status::Pending | Status::Success | Status::Rejected | Status::Reversed,
            ) => return Err(Illegal { from: self.status, decision }),
        };
        Ok(Self { status, by: Actor::Person })
    }

    /// The actor changes only when the status does: a verdict that repeats what time did is not its author.
    const fn moved(self, status: Status, by: Actor) -> Self {
        if matches!(
            (self.status, status),
            (Status::Unreached, Status::Unreached)
                | (Status::Pending, Status::Pending)
                | (Status::OnReview, Status::OnReview)
                | (Status::Success, Status::Success)
                | (Status::Flagged, Status::Flagged)
                | (Status::Rejected, Status::Rejected)
                | (Status::Reversed, Status::Reversed)
        ) {
            self
        } else {
            Self { status, by }
        }
    }
}

impl Status {
    const fn after_verdict(self, word: Word) -> Self {
        match (self, word) {
            (Self::Unreached, Word::Unreached) => Self::Unreached,
            // Reversed and then qualified after all: it waits for its time again, which is mostly over already.
            (
                Self::Unreached | Self::Pending | Self::OnReview | Self::Rejected | Self::Reversed,
                Word::Qualified,
            ) => Self::Pending,
            (Self::Unreached | Self::Pending | Self::OnReview | Self::Rejected, Word::OnReview { .. }) => {
                Self::OnReview
            }
            // Nothing reached is ever un-reached. Should it be said all the same, there is nothing to pay for.
            (Self::Pending | Self::OnReview | Self::Rejected, Word::Vetoed { .. } | Word::Unreached)
            | (Self::Unreached, Word::Vetoed { .. }) => Self::Rejected,
            (Self::Success | Self::Flagged, Word::Qualified) => Self::Success,
            (
                Self::Success | Self::Flagged,
                Word::OnReview { reverses: false } | Word::Vetoed { reverses: false } | Word::Unreached,
            ) => Self::Flagged,
            (
                Self::Success | Self::Flagged,
                Word::OnReview { reverses: true } | Word::Vetoed { reverses: true },
            )
            | (Self::Reversed, Word::OnReview { .. } | Word::Vetoed { .. } | Word::Unreached) => {
                Self::Reversed
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn by_verdict(status: Status) -> Standing {
        Standing { status, by: Actor::Verdict }
    }

    const VETO: Word = Word::Vetoed { reverses: false };
    const VETO_THAT_REVERSES: Word = Word::Vetoed { reverses: true };
    const REVIEW: Word = Word::OnReview { reverses: false };

    #[rstest]
    #[case::earned(Status::Unreached, Word::Qualified, Status::Pending)]
    #[case::vetoed_before_it_qualified(Status::Unreached, VETO, Status::Rejected)]
    #[case::never_reached(Status::Unreached, Word::Unreached, Status::Unreached)]
    #[case::vetoed_in_the_hold(Status::Pending, VETO, Status::Rejected)]
    #[case::tainted(Status::Pending, REVIEW, Status::OnReview)]
    #[case::cleared(Status::OnReview, Word::Qualified, Status::Pending)]
    #[case::veto_lifted(Status::Rejected, Word::Qualified, Status::Pending)]
    #[case::fraud_after_release_stays(Status::Success, VETO, Status::Flagged)]
    #[case::fraud_after_release_reverses(Status::Success, VETO_THAT_REVERSES, Status::Reversed)]
    #[case::reversed_stays_so_on_review(Status::Reversed, REVIEW, Status::Reversed)]
    #[case::flag_lifted(Status::Flagged, Word::Qualified, Status::Success)]
    fn verdicts_move_a_conversion(#[case] from: Status, #[case] word: Word, #[case] to: Status) {
        assert_eq!(by_verdict(from).after_verdict(word).status, to);
    }

    #[rstest]
    #[case(Status::Pending, Status::Success)]
    #[case(Status::OnReview, Status::OnReview)]
    #[case(Status::Rejected, Status::Rejected)]
    #[case(Status::Unreached, Status::Unreached)]
    fn time_releases_only_what_is_plainly_pending(#[case] from: Status, #[case] to: Status) {
        assert_eq!(by_verdict(from).after_due().status, to);
    }

    #[rstest]
    #[case(Status::Pending, Decision::Approve, Some(Status::Success))]
    #[case(Status::OnReview, Decision::ClearReview, Some(Status::Pending))]
    #[case(Status::Success, Decision::Reject, Some(Status::Reversed))]
    #[case(Status::Rejected, Decision::Restore, Some(Status::Success))]
    #[case(Status::Success, Decision::Approve, None)]
    #[case(Status::Pending, Decision::Restore, None)]
    #[case(Status::Unreached, Decision::Reject, None)]
    fn people_are_told_what_is_not_possible(
        #[case] from: Status,
        #[case] decision: Decision,
        #[case] to: Option<Status>,
    ) {
        let after = by_verdict(from).after(Event::Person(decision));
        assert_eq!(after.map(|standing| standing.status), to.ok_or(Illegal { from, decision }));
    }

    fn any_status() -> impl Strategy<Value = Status> {
        prop::sample::select(vec![
            Status::Unreached,
            Status::Pending,
            Status::OnReview,
            Status::Success,
            Status::Flagged,
            Status::Rejected,
            Status::Reversed,
        ])
    }

    fn any_word() -> impl Strategy<Value = Word> {
        prop_oneof![
            Just(Word::Unreached),
            Just(Word::Qualified),
            any::<bool>().prop_map(|reverses| Word::OnReview { reverses }),
            any::<bool>().prop_map(|reverses| Word::Vetoed { reverses }),
        ]
    }

    proptest! {
        #[test]
        fn a_verdict_said_twice_is_said_once(status in any_status(), word in any_word()) {
            let once = by_verdict(status).after_verdict(word);
            prop_assert_eq!(once.after_verdict(word), once);
        }

        #[test]
        fn before_release_only_the_last_verdict_counts(words in prop::collection::vec(any_word(), 0..6), last in any_word()) {
            prop_assume!(last != Word::Unreached);
            let mut standing = Standing::UNKNOWN;
            for word in words {
                standing = standing.after_verdict(word);
            }
            prop_assert_eq!(standing.after_verdict(last).status, Standing::UNKNOWN.after_verdict(last).status);
        }

        #[test]
        fn no_verdict_moves_what_a_person_decided(status in any_status(), word in any_word()) {
            let standing = Standing { status, by: Actor::Person };
            prop_assert_eq!(standing.after_verdict(word), standing);
        }

        #[test]
        fn no_verdict_brings_back_what_a_limit_refused(word in any_word()) {
            let standing = Standing { status: Status::Rejected, by: Actor::Limit };
            prop_assert_eq!(standing.after_verdict(word), standing);
        }

        #[test]
        fn what_a_limit_put_on_review_is_moved_by_a_veto_only(word in any_word()) {
            let standing = Standing { status: Status::OnReview, by: Actor::Limit };
            let rejected = Standing { status: Status::Rejected, by: Actor::Verdict };
            prop_assert_eq!(standing.after_verdict(word), if word.refuses() { rejected } else { standing });
        }

        #[test]
        fn no_verdict_releases(status in any_status(), word in any_word()) {
            let after = by_verdict(status).after_verdict(word).status;
            if after == Status::Success {
                prop_assert!(matches!(status, Status::Success | Status::Flagged));
            }
        }
    }
}
