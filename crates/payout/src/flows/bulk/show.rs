//! Plans as people see them.

use kernel::TenantId;
use postgres_kit::{DbError, Pool, Snapshot, transact};

pub use crate::store::{
    bulk::BulkRow,
    bulk_lines::{CountRow, LineRow},
};
use crate::{
    domain::bulk::Summary,
    store::{
        bulk::{self, BulkKey},
        bulk_lines,
    },
};

/// Lines of one look.
const LINES_PAGE: u16 = 1_000;

/// A plan.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Itself.
    pub row: BulkRow,
    /// What its dry run counted.
    pub summary: Summary,
    /// How many lines stand how; empty in lists.
    pub counts: Vec<CountRow>,
}

impl Shown {
    fn of(row: BulkRow, counts: Vec<CountRow>) -> Result<Self, DbError> {
        let summary = serde_json::from_str(&row.summary)
            .map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)))?;
        Ok(Self { row, summary, counts })
    }
}

/// A plan and how far it is; `None` when the tenant has no such.
///
/// # Errors
/// [`DbError`] when the database can not say.
pub async fn find(pool: &Pool, key: BulkKey) -> Result<Option<Shown>, DbError> {
    transact(pool, Snapshot, async |connection| {
        let Some(row) = bulk::find(connection, key).await? else { return Ok(None) };
        let counts = bulk_lines::counts(connection, key).await?;
        Shown::of(row, counts).map(Some)
    })
    .await
}

/// A page of plans, the latest first, and how many there are.
///
/// # Errors
/// [`DbError`] when the database can not say.
pub async fn list(
    pool: &Pool,
    tenant: TenantId,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Shown>, u64), DbError> {
    let (rows, total) = transact(pool, Snapshot, async |connection| {
        Ok::<_, DbError>(bulk::list(connection, tenant, offset, limit).await?)
    })
    .await?;
    let shown = rows.into_iter().map(|row| Shown::of(row, Vec::new())).collect::<Result<_, _>>()?;
    Ok((shown, total))
}

/// Lines behind the one at `after`, in the order in which they are worked off.
///
/// # Errors
/// [`DbError`] when the database can not say.
pub async fn lines(pool: &Pool, key: BulkKey, after: i32) -> Result<Vec<LineRow>, DbError> {
    Ok(bulk_lines::page(&mut *pool.get().await?, key, after, LINES_PAGE).await?)
}
