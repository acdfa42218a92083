//! The catalog's facts become payout's own read models. Facts may come late, twice and in any order: each carries its
//! aggregate's version, and a lower one is ignored, so no inbox is needed. An equal one is taken
//! again: it says the same, or the catalog repairs what it had said wrongly.

use std::collections::BTreeSet;

use postgres_kit::{
    DbError, Pool, Retries,
    tokens::{self, TokenRow},
    transact,
};

use super::tell::tell_untold;
use crate::store::{
    deliveries::PublisherKey,
    publishers::{self, Publisher},
    tenants::{self, Tenant},
    untold,
};

/// A catalog fact that payout keeps.
#[derive(Debug, Clone)]
pub enum CatalogFact {
    /// A tenant as it stands.
    Tenant(Tenant),
    /// A publisher with its endpoints as it stands.
    Publisher(Publisher),
    /// An API token as it stands.
    Token(TokenRow),
}

/// Applies a batch. Aggregates are written in the order of their ids, so that two batches never wait for each other in a
/// circle.
///
/// # Errors
/// [`DbError`] when nothing was committed.
pub async fn apply_catalog(pool: &Pool, facts: &[CatalogFact]) -> Result<(), DbError> {
    let mut newest_tenants: Vec<&Tenant> = Vec::new();
    let mut newest_publishers: Vec<&Publisher> = Vec::new();
    let mut token_rows: Vec<TokenRow> = Vec::new();
    for fact in facts {
        match fact {
            CatalogFact::Tenant(tenant) => newest_tenants.push(tenant),
            CatalogFact::Publisher(publisher) => newest_publishers.push(publisher),
            CatalogFact::Token(token) => token_rows.push(token.clone()),
        }
    }
    // Ascending versions of one aggregate: the last one stays.
    newest_tenants.sort_by_key(|tenant| (tenant.id, tenant.version));
    newest_publishers.sort_by_key(|publisher| (publisher.tenant, publisher.id, publisher.version));
    let keys: BTreeSet<PublisherKey> =
        newest_publishers.iter().map(|publisher| (publisher.tenant, publisher.id)).collect();
    let keys: Vec<PublisherKey> = keys.into_iter().collect();
    transact(pool, Retries::default(), async |connection| {
        if !keys.is_empty() {
            untold::lock_for_news(connection, &keys).await?;
        }
        for tenant in &newest_tenants {
            tenants::apply(connection, tenant).await?;
        }
        for publisher in &newest_publishers {
            publishers::apply(connection, publisher).await?;
        }
        if !keys.is_empty() {
            tell_untold(connection, &keys).await?;
        }
        tokens::apply(connection, &token_rows).await?;
        Ok::<_, DbError>(())
    })
    .await
}
