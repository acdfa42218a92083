//! Writing the read model. A row is never replaced by a lower version, so facts may come in any order and any number of
//! times; one of the same version with other bytes replaces it, so that a re-publish can repair. Rows are sorted by key,
//! so two replicas never wait for each other in a circle.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{
    BoolExpressionMethods, ExpressionMethods, QueryResult, query_dsl::methods::FilterDsl, upsert::excluded,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{LinkId, OfferId, TenantId};
use postgres_kit::notify;

use super::{
    CHANGED_CHANNEL,
    schema::{budgets, offer_versions, offers, tenants},
};

/// A tenant's newest fact.
#[derive(Debug, Clone)]
pub struct TenantRow {
    /// Counts the tenant's changes.
    pub version: u64,
    /// The encoded `TenantChanged`.
    pub fact: Vec<u8>,
}

/// An offer's newest state.
#[derive(Debug, Clone)]
pub struct OfferRow {
    /// Counts the offer's changes.
    pub revision: u64,
    /// Its tracking link, once shared.
    pub link: Option<LinkId>,
    /// The encoded `OfferChanged`.
    pub fact: Vec<u8>,
}

/// One immutable version of an offer.
#[derive(Debug, Clone)]
pub struct VersionRow {
    /// The encoded `OfferVersionCreated`.
    pub fact: Vec<u8>,
}

/// The newest state of an offer's budget.
#[derive(Debug, Clone)]
pub struct BudgetRow {
    /// Counts the state's changes.
    pub version: u64,
    /// The encoded `BudgetStateChanged`.
    pub fact: Vec<u8>,
}

/// What one batch of facts says; of several facts about one thing the highest version is kept here already.
#[derive(Debug, Clone, Default)]
pub struct CatalogRows {
    /// By tenant.
    pub tenants: BTreeMap<TenantId, TenantRow>,
    /// By offer.
    pub offers: BTreeMap<(TenantId, OfferId), OfferRow>,
    /// By offer and version.
    pub versions: BTreeMap<(TenantId, OfferId, u32), VersionRow>,
    /// By offer.
    pub budgets: BTreeMap<(TenantId, OfferId), BudgetRow>,
}

impl CatalogRows {
    /// Keeps the higher of two versions of a tenant.
    pub fn tenant(&mut self, tenant: TenantId, row: TenantRow) {
        let known = self.tenants.get(&tenant).map_or(0, |known| known.version);
        if row.version > known {
            self.tenants.insert(tenant, row);
        }
    }

    /// Keeps the higher of two revisions of an offer.
    pub fn offer(&mut self, tenant: TenantId, offer: OfferId, row: OfferRow) {
        let known = self.offers.get(&(tenant, offer)).map_or(0, |known| known.revision);
        if row.revision > known {
            self.offers.insert((tenant, offer), row);
        }
    }

    /// Adds a version.
    pub fn version(&mut self, tenant: TenantId, offer: OfferId, version: u32, row: VersionRow) {
        self.versions.insert((tenant, offer, version), row);
    }

    /// Keeps the higher of two versions of an offer's budget.
    pub fn budget(&mut self, tenant: TenantId, offer: OfferId, row: BudgetRow) {
        let known = self.budgets.get(&(tenant, offer)).map_or(0, |known| known.version);
        if row.version > known {
            self.budgets.insert((tenant, offer), row);
        }
    }

    /// What other replicas must read again.
    fn changed(&self) -> Vec<String> {
        let tenants = self.tenants.keys().map(ToString::to_string);
        let offers = self.offers.keys().map(|(tenant, offer)| format!("{tenant}/{offer}"));
        let versions = self.versions.keys().map(|(tenant, offer, _version)| format!("{tenant}/{offer}"));
        let budgets = self.budgets.keys().map(|(tenant, offer)| format!("{tenant}/{offer}"));
        let unique: BTreeSet<String> = tenants.chain(offers).chain(versions).chain(budgets).collect();
        unique.into_iter().collect()
    }
}

