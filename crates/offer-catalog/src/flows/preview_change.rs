//! What a change would touch, before it is saved.

use std::collections::BTreeSet;

use kernel::{OfferEventId, OfferId, TenantId};
use postgres_kit::{Retries, transact};
use uuid::Uuid;

use super::{Catalog, FlowError};
use crate::{
    domain::{
        acceptance::judge,
        lint::{self, Code, Finding},
        offer::OfferFields,
        status::OfferStatus,
    },
    store::offers,
};

/// A change that nobody has saved.
pub struct Preview {
    /// As it is now.
    pub before: OfferFields,
    /// As it would be.
    pub after: OfferFields,
    /// The version that saving would make; `None` for a draft, and when nothing would change.
    pub version: Option<u32>,
    /// What the linter would say.
    pub findings: Vec<Finding>,
    /// Of these, what would stop saving: errors, and warnings that nobody has accepted.
    pub stops: Vec<Finding>,
}

impl Catalog {
    /// What a change would touch. Saves nothing. Errors of the linter are told, not refused.
    ///
    /// # Errors
    /// As [`Catalog::change_offer`], but for what the linter says.
    pub async fn preview_change(
        &self,
        tenant: TenantId,
        id: OfferId,
        fields: OfferFields,
        codes: &BTreeSet<Code>,
    ) -> Result<Preview, FlowError> {
        let fields = &fields;
        transact(self.pool(), Retries::default(), async |conn| {
            let before = offers::find(conn, tenant, id).await?.ok_or(FlowError::NotFound("offer"))?;
            // New events have no ids yet, and those drawn here would mean nothing later.
            let nobody = OfferEventId::from_uuid(Uuid::nil());
            let mut after = self.changed(conn, &before, fields, || nobody).await?;
            for event in &mut after.fields.events {
                event.offer_event_id = event.offer_event_id.filter(|id| *id != nobody);
            }
            let is_draft = before.state.status == OfferStatus::Draft;
            let findings = self.findings(conn, &after).await?;
            let stops = if is_draft {
                Vec::new()
            } else {
                let known = self.findings(conn, &before).await?;
                let open = judge(&findings, &before.accepted, &known, codes).open;
                lint::errors(findings.clone()).into_iter().chain(open).collect()
            };
            let makes_version = !is_draft && after.fields != before.fields;
            let version = makes_version.then(|| before.state.newest_version.saturating_add(1));
            Ok(Preview { before: before.fields, after: after.fields, version, findings, stops })
        })
        .await
    }
}
