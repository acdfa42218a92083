//! `offer-catalog republish`: every fact as it stands, once more, for a consumer that is new or has lost its read model.
//!
//! Harmless at any time: facts carry their versions, so whoever knows them already ignores them. One short transaction a
//! tenant and one for each handful of offers: nobody waits for a long one, and a killed run is simply run again.

use kernel::{OfferId, TenantId};
use postgres_kit::{Retries, outbox::Outgoing, transact};

use super::{Catalog, FlowError};
use crate::{
    domain::{
        audit::Actor,
        budget_raise::RaisesTaken,
        records::{Offer, Tenant},
    },
    facts::{
        Stamper, advertiser_changed, api_token_changed, credential_changed, offer_changed,
        offer_version_created, publisher_changed, tenant_changed,
    },
    flows::write::Change,
    store::{
        Conn, advertisers, credentials, offer_raises, offer_versions, offers, publishers, tenants, tokens,
    },
};

/// Tenants and offers that one transaction takes.
const BATCH: i64 = 50;

impl Catalog {
    /// Writes every current fact into the outbox again, of every tenant; answers how many.
    ///
    /// # Errors
    /// `Store`; `Broken` when a stored version can not be told.
    pub async fn republish(&self) -> Result<u64, FlowError> {
        let mut told = 0_u64;
        let mut last = None;
        loop {
            let after = last;
            let batch = transact(self.pool(), Retries::default(), async |conn| {
                Ok::<_, FlowError>(tenants::after(conn, after, BATCH).await?)
            })
            .await?;
            let Some(end) = batch.last() else { return Ok(told) };
            last = Some(end.tenant_id);
            for tenant in &batch {
                told = told.saturating_add(self.republish_parties(tenant).await?);
                told = told.saturating_add(self.republish_offers(tenant.tenant_id).await?);
            }
        }
    }

    async fn republish_parties(&self, tenant: &Tenant) -> Result<u64, FlowError> {
        let id = tenant.tenant_id;
        let change = &Change::new(self.ids(), id, Actor::Operator, self.now());
        transact(self.pool(), Retries::default(), async |conn| {
            let stamper = change.stamper();
            let mut facts = vec![stamper.outgoing(&tenant_changed(tenant))];
            facts.extend(
                tokens::all(conn, id).await?.iter().map(|it| stamper.outgoing(&api_token_changed(it))),
            );
            facts.extend(
                credentials::all(conn, id).await?.iter().map(|it| stamper.outgoing(&credential_changed(it))),
            );
            facts.extend(
                advertisers::all(conn, id).await?.iter().map(|it| stamper.outgoing(&advertiser_changed(it))),
            );
            facts.extend(
                publishers::all(conn, id).await?.iter().map(|it| stamper.outgoing(&publisher_changed(it))),
            );
            change.tell(conn, &facts).await?;
            Ok::<_, FlowError>(count(&facts))
        })
        .await
    }

    async fn republish_offers(&self, tenant: TenantId) -> Result<u64, FlowError> {
        let mut told = 0_u64;
        let mut last: Option<OfferId> = None;
        loop {
            let after = last;
            let change = &Change::new(self.ids(), tenant, Actor::Operator, self.now());
            let (end, facts) = transact(self.pool(), Retries::default(), async |conn| {
                let batch = offers::created_after(conn, tenant, after, BATCH).await?;
                let mut facts = Vec::new();
                for offer in &batch {
                    facts.extend(facts_of(conn, &change.stamper(), offer).await?);
                }
                change.tell(conn, &facts).await?;
                Ok::<_, FlowError>((batch.last().map(|offer| offer.offer_id), count(&facts)))
            })
            .await?;
            told = told.saturating_add(facts);
            if end.is_none() {
                return Ok(told);
            }
            last = end;
        }
    }
}

/// All versions of an offer, and what applies at once.
async fn facts_of(conn: &mut Conn, stamper: &Stamper<'_>, offer: &Offer) -> Result<Vec<Outgoing>, FlowError> {
    // Before the versions: a raise that is taken over in between is in a version that is listed, or in none that is told here.
    let raises = offer_raises::find(conn, offer.tenant_id, offer.offer_id).await?;
    // In this order: a version saved in between brings its introductions with it, and is told by whoever saved it.
    let versions = offer_versions::list(conn, offer.tenant_id, offer.offer_id).await?;
    let introductions = offer_versions::introductions(conn, offer.tenant_id, offer.offer_id).await?;
    let mut facts = Vec::with_capacity(versions.len().saturating_add(1));
    let newest = versions.iter().map(|version| version.version).max();
    for version in &versions {
        // Earlier versions may be older than the raises; nobody needs to hear it of them.
        let raises = if Some(version.version) == newest { raises } else { RaisesTaken::default() };
        facts.push(stamper.outgoing(&offer_version_created(version, &introductions, raises)?));
    }
    facts.push(stamper.outgoing(&offer_changed(offer)));
    Ok(facts)
}

fn count(facts: &[Outgoing]) -> u64 {
    u64::try_from(facts.len()).unwrap_or(u64::MAX)
}