/// Saves the rows and tells every replica; within the caller's transaction, so nobody hears of what was rolled back.
///
/// # Errors
/// The database's.
pub async fn save(connection: &mut AsyncPgConnection, rows: &CatalogRows) -> QueryResult<()> {
    save_tenants(connection, rows).await?;
    save_offers(connection, rows).await?;
    save_versions(connection, rows).await?;
    save_budgets(connection, rows).await?;
    notify::notify(connection, CHANGED_CHANNEL, &rows.changed()).await
}

async fn save_tenants(connection: &mut AsyncPgConnection, rows: &CatalogRows) -> QueryResult<usize> {
    let values: Vec<_> = rows
        .tenants
        .iter()
        .map(|(tenant, row)| {
            (
                tenants::tenant_id.eq(tenant.as_uuid()),
                tenants::version.eq(stored(row.version)),
                tenants::fact.eq(&row.fact),
            )
        })
        .collect();
    diesel::insert_into(tenants::table)
        .values(values)
        .on_conflict(tenants::tenant_id)
        .do_update()
        .set((tenants::version.eq(excluded(tenants::version)), tenants::fact.eq(excluded(tenants::fact))))
        .filter(
            tenants::version.le(excluded(tenants::version)).and(tenants::fact.ne(excluded(tenants::fact))),
        )
        .execute(connection)
        .await
}

async fn save_offers(connection: &mut AsyncPgConnection, rows: &CatalogRows) -> QueryResult<usize> {
    let values: Vec<_> = rows
        .offers
        .iter()
        .map(|((tenant, offer), row)| {
            (
                offers::tenant_id.eq(tenant.as_uuid()),
                offers::offer_id.eq(offer.as_uuid()),
                offers::revision.eq(stored(row.revision)),
                offers::link_id.eq(row.link.map(LinkId::as_uuid)),
                offers::fact.eq(&row.fact),
            )
        })
        .collect();
    diesel::insert_into(offers::table)
        .values(values)
        .on_conflict((offers::tenant_id, offers::offer_id))
        .do_update()
        .set((
            offers::revision.eq(excluded(offers::revision)),
            offers::link_id.eq(excluded(offers::link_id)),
            offers::fact.eq(excluded(offers::fact)),
        ))
        .filter(offers::revision.le(excluded(offers::revision)).and(offers::fact.ne(excluded(offers::fact))))
        .execute(connection)
        .await
}

async fn save_versions(connection: &mut AsyncPgConnection, rows: &CatalogRows) -> QueryResult<usize> {
    let values: Vec<_> = rows
        .versions
        .iter()
        .map(|((tenant, offer, version), row)| {
            (
                offer_versions::tenant_id.eq(tenant.as_uuid()),
                offer_versions::offer_id.eq(offer.as_uuid()),
                offer_versions::version.eq(i32::try_from(*version).unwrap_or(i32::MAX)),
                offer_versions::fact.eq(&row.fact),
            )
        })
        .collect();
    diesel::insert_into(offer_versions::table)
        .values(values)
        .on_conflict((offer_versions::tenant_id, offer_versions::offer_id, offer_versions::version))
        .do_update()
        .set(offer_versions::fact.eq(excluded(offer_versions::fact)))
        .filter(offer_versions::fact.ne(excluded(offer_versions::fact)))
        .execute(connection)
        .await
}

async fn save_budgets(connection: &mut AsyncPgConnection, rows: &CatalogRows) -> QueryResult<usize> {
    let values: Vec<_> = rows
        .budgets
        .iter()
        .map(|((tenant, offer), row)| {
            (
                budgets::tenant_id.eq(tenant.as_uuid()),
                budgets::offer_id.eq(offer.as_uuid()),
                budgets::version.eq(stored(row.version)),
                budgets::fact.eq(&row.fact),
            )
        })
        .collect();
    diesel::insert_into(budgets::table)
        .values(values)
        .on_conflict((budgets::tenant_id, budgets::offer_id))
        .do_update()
        .set((budgets::version.eq(excluded(budgets::version)), budgets::fact.eq(excluded(budgets::fact))))
        .filter(
            budgets::version.le(excluded(budgets::version)).and(budgets::fact.ne(excluded(budgets::fact))),
        )
        .execute(connection)
        .await
}

/// Versions count changes by people and stay far below the column's end.
fn stored(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}
