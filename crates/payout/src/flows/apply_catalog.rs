//! The catalog's facts become payout's own read models. Facts may come late, twice and in any order: each carries its
//! aggregate's version, and a lower one is ignored, so no inbox is needed. An equal one is taken
//! again: it says the same, or the catalog repairs what it had said wrongly.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::{AdvertiserId, IdSource, TenantId};
use postgres_kit::{
    DbError, Pool, Retries,
    tokens::{self, TokenRow},
    transact, wake_ups,
};

use super::{counting, tell::tell_untold};
use crate::{
    domain::limits::{OfferKey, Raises},
    store::{
        self, DELIVERIES,
        advertisers::{self, Advertiser},
        deliveries::PublisherKey,
        offers::{self, Locked, Offer},
        publishers::{self, Publisher},
        tenants::{self, Tenant},
        untold,
    },
};

/// A catalog fact that payout keeps.
#[derive(Debug, Clone)]
pub enum CatalogFact {
    /// A tenant as it stands.
    Tenant(Tenant),
    /// An advertiser as it stands.
    Advertiser(Advertiser),
    /// A publisher with its endpoints as it stands.
    Publisher(Publisher),
    /// An API token as it stands.
    Token(TokenRow),
    /// The limits of an offer as one of its versions says them.
    Offer(Offer),
}

/// Applies a batch. Aggregates are written in the order of their ids, so that two batches never wait for each other in a
/// circle.
///
/// # Errors
/// [`DbError`] when nothing was committed.
pub async fn apply_catalog(
    pool: &Pool,
    ids: &Arc<dyn IdSource>,
    facts: &[CatalogFact],
) -> Result<(), DbError> {
    let mut newest_tenants: Vec<&Tenant> = Vec::new();
    let mut newest_advertisers: BTreeMap<(TenantId, AdvertiserId), &Advertiser> = BTreeMap::new();
    let mut newest_publishers: Vec<&Publisher> = Vec::new();
    let mut token_rows: Vec<TokenRow> = Vec::new();
    for fact in facts {
        match fact {
            CatalogFact::Tenant(tenant) => newest_tenants.push(tenant),
            CatalogFact::Advertiser(advertiser) => {
                let kept = newest_advertisers.entry((advertiser.tenant, advertiser.id)).or_insert(advertiser);
                if kept.version <= advertiser.version {
                    *kept = advertiser;
                }
            }
            CatalogFact::Publisher(publisher) => newest_publishers.push(publisher),
            CatalogFact::Token(token) => token_rows.push(token.clone()),
            CatalogFact::Offer(_) => {}
        }
    }
    // Ascending versions of one aggregate: the last one stays.
    newest_tenants.sort_by_key(|tenant| (tenant.id, tenant.version));
    newest_publishers.sort_by_key(|publisher| (publisher.tenant, publisher.id, publisher.version));
    let keys: BTreeSet<PublisherKey> =
        newest_publishers.iter().map(|publisher| (publisher.tenant, publisher.id)).collect();
    let keys: Vec<PublisherKey> = keys.into_iter().collect();
    let newest_advertisers: Vec<&Advertiser> = newest_advertisers.into_values().collect();
    transact(pool, Retries::default(), async |connection| {
        if !keys.is_empty() {
            untold::lock_for_news(connection, &keys).await?;
        }
        for tenant in &newest_tenants {
            tenants::apply(connection, tenant).await?;
        }
        advertisers::apply(connection, &newest_advertisers).await?;
        for publisher in &newest_publishers {
            publishers::apply(connection, publisher).await?;
        }
        if !keys.is_empty() {
            tell_untold(connection, &keys).await?;
            // Another URL, or more of a publisher's room: what waited for that goes out.
            wake_ups::after_commit(DELIVERIES);
        }
        tokens::apply(connection, &token_rows).await?;
        Ok::<_, DbError>(())
    })
    .await?;
    apply_offers(pool, ids, facts).await
}

/// Only the newest version of an offer bounds it. A raise opens its budget again in the same transaction; a version that is
/// there already says the budget's state once more, for who lost it, and so does one of an offer that payout had lost. A
/// transaction of its own: offers are locked first.
async fn apply_offers(pool: &Pool, ids: &Arc<dyn IdSource>, facts: &[CatalogFact]) -> Result<(), DbError> {
    let mut newest: BTreeMap<OfferKey, &Offer> = BTreeMap::new();
    for fact in facts {
        let CatalogFact::Offer(offer) = fact else { continue };
        let kept = newest.entry(offer.key).or_insert(offer);
        // The same version can be told again with more raises in it.
        if (kept.bounds.version, kept.heard) <= (offer.bounds.version, offer.heard) {
            *kept = offer;
        }
    }
    if newest.is_empty() {
        return Ok(());
    }
    let keys: BTreeSet<OfferKey> = newest.keys().copied().collect();
    transact(pool, Retries::default(), async |connection| {
        let before = counting::lock(connection, keys.clone()).await?;
        let mut again: BTreeSet<OfferKey> = BTreeSet::new();
        for (key, offer) in &newest {
            offers::apply(connection, offer).await?;
            let says_the_same = |known: &Locked| known.said.version == offer.bounds.version;
            let is_said_again =
                before.get(key).is_none_or(|known| says_the_same(known) && known.told.version > 0);
            if is_said_again {
                again.insert(*key);
            }
        }
        let now = store::now(connection).await?;
        let mut after = counting::lock(connection, keys.clone()).await?;
        hear_raises(connection, &newest, &mut after).await?;
        counting::review_budgets(connection, ids.as_ref(), now, &after, &again).await?;
        Ok::<_, DbError>(())
    })
    .await
}

/// Raises that the catalog has taken over are its own from now on. An old word says so as well: the newer ones that are known have
/// them, too.
async fn hear_raises(
    connection: &mut AsyncPgConnection,
    said: &BTreeMap<OfferKey, &Offer>,
    offers: &mut counting::Offers,
) -> QueryResult<()> {
    let mut heard: Vec<(OfferKey, Raises)> = Vec::new();
    for (key, offer) in said {
        let Some(locked) = offers.get_mut(key) else { continue };
        let raises = locked.raises.heard(offer.heard);
        if raises != locked.raises {
            locked.raises = raises;
            heard.push((*key, raises));
        }
    }
    if heard.is_empty() {
        return Ok(());
    }
    offers::save_raises(connection, &heard).await
}
