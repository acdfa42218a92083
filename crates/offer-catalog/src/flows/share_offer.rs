//! Sharing an offer: it belongs to one publisher for ever.

use kernel::{LinkId, OfferId, PublisherId, TenantId, TokenId};
use postgres_kit::{Retries, transact};

use super::{
    Answer, Catalog, Conditions, FlowError, OfferView, Once,
    offers::lock_offer,
    users::check_publisher,
    write::{Change, States},
};
use crate::{
    domain::{
        audit::{Actor, AuditAction},
        records::Offer,
        status::{Action, Share},
    },
    facts::offer_changed,
    store::offers,
};

impl Catalog {
    /// Binds an offer to a publisher and makes its tracking link. Warnings that the caller means are accepted.
    ///
    /// # Errors
    /// `NotFound`, `Stale`, `Invalid` for an unknown or inactive publisher, `NotReady` with the linter's errors, `NotAccepted`, `Conflict`
    /// when it is a draft, has ended or is shared already or its key is in use, `KeyReused`, `Store`.
    pub async fn share_offer(
        &self,
        (tenant, actor): (TenantId, TokenId),
        id: OfferId,
        publisher_id: PublisherId,
        on: &Conditions,
        once: &Once<OfferView>,
    ) -> Result<Answer, FlowError> {
        let change = &Change::new(self.ids(), tenant, Actor::Token(actor), self.now());
        let link_id = LinkId::from_uuid(self.ids().uuid_v7());
        let share = &Share { publisher_id, link_id, shared_at: change.at };
        transact(self.pool(), Retries::default(), async |conn| {
            if let Some(answer) = self.said_before(conn, once).await? {
                return Ok(answer);
            }
            let before = lock_offer(conn, tenant, id, on.expected).await?;
            let state = before.state.apply(Action::Share(*share), change.at)?;
            check_publisher(conn, tenant, Some(publisher_id)).await?;
            let states = States::changed(&before.state, &state)?;
            let revision = before.revision.next();
            let mut shared = Offer { state, revision, updated_at: change.at, ..before };
            self.must_pass(conn, change, &mut shared, &[], &on.codes).await?;
            offers::insert_share(conn, &shared, share).await?;
            offers::save(conn, &shared).await?;
            change.audit(conn, AuditAction::OfferShared, id.as_uuid(), states).await?;
            change.tell(conn, &[change.stamper().outgoing(&offer_changed(&shared))]).await?;
            let view = self.view(conn, shared).await?;
            self.say(conn, once, view).await
        })
        .await
    }

    /// Always refuses, with the sentence that says what to do instead.
    ///
    /// # Errors
    /// `NotFound`, `Conflict`, `Store`.
    pub async fn unshare_offer(&self, tenant: TenantId, id: OfferId) -> Result<(), FlowError> {
        let now = self.now();
        transact(self.pool(), Retries::default(), async |conn| {
            let offer = offers::find(conn, tenant, id).await?.ok_or(FlowError::NotFound("offer"))?;
            offer.state.apply(Action::Unshare, now)?;
            Ok(())
        })
        .await
    }
}
