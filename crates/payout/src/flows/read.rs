//! What people look at.

use kernel::{ConversionId, DeliveryId, PublisherId, TenantId};
use postgres_kit::{DbError, Pool, Snapshot, transact};
use uuid::Uuid;

use crate::store::{delivery_log, ledger, read};
pub use crate::store::{
    delivery_log::{LogFilter, LogPlace, LogRow},
    ledger::BalanceRow,
    read::{AttemptRow, ConversionRow, DeliveryRow, Filter, HistoryRow, Scope, TransferRow},
};

/// A conversion and everything that followed from it.
#[derive(Debug, Clone)]
pub struct Whole {
    /// As it stands.
    pub conversion: ConversionRow,
    /// Its changes, oldest first.
    pub history: Vec<HistoryRow>,
    /// Its ledger rows, newest first.
    pub transfers: Vec<TransferRow>,
    /// What publishers were told.
    pub deliveries: Vec<DeliveryRow>,
    /// How that went.
    pub attempts: Vec<AttemptRow>,
}

/// Ledger rows shown of one conversion: a few a change, and nobody changes one a hundred times.
const TRANSFERS_MAX: i64 = 500;

/// A page of conversions and how many there are in all.
///
/// # Errors
/// [`DbError`] when the database can not say.
pub async fn conversions(
    pool: &Pool,
    scope: Scope,
    filter: Filter,
) -> Result<(Vec<ConversionRow>, u64), DbError> {
    transact(pool, Snapshot, async |connection| Ok(read::conversions(connection, scope, filter).await?)).await
}

/// One conversion, whole; `None` when the caller may not know of it.
///
/// # Errors
/// [`DbError`] when the database can not say.
pub async fn conversion(pool: &Pool, scope: Scope, id: ConversionId) -> Result<Option<Whole>, DbError> {
    transact(pool, Snapshot, async |connection| {
        let Some(conversion) = read::conversion(connection, scope, id).await? else { return Ok(None) };
        let history = read::history(connection, scope.tenant, id).await?;
        let (transfers, _) = read::transfers(connection, scope.tenant, Some(id), 0, TRANSFERS_MAX).await?;
        let (deliveries, attempts) = read::deliveries(connection, scope.tenant, id).await?;
        Ok(Some(Whole { conversion, history, transfers, deliveries, attempts }))
    })
    .await
}

/// The balances of a tenant, or of one publisher's account only.
///
/// # Errors
/// [`DbError`] when the database can not say.
pub async fn balances(
    pool: &Pool,
    tenant: TenantId,
    publisher: Option<PublisherId>,
) -> Result<Vec<BalanceRow>, DbError> {
    let party: Option<Uuid> = publisher.map(PublisherId::as_uuid);
    Ok(ledger::balances(&mut *pool.get().await?, tenant, party).await?)
}

/// A page of ledger rows and how many there are in all.
///
/// # Errors
/// [`DbError`] when the database can not say.
pub async fn transfers(
    pool: &Pool,
    tenant: TenantId,
    conversion: Option<ConversionId>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<TransferRow>, u64), DbError> {
    transact(pool, Snapshot, async |connection| {
        Ok(read::transfers(connection, tenant, conversion, offset, limit).await?)
    })
    .await
}

/// A page of the delivery log, newest first, and how many deliveries there are in all, or 10,000.
///
/// # Errors
/// [`DbError`] when the database can not say.
pub async fn log(pool: &Pool, scope: Scope, filter: &LogFilter) -> Result<(Vec<LogRow>, u64), DbError> {
    transact(pool, Snapshot, async |connection| Ok(delivery_log::list(connection, scope, filter).await?))
        .await
}

/// One delivery with its attempts; `None` when the caller may not know of it.
///
/// # Errors
/// [`DbError`] when the database can not say.
pub async fn delivery(
    pool: &Pool,
    scope: Scope,
    id: DeliveryId,
) -> Result<Option<(LogRow, Vec<AttemptRow>)>, DbError> {
    transact(pool, Snapshot, async |connection| Ok(delivery_log::get(connection, scope, id).await?)).await
}
