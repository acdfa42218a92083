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
