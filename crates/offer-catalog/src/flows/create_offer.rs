//! Creating an offer: the draft becomes version 1. Nothing is distributed by it.

use kernel::{OfferId, TenantId, TokenId};
use postgres_kit::{Retries, transact};

use super::{
    Answer, Catalog, Conditions, FlowError, OfferView, Once,
    offers::lock_offer,
    write::{Change, States},
};
use crate::{
    domain::{
        audit::{Actor, AuditAction},
        budget_raise::RaisesTaken,
        records::{Offer, OfferVersion},
        status::Action,
        version::{Introductions, introduce},
    },
    facts::{offer_changed, offer_version_created},
    store::{Conn, offer_raises, offer_versions, offers},
};

impl Catalog {
    /// Creates an offer from its draft. Warnings that the caller means are accepted.
    ///
    /// # Errors
    /// `NotFound`, `Stale`, `NotReady` with the linter's errors, `NotAccepted`, `Conflict` when it is created already or its
    /// key is in use, `KeyReused`, `Store`.
    pub async fn create_offer(
        &self,
        tenant: TenantId,
        actor: TokenId,
        id: OfferId,
        on: &Conditions,
        once: &Once<OfferView>,
    ) -> Result<Answer, FlowError> {
        let change = &Change::new(self.ids(), tenant, Actor::Token(actor), self.now());
        transact(self.pool(), Retries::default(), async |conn| {
            if let Some(answer) = self.said_before(conn, once).await? {
                return Ok(answer);
            }
            let before = lock_offer(conn, tenant, id, on.expected).await?;
            let state = before.state.apply(Action::Create, change.at)?;
            let revision = before.revision.next();
            let mut created = Offer { state, revision, updated_at: change.at, ..before };
            self.must_pass(conn, change, &mut created, &[], &on.codes).await?;
            offers::save(conn, &created).await?;
            let states = States::new(&created.fields)?;
            change.audit(conn, AuditAction::OfferCreated, id.as_uuid(), states).await?;
            save_version(conn, change, &created, &Introductions::new()).await?;
            let view = self.view(conn, created).await?;
            self.say(conn, once, view).await
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
    // Nobody can have raised what nobody had heard of.
    let raises = match version.version {
        1 => RaisesTaken::default(),
        _ => offer_raises::find(conn, offer.tenant_id, offer.offer_id).await?,
    };
    let stamper = change.stamper();
    let facts = [
        stamper.outgoing(&offer_version_created(&version, &introductions, raises)?),
        stamper.outgoing(&offer_changed(offer)),
    ];
    change.tell(conn, &facts).await
}

/// Tells the newest version of an offer once more, for it has raises of payout that it did not have.
pub(super) async fn tell_version_again(
    conn: &mut Conn,
    change: &Change<'_>,
    offer: &Offer,
    raises: RaisesTaken,
) -> Result<(), FlowError> {
    let (tenant, id) = (offer.tenant_id, offer.offer_id);
    let version = offer_versions::find(conn, tenant, id, offer.state.newest_version).await?;
    let version = version.ok_or(FlowError::NotFound("version of this offer"))?;
    let introductions = offer_versions::introductions(conn, tenant, id).await?;
    let fact = offer_version_created(&version, &introductions, raises)?;
    change.tell(conn, &[change.stamper().outgoing(&fact)]).await
}
