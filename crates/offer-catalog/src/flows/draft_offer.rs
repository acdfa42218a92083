//! Beginning an offer: a draft may lack anything.

use std::collections::BTreeSet;

use kernel::{OfferEventId, OfferId, TenantId, TokenId};
use postgres_kit::{Retries, transact};

use super::{
    Answer, Catalog, FlowError, OfferView, Once,
    accept_warnings::accept,
    write::{Change, States},
};
use crate::{
    domain::{
        acceptance::{Accepted, judge},
        audit::{Actor, AuditAction},
        budget::Budget,
        identity::{KnownEvents, identify},
        lint::Code,
        offer::OfferFields,
        records::{Offer, Revision},
        status::OfferState,
    },
    store::offers,
};

impl Catalog {
    /// Begins an offer. Warnings with one of `codes` are accepted already.
    ///
    /// # Errors
    /// `Invalid` for an unknown advertiser or creative or an event id that can not be this offer's, `Conflict` and `KeyReused` when
    /// its key is in use or was used, `Store`.
    pub async fn draft_offer(
        &self,
        tenant: TenantId,
        actor: TokenId,
        mut fields: OfferFields,
        codes: &BTreeSet<Code>,
        once: &Once<OfferView>,
    ) -> Result<Answer, FlowError> {
        let now = self.now();
        fields.events = identify(fields.events, &KnownEvents::default(), || self.new_event_id())?;
        let draft = Offer {
            tenant_id: tenant,
            offer_id: OfferId::from_uuid(self.ids().uuid_v7()),
            state: OfferState::draft(None),
            fields,
            accepted: Accepted::default(),
            budget: Budget::default(),
            revision: Revision::FIRST,
            created_at: now,
            updated_at: now,
        };
        let change = Change::new(self.ids(), tenant, Actor::Token(actor), now);
        let (draft, change) = (&draft, &change);
        transact(self.pool(), Retries::default(), async |conn| {
            if let Some(answer) = self.said_before(conn, once).await? {
                return Ok(answer);
            }
            let mut draft = draft.clone();
            self.resolve_references(conn, tenant, &mut draft.fields).await?;
            let findings = self.findings(conn, &draft).await?;
            let judged = judge(&findings, &draft.accepted, &[], codes);
            accept(conn, change, &mut draft, judged).await?;
            offers::insert(conn, &draft).await?;
            let states = States::new(&draft.fields)?;
            change.audit(conn, AuditAction::OfferDrafted, draft.offer_id.as_uuid(), states).await?;
            let view = self.view(conn, draft).await?;
            self.say(conn, once, view).await
        })
        .await
    }

    pub(super) fn new_event_id(&self) -> OfferEventId {
        OfferEventId::from_uuid(self.ids().uuid_v7())
    }
}
