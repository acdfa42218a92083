//! Beginning an offer: a draft may lack anything.

use kernel::{OfferEventId, OfferId, TenantId, TokenId};
use postgres_kit::{Retries, transact};

use super::{
    Catalog, FlowError, OfferView,
    write::{Change, States},
};
use crate::{
    domain::{
        audit::{Actor, AuditAction},
        identity::{KnownEvents, identify},
        offer::OfferFields,
        records::{Offer, Revision},
        status::OfferState,
    },
    store::offers,
};

impl Catalog {
    /// Begins an offer.
    ///
    /// # Errors
    /// `Invalid` for an unknown advertiser or creative or an event id that can not be this offer's, `Store`.
    pub async fn draft_offer(
        &self,
        tenant: TenantId,
        actor: TokenId,
        mut fields: OfferFields,
    ) -> Result<OfferView, FlowError> {
        let now = self.now();
        fields.events = identify(fields.events, &KnownEvents::default(), || self.new_event_id())?;
        let draft = Offer {
            tenant_id: tenant,
            offer_id: OfferId::from_uuid(self.ids().uuid_v7()),
            state: OfferState::draft(None),
            fields,
            revision: Revision::FIRST,
            created_at: now,
            updated_at: now,
        };
        let change = Change::new(self.ids(), tenant, Actor::Token(actor), now);
        let (draft, change) = (&draft, &change);
        transact(self.pool(), Retries::default(), async |conn| {
            let mut draft = draft.clone();
            self.resolve_references(conn, tenant, &mut draft.fields).await?;
            offers::insert(conn, &draft).await?;
            let states = States::new(&draft.fields)?;
            change.audit(conn, AuditAction::OfferDrafted, draft.offer_id.as_uuid(), states).await?;
            self.view(conn, draft).await
        })
        .await
    }

    pub(super) fn new_event_id(&self) -> OfferEventId {
        OfferEventId::from_uuid(self.ids().uuid_v7())
    }
}
