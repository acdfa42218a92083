//! Statuses of many conversions by a file: what a line asks for, and what is done for it.

mod file;
mod summary;

use std::collections::BTreeSet;

use kernel::ConversionId;
use sha2::{Digest as _, Sha256};

use super::{
    conversion::Refused,
    standing::{Decision, Status},
};
pub use file::{BYTES_MAX, Fault, LINES_MAX, Line, read};
pub use summary::{Moved, Summary};

/// The status that a line asks for, in the words that people know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Time may release it.
    Pending,
    /// Earned.
    Success,
    /// Not earned.
    Rejected,
}

impl Wanted {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Success, Self::Rejected];

    /// The word in the file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Success => "Success",
            Self::Rejected => "Rejected",
        }
    }
}

/// What a line asks of one conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// This has to be decided.
    Decide(Decision),
    /// It is so already.
    Unchanged,
    /// No decision leads there.
    Impossible,
}

/// How a conversion in `status` becomes what is wanted.
#[must_use]
pub const fn wish(wanted: Wanted, status: Status) -> Wish {
    match (wanted, status) {
        (Wanted::Success, Status::Pending | Status::OnReview | Status::Flagged) => {
            Wish::Decide(Decision::Approve)
        }
        (Wanted::Success, Status::Rejected | Status::Reversed) => Wish::Decide(Decision::Restore),
        (Wanted::Rejected, Status::Pending | Status::OnReview | Status::Success | Status::Flagged) => {
            Wish::Decide(Decision::Reject)
        }
        (Wanted::Pending, Status::OnReview) => Wish::Decide(Decision::ClearReview),
        (Wanted::Success, Status::Success)
        | (Wanted::Rejected, Status::Rejected | Status::Reversed)
        | (Wanted::Pending, Status::Pending) => Wish::Unchanged,
        (Wanted::Pending, Status::Success | Status::Flagged | Status::Rejected | Status::Reversed)
        | (_, Status::Unreached) => Wish::Impossible,
    }
}

/// What is planned for one conversion: which, the status revision that was seen, what is decided.
pub type Planned = (ConversionId, u64, Decision);

/// What a plan is recognised by: SHA-256 over what is planned, in the order of the conversions. Another revision or another
/// decision is another plan.
#[must_use]
pub fn token(planned: impl IntoIterator<Item = Planned>) -> [u8; 32] {
    let sorted: BTreeSet<[u8; 25]> = planned.into_iter().map(encoded).collect();
    let mut hash = Sha256::new();
    for one in sorted {
        hash.update(one);
    }
    hash.finalize().into()
}

/// Of a fixed length, so that no two plans are written the same.
fn encoded((conversion, revision, decision): Planned) -> [u8; 25] {
    let decision = match decision {
        Decision::Approve => 1,
        Decision::Reject => 2,
        Decision::Restore => 3,
        Decision::ClearReview => 4,
    };
    let mut all = [decision; 25];
    let parts = conversion.as_uuid().into_bytes().into_iter().chain(revision.to_be_bytes());
    all.iter_mut().zip(parts).for_each(|(place, byte)| *place = byte);
    all
}

/// Why the rules do not allow it, with what is missing.
#[must_use]
pub fn why_not(refused: &Refused) -> String {
    let missing = match refused {
        Refused::Over(over) => over.shortfall(),
        Refused::Illegal(_) | Refused::Worthless(_) | Refused::Unknown => None,
    };
    missing.map_or_else(|| refused.to_string(), |missing| format!("{refused}: {missing}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;
    use crate::domain::standing::{Actor, Standing};

    const SEEN: [Status; 6] = [
        Status::Pending,
        Status::OnReview,
        Status::Success,
        Status::Flagged,
        Status::Rejected,
        Status::Reversed,
    ];

    #[rstest]
    #[case(Wanted::Success, [Some("Approve"), Some("Approve"), None, Some("Approve"), Some("Restore"), Some("Restore")])]
    #[case(Wanted::Rejected, [Some("Reject"), Some("Reject"), Some("Reject"), Some("Reject"), None, None])]
    #[case(Wanted::Pending, [None, Some("ClearReview"), None, None, None, None])]
    fn each_status_has_its_way(#[case] wanted: Wanted, #[case] ways: [Option<&str>; 6]) {
        let found = SEEN.map(|status| match wish(wanted, status) {
            Wish::Decide(decision) => Some(format!("{decision:?}")),
            Wish::Unchanged | Wish::Impossible => None,
        });
        assert_eq!(found, ways.map(|way| way.map(str::to_owned)));
    }

    #[test]
    fn what_is_decided_leads_to_what_is_wanted() {
        for (wanted, status) in Wanted::ALL.into_iter().flat_map(|wanted| SEEN.map(|status| (wanted, status)))
        {
            let after = match wish(wanted, status) {
                Wish::Decide(decision) => {
                    Standing { status, by: Actor::Verdict }.decided(decision).unwrap().status
                }
                Wish::Unchanged => status,
                Wish::Impossible => continue,
            };
            assert_eq!(after.told().unwrap().word(), wanted.word());
        }
    }

    fn any_plan() -> impl Strategy<Value = Vec<Planned>> {
        let decision = prop::sample::select(Decision::ALL.to_vec());
        prop::collection::btree_map(any::<u128>(), (any::<u64>(), decision), 0..8).prop_map(|plan| {
            plan.into_iter()
                .map(|(id, (revision, decision))| {
                    (ConversionId::from_uuid(Uuid::from_u128(id)), revision, decision)
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn a_token_does_not_depend_on_the_order(plan in any_plan()) {
            prop_assert_eq!(token(plan.clone()), token(plan.into_iter().rev()));
        }

        #[test]
        fn another_plan_has_another_token(plan in any_plan(), other in any_plan()) {
            prop_assert_eq!(plan == other, token(plan.clone()) == token(other.clone()));
        }

        #[test]
        fn a_revision_that_moved_has_another_token(plan in any_plan().prop_filter("some", |plan| !plan.is_empty())) {
            let mut moved = plan.clone();
            moved[0].1 = moved[0].1.wrapping_add(1);
            prop_assert_ne!(token(plan), token(moved));
        }
    }
}
