//! Cloning an offer: the way to another publisher.

use kernel::{OfferId, TenantId, Timestamp, TokenId};
use postgres_kit::{Retries, transact};

use super::{
    Answer, Catalog, FlowError, OfferView, Once,
    write::{Change, States},
};
use crate::{
    domain::{
        acceptance::Accepted,
        audit::{Actor, AuditAction},
        budget::Budget,
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
    /// `NotFound`, `Conflict` and `KeyReused` when its key is in use or was used, `Store`.
    pub async fn clone_offer(
        &self,
        tenant: TenantId,
        actor: TokenId,
        id: OfferId,
        once: &Once<OfferView>,
    ) -> Result<Answer, FlowError> {
        let change = &Change::new(self.ids(), tenant, Actor::Token(actor), self.now());
        transact(self.pool(), Retries::default(), async |conn| {
            if let Some(answer) = self.said_before(conn, once).await? {
                return Ok(answer);
            }
            let original = offers::find(conn, tenant, id).await?.ok_or(FlowError::NotFound("offer"))?;
            let copy = self.copy_of(&original, change.at);
            offers::insert(conn, &copy).await?;
            let states = States::new(&copy.fields)?;
            change.audit(conn, AuditAction::OfferCloned, copy.offer_id.as_uuid(), states).await?;
            let view = self.view(conn, copy).await?;
            self.say(conn, once, view).await
        })
        .await
    }

    /// A draft with everything that a person entered about `original`. Its warnings are asked about anew.
    pub(super) fn copy_of(&self, original: &Offer, now: Timestamp) -> Offer {
        Offer {
            tenant_id: original.tenant_id,
            offer_id: OfferId::from_uuid(self.ids().uuid_v7()),
            state: OfferState::draft(Some(original.offer_id)),
            fields: clone::fields(&original.fields, now, || self.new_event_id()),
            accepted: Accepted::default(),
            budget: Budget::default(),
            revision: Revision::FIRST,
            created_at: now,
            updated_at: now,
        }
    }
}
