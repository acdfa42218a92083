//! Creating an offer: the draft becomes version 1. Nothing is distributed by it.

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
        records::{Offer, OfferVersion, Revision},
        status::Action,
        version::{Introductions, introduce},
    },
    facts::{offer_changed, offer_version_created},
    store::{Conn, offer_versions, offers},
};

impl Catalog {
    /// Creates an offer from its draft.
    ///
    /// # Errors
    /// `NotFound`, `Stale`, `NotReady` with the linter's errors, `Conflict` when it is created already, `Store`.
    pub async fn create_offer(
        &self,
        tenant: TenantId,
        actor: TokenId,
        id: OfferId,
        expected: Option<Revision>,
    ) -> Result<OfferView, FlowError> {
        let change = &Change::new(self.ids(), tenant, Actor::Token(actor), self.now());
        transact(self.pool(), Retries::default(), async |conn| {
            let before = lock_offer(conn, tenant, id, expected).await?;
            let state = before.state.apply(Action::Create, change.at)?;
            self.must_be_ready(conn, &before).await?;
            let revision = before.revision.next();
            let created = Offer { state, revision, updated_at: change.at, ..before };
            offers::save(conn, &created).await?;
            let states = States::new(&created.fields)?;
            change.audit(conn, AuditAction::OfferCreated, id.as_uuid(), states).await?;
            save_version(conn, change, &created, &Introductions::new()).await?;
            self.view(conn, created).await
        })
        .await
    }
}

/// Writes the newest version of a saved offer, and tells it beside what applies at once.
pub(super) async fn save_version(
    conn: &mut Conn,
    change: &Change<'_>,
    offer: &Offer,
    known: &Introductions,
) -> Result<(), FlowError> {
    let version = OfferVersion {
        tenant_id: offer.tenant_id,
        offer_id: offer.offer_id,
        version: offer.state.newest_version,
        fields: offer.fields.clone(),
        created_at: change.at,
    };
    let introduced = introduce(version.version, &version.fields, known);
    offer_versions::insert(conn, &version, &introduced).await?;
    let mut introductions = known.clone();
    introductions.extend(introduced);
    let stamper = change.stamper();
    let facts = [
        stamper.outgoing(&offer_version_created(&version, &introductions)?),
        stamper.outgoing(&offer_changed(offer)),
    ];
    change.tell(conn, &facts).await
}
