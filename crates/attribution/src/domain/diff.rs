//! What of a verdict is new: decisions get a revision when their code changes, conversions when anything of them
//! changes. Judging the same set again gives nothing new; that is what makes every delivery after the first harmless.

use std::collections::BTreeMap;

use kernel::{ConversionId, ReceiptId};

use super::{
    code::Code,
    conversion::{Conversion, Verdict},
    inputs::Settled,
    judge::{Decision, JourneyVerdict},
};

/// What was committed about a journey before.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The current decision of every postback that was decided before.
    pub decisions: BTreeMap<ReceiptId, KnownDecision>,
    /// The last verdict told, with its revision.
    pub conversions: BTreeMap<ConversionId, (u64, Conversion)>,
}

/// A decision that was committed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownDecision {
    /// Its code.
    pub code: Code,
    /// Its revision, from 1.
    pub revision: i32,
    /// What had been settled.
    pub settled: Settled,
}

/// A decision to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionChange {
    /// The decision.
    pub decision: Decision,
    /// Its revision.
    pub revision: i32,
    /// The code it replaces.
    pub replaces: Option<Code>,
}

/// How a conversion changed: which fact tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConversionChange {
    /// Now earned, for the first time or again.
    Qualified,
    /// The same verdict with other content.
    Amended,
    /// Now refused.
    Vetoed,
    /// Now a person must look.
    ReviewRequested,
}

/// Everything to be written and told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// New decisions and new revisions.
    pub decisions: Vec<DecisionChange>,
    /// Postbacks whose code stayed and of which something was settled.
    pub settled: Vec<(ReceiptId, KnownDecision)>,
    /// Conversions with their new revisions.
    pub conversions: Vec<(u64, ConversionChange, Conversion)>,
}

/// Compares a verdict with what is known.
#[must_use]
pub fn diff(known: &Known, verdict: &JourneyVerdict) -> Changes {
    let mut changes = Changes::default();
    for decision in &verdict.decisions {
        match known.decisions.get(&decision.receipt) {
            Some(before) if before.code == decision.code => {
                if before.settled != decision.settled {
                    let now = KnownDecision { settled: decision.settled, ..*before };
                    changes.settled.push((decision.receipt, now));
                }
            }
            before => changes.decisions.push(DecisionChange {
                decision: decision.clone(),
                revision: before.map_or(1, |before| before.revision.saturating_add(1)),
                replaces: before.map(|before| before.code),
            }),
        }
    }
    for conversion in &verdict.conversions {
        match known.conversions.get(&conversion.id) {
            Some((_, before)) if before == conversion => {}
            before => {
                let revision = before.map_or(1, |(revision, _)| revision.saturating_add(1));
                let same = before.is_some_and(|(_, before)| before.verdict == conversion.verdict);
                let change = match conversion.verdict {
                    _ if same => ConversionChange::Amended,
                    Verdict::Qualified => ConversionChange::Qualified,
                    Verdict::Vetoed => ConversionChange::Vetoed,
                    Verdict::OnReview => ConversionChange::ReviewRequested,
                };
                changes.conversions.push((revision, change, conversion.clone()));
            }
        }
    }
    changes
}
