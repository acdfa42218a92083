//! What people decided about conversions. Of several decisions on one the latest counts, and it outranks every flag,
//! refund, taint and vetoed step, earlier or later.

use kernel::{FactId, Occurrence, OfferEventId, Timestamp};

/// What a person did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonAct {
    /// Approved it.
    Approve,
    /// Rejected it: a veto like a fraud flag.
    Reject,
    /// Took a rejection back.
    Restore,
    /// Looked at it and found nothing.
    ClearReview,
}

impl PersonAct {
    const ALL: [Self; 4] = [Self::Approve, Self::Reject, Self::Restore, Self::ClearReview];

    /// The stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Restore => "restore",
            Self::ClearReview => "clear_review",
        }
    }

    /// Reads [`PersonAct::as_str`] back.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.as_str() == text)
    }
}

/// One decision of a person on one occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonDecision {
    /// The offer event.
    pub event: OfferEventId,
    /// The occurrence.
    pub occurrence: Occurrence,
    /// Its stamp.
    pub decided_at: Timestamp,
    /// Its id; breaks ties.
    pub id: FactId,
    /// What was decided.
    pub act: PersonAct,
}
