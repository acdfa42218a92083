//! Saving an offer's fields: a draft is overwritten, a created offer gets a new immutable version.

use kernel::{OfferId, TenantId, TokenId};
use postgres_kit::{Retries, transact};

use super::{
    Catalog, FlowError, OfferView,
    create_offer::save_version,
    offers::lock_offer,
    write::{Change, States},
};
use crate::{
    domain::{
        audit::{Actor, AuditAction},
        identity::{KnownEvents, identify},
        offer::OfferFields,
        records::{Offer, Revision},
        status::OfferStatus,
        version::check_unchangeable,
    },
    store::{Conn, offer_versions, offers},
};

impl Catalog {
    /// Saves the fields of an offer. What is not in them is cleared; saving what is there already changes nothing.
    ///
    /// # Errors
    /// `NotFound`, `Stale`, `Invalid`, `NotReady` when a created offer would no longer pass the linter, `Conflict` when it
    /// has ended or an Event ID belongs to another event, `Store`.
    pub async fn change_offer(
        &self,
        tenant: TenantId,
        actor: TokenId,
        id: OfferId,
        fields: OfferFields,
        expected: Option<Revision>,
    ) -> Result<OfferView, FlowError> {
        let change = &Change::new(self.ids(), tenant, Actor::Token(actor), self.now());
        let fields = &fields;
        transact(self.pool(), Retries::default(), async |conn| {
            let before = lock_offer(conn, tenant, id, expected).await?;
            before.state.may_be_edited()?;
            let mut fields = fields.clone();
            self.resolve_references(conn, tenant, &mut fields).await?;
            let is_draft = before.state.status == OfferStatus::Draft;
            let known = if is_draft {
                KnownEvents::of_draft(&before.fields)
            } else {
                check_unchangeable(&before.fields, &fields)?;
                offer_versions::known_events(conn, tenant, id).await?
            };
            let mut after = before.clone();
            fields.events = identify(fields.events, &known, || self.new_event_id())?;
            after.fields = fields;
            if after.fields == before.fields {
                return self.view(conn, before).await;
            }
            after.revision = before.revision.next();
            after.updated_at = change.at;
            if is_draft {
                offers::save(conn, &after).await?;
                let states = States::changed(&before.fields, &after.fields)?;
                change.audit(conn, AuditAction::OfferDraftSaved, id.as_uuid(), states).await?;
            } else {
                self.add_version(conn, change, &before, &mut after).await?;
            }
            self.view(conn, after).await
        })
        .await
    }

    async fn add_version(
        &self,
        conn: &mut Conn,
        change: &Change<'_>,
        before: &Offer,
        after: &mut Offer,
    ) -> Result<(), FlowError> {
        self.must_be_ready(conn, after).await?;
        after.state.newest_version = before.state.newest_version.saturating_add(1);
        offers::save(conn, after).await?;
        let states = States::changed(&before.fields, &after.fields)?;
        change.audit(conn, AuditAction::OfferVersioned, after.offer_id.as_uuid(), states).await?;
        let known = offer_versions::introductions(conn, after.tenant_id, after.offer_id).await?;
        save_version(conn, change, after, &known).await
    }
}
