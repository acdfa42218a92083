//! Cloning an offer: the way to another publisher.

use kernel::{OfferId, TenantId, TokenId};
use postgres_kit::{Retries, transact};

use super::{
    Catalog, FlowError, OfferView,
    write::{Change, States},
};
use crate::{
    domain::{
        audit::{Actor, AuditAction},
        clone,
        records::{Offer, Revision},
        status::OfferState,
    },
    store::offers,
};

impl Catalog {
    /// Copies an offer into a new draft.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn clone_offer(
        &self,
        tenant: TenantId,
        actor: TokenId,
        id: OfferId,
    ) -> Result<OfferView, FlowError> {
        let change = &Change::new(self.ids(), tenant, Actor::Token(actor), self.now());
        transact(self.pool(), Retries::default(), async |conn| {
            let original = offers::find(conn, tenant, id).await?.ok_or(FlowError::NotFound("offer"))?;
            let copy = Offer {
                tenant_id: tenant,
                offer_id: OfferId::from_uuid(self.ids().uuid_v7()),
                state: OfferState::draft(Some(id)),
                fields: clone::fields(&original.fields, change.at, || self.new_event_id()),
                revision: Revision::FIRST,
                created_at: change.at,
                updated_at: change.at,
            };
            offers::insert(conn, &copy).await?;
            let states = States::new(&copy.fields)?;
            change.audit(conn, AuditAction::OfferCloned, copy.offer_id.as_uuid(), states).await?;
            self.view(conn, copy).await
        })
        .await
    }
}
