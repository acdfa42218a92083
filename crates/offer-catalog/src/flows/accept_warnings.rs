//! What the linter says stands between a draft and its publisher: errors stop for good, warnings until somebody accepts them.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    Catalog, FlowError,
    write::{Change, States},
};
use crate::{
    domain::{
        acceptance::{Judged, judge},
        audit::AuditAction,
        lint::{self, Code, Finding},
        records::{Offer, Revision},
    },
    store::Conn,
};

/// On which conditions a caller wants something done to an offer.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// Only if it is as the caller has read it.
    pub expected: Option<Revision>,
    /// Warnings that are meant.
    pub codes: BTreeSet<Code>,
}

impl Catalog {
    /// Refuses an offer that the linter has errors about, or warnings that are neither accepted, now or before, nor among
    /// `known`, which it had before this change.
    pub(super) async fn must_pass(
        &self,
        conn: &mut Conn,
        change: &Change<'_>,
        offer: &mut Offer,
        known: &[Finding],
        codes: &BTreeSet<Code>,
    ) -> Result<(), FlowError> {
        let open = self.must_be_right(conn, change, offer, known, codes).await?;
        if open.is_empty() { Ok(()) } else { Err(FlowError::NotAccepted(open)) }
    }

    /// Refuses an offer that the linter has errors about, and returns the warnings that nobody has accepted.
    pub(super) async fn must_be_right(
        &self,
        conn: &mut Conn,
        change: &Change<'_>,
        offer: &mut Offer,
        known: &[Finding],
        codes: &BTreeSet<Code>,
    ) -> Result<Vec<Finding>, FlowError> {
        let findings = self.findings(conn, offer).await?;
        let judged = judge(&findings, &offer.accepted, known, codes);
        let errors = lint::errors(findings);
        if !errors.is_empty() {
            return Err(FlowError::NotReady(errors));
        }
        accept(conn, change, offer, judged).await
    }
}

/// Notes what was accepted in the offer, which its caller saves, and in the log; returns what was not.
pub(super) async fn accept(
    conn: &mut Conn,
    change: &Change<'_>,
    offer: &mut Offer,
    judged: Judged,
) -> Result<Vec<Finding>, FlowError> {
    if !judged.newly.is_empty() {
        let states = States::new(&json!({ "warnings": judged.newly }))?;
        change.audit(conn, AuditAction::OfferWarningsAccepted, offer.offer_id.as_uuid(), states).await?;
    }
    offer.accepted = judged.accepted;
    Ok(judged.open)
}
