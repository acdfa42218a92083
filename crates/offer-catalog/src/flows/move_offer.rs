//! Pausing, resuming and ending an offer: applies at once, whatever the version.

use kernel::{OfferId, TenantId, TokenId};
use postgres_kit::{Retries, transact};

use super::{
    Catalog, FlowError, OfferView,
    offers::lock_offer,
    write::{Change, States},
};
use crate::{
    domain::{
        audit::{Actor, AuditAction},
        records::{Offer, Revision},
        status::Action,
    },
    facts::offer_changed,
    store::offers,
};

impl Catalog {
    /// Stops new clicks; with `stop_events`, new events of journeys under way as well.
    ///
    /// # Errors
    /// `NotFound`, `Stale`, `Conflict` for a draft or an ended offer, `Store`.
    pub async fn pause_offer(
        &self,
        tenant: TenantId,
        actor: TokenId,
        id: OfferId,
        stop_events: bool,
        expected: Option<Revision>,
    ) -> Result<OfferView, FlowError> {
        let action = Action::Pause { stop_events };
        self.move_offer((tenant, actor), (id, expected), action, AuditAction::OfferPaused).await
    }

    /// Goes on.
    ///
    /// # Errors
    /// As [`Catalog::pause_offer`].
    pub async fn resume_offer(
        &self,
        tenant: TenantId,
        actor: TokenId,
        id: OfferId,
        expected: Option<Revision>,
    ) -> Result<OfferView, FlowError> {
        self.move_offer((tenant, actor), (id, expected), Action::Resume, AuditAction::OfferResumed).await
    }

    /// Stops for good.
    ///
    /// # Errors
    /// `NotFound`, `Stale`, `Conflict` for a draft, `Store`.
    pub async fn end_offer(
        &self,
        tenant: TenantId,
        actor: TokenId,
        id: OfferId,
        expected: Option<Revision>,
    ) -> Result<OfferView, FlowError> {
        self.move_offer((tenant, actor), (id, expected), Action::End, AuditAction::OfferEnded).await
    }

    async fn move_offer(
        &self,
        (tenant, actor): (TenantId, TokenId),
        (id, expected): (OfferId, Option<Revision>),
        action: Action,
        logged_as: AuditAction,
    ) -> Result<OfferView, FlowError> {
        let change = &Change::new(self.ids(), tenant, Actor::Token(actor), self.now());
        transact(self.pool(), Retries::default(), async |conn| {
            let before = lock_offer(conn, tenant, id, expected).await?;
            let state = before.state.apply(action, change.at)?;
            if state == before.state {
                return self.view(conn, before).await;
            }
            let states = States::changed(&before.state, &state)?;
            let revision = before.revision.next();
            let moved = Offer { state, revision, updated_at: change.at, ..before };
            offers::save(conn, &moved).await?;
            change.audit(conn, logged_as, id.as_uuid(), states).await?;
            change.tell(conn, &[change.stamper().outgoing(&offer_changed(&moved))]).await?;
            self.view(conn, moved).await
        })
        .await
    }
}
