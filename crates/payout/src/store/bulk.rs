//! Files of wanted statuses as plans, and how far they are.

use std::collections::HashMap;

use diesel::{
    OptionalExtension as _, QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ClickId, TenantId, TokenId};
use postgres_kit::kept;
use uuid::Uuid;

use super::{
    column::{Moment, column},
    conversions::{Key, Row, Stored, columns},
};

/// Names a plan.
pub type BulkKey = (TenantId, Uuid);

/// A plan as people see it.
#[derive(Debug, Clone, QueryableByName)]
pub struct BulkRow {
    #[diesel(sql_type = SqlUuid)]
    pub bulk_id: Uuid,
    #[diesel(sql_type = Binary)]
    pub token: Vec<u8>,
    #[diesel(sql_type = Text)]
    pub summary: String,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: Moment,
    #[diesel(sql_type = Timestamptz)]
    pub expires_at: Moment,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub applied_by: Option<Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub applied_at: Option<Moment>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub finished_at: Option<Moment>,
}

/// The columns of [`BulkRow`].
macro_rules! shown {
    () => {
        "bulk_id, token, summary, created_at, expires_at, applied_by, applied_at, finished_at"
    };
}

/// Up to `limit` conversions of these clicks that somebody sees, as they stand; nothing is locked.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn conversions_of(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    clicks: &[ClickId],
    limit: i64,
) -> QueryResult<HashMap<Key, Stored>> {
    let select = sql_query(concat!(
        "SELECT ",
        columns!(),
        " FROM conversions WHERE tenant_id = $1 AND gk_click_id = ANY($2) AND status <> 'unreached' LIMIT $3"
    ))
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Array<SqlUuid>, _>(column(clicks, |click| click.as_uuid()))
    .bind::<BigInt, _>(limit);
    let rows: Vec<Row> = kept(select).load(connection).await?;
    rows.into_iter()
        .map(|row| {
            Stored::try_from(row).map(|stored| {
                let subject = &stored.conversion.subject;
                ((subject.tenant, subject.conversion), stored)
            })
        })
        .collect()
}

/// Stores a plan that may be applied for `hours`.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn add(
    connection: &mut AsyncPgConnection,
    key: BulkKey,
    by: TokenId,
    token: &[u8; 32],
    summary: &str,
    hours: i32,
) -> QueryResult<()> {
    let insert = sql_query(
        "INSERT INTO bulk_statuses (tenant_id, bulk_id, token, summary, created_by, expires_at)
        VALUES ($1, $2, $3, $4, $5, now() + make_interval(hours => $6))",
    )
    .bind::<SqlUuid, _>(key.0.as_uuid())
    .bind::<SqlUuid, _>(key.1)
    .bind::<Binary, _>(token.as_slice())
    .bind::<Text, _>(summary)
    .bind::<SqlUuid, _>(by.as_uuid())
    .bind::<Integer, _>(hours);
    kept(insert).execute(connection).await.map(drop)
}

/// Removes the tenant's plans that nobody applied in time, with their lines.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn remove_expired(connection: &mut AsyncPgConnection, tenant: TenantId) -> QueryResult<()> {
    let delete = sql_query(
        "DELETE FROM bulk_statuses WHERE tenant_id = $1 AND applied_at IS NULL AND expires_at < now()",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid());
    kept(delete).execute(connection).await.map(drop)
}

/// A plan.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn find(connection: &mut AsyncPgConnection, key: BulkKey) -> QueryResult<Option<BulkRow>> {
    let select =
        sql_query(concat!("SELECT ", shown!(), " FROM bulk_statuses WHERE tenant_id = $1 AND bulk_id = $2"))
            .bind::<SqlUuid, _>(key.0.as_uuid())
            .bind::<SqlUuid, _>(key.1);
    kept(select).get_result(connection).await.optional()
}

/// A tenant's plans, the latest first, and how many there are.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn list(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    offset: i64,
    limit: i64,
) -> QueryResult<(Vec<BulkRow>, u64)> {
    let select = sql_query(concat!(
        "SELECT ",
        shown!(),
        " FROM bulk_statuses WHERE tenant_id = $1 ORDER BY created_at DESC, bulk_id OFFSET $2 LIMIT $3"
    ))
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<BigInt, _>(offset)
    .bind::<BigInt, _>(limit);
    let rows = kept(select).load(connection).await?;
    let count = sql_query("SELECT count(*) AS count FROM bulk_statuses WHERE tenant_id = $1")
        .bind::<SqlUuid, _>(tenant.as_uuid());
    let count: Count = kept(count).get_result(connection).await?;
    Ok((rows, u64::try_from(count.count).unwrap_or_default()))
}

/// Hands a plan to whoever works plans off, unless it expired or somebody did before; says whether it was.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn begin(connection: &mut AsyncPgConnection, key: BulkKey, by: TokenId) -> QueryResult<bool> {
    let update = sql_query(
        "UPDATE bulk_statuses SET applied_by = $3, applied_at = now(), turn_at = clock_timestamp()
        WHERE tenant_id = $1 AND bulk_id = $2 AND applied_at IS NULL AND expires_at > now()",
    )
    .bind::<SqlUuid, _>(key.0.as_uuid())
    .bind::<SqlUuid, _>(key.1)
    .bind::<SqlUuid, _>(by.as_uuid());
    Ok(kept(update).execute(connection).await? > 0)
}

/// A plan that this transaction has in hand.
#[derive(Debug, Clone, Copy)]
pub struct Claimed {
    /// Which.
    pub key: BulkKey,
    /// Who handed it in.
    pub by: TokenId,
    /// The click of which the last step decided only some lines.
    pub begun: Option<ClickId>,
}

/// Locks the plan that has waited longest for its turn among those that no other replica has in hand; or, of these, the one
/// that is named.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn claim(
    connection: &mut AsyncPgConnection,
    named: Option<BulkKey>,
) -> QueryResult<Option<Claimed>> {
    let select = sql_query(
        "SELECT tenant_id, bulk_id, applied_by, begun_click_id FROM bulk_statuses
        WHERE applied_at IS NOT NULL AND finished_at IS NULL AND turn_at <= clock_timestamp()
            AND ($1 IS NULL OR tenant_id = $1 AND bulk_id = $2)
        ORDER BY turn_at LIMIT 1 FOR UPDATE SKIP LOCKED",
    )
    .bind::<Nullable<SqlUuid>, _>(named.map(|(tenant, _)| tenant.as_uuid()))
    .bind::<Nullable<SqlUuid>, _>(named.map(|(_, bulk)| bulk));
    let row: Option<ClaimedRow> = kept(select).get_result(connection).await.optional()?;
    Ok(row.map(|row| Claimed {
        key: (TenantId::from_uuid(row.tenant_id), row.bulk_id),
        by: TokenId::from_uuid(row.applied_by),
        begun: row.begun_click_id.map(ClickId::from_uuid),
    }))
}

/// Lets the other plans go first after a step, and remembers the click of which it decided only some lines.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn end_turn(
    connection: &mut AsyncPgConnection,
    key: BulkKey,
    begun: Option<ClickId>,
) -> QueryResult<()> {
    let update = sql_query(
        "UPDATE bulk_statuses SET turn_at = clock_timestamp(), begun_click_id = $3
        WHERE tenant_id = $1 AND bulk_id = $2",
    )
    .bind::<SqlUuid, _>(key.0.as_uuid())
    .bind::<SqlUuid, _>(key.1)
    .bind::<Nullable<SqlUuid>, _>(begun.map(ClickId::as_uuid));
    kept(update).execute(connection).await.map(drop)
}

/// Lets the other plans go first, and remembers what it has begun.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn yield_turn(connection: &mut AsyncPgConnection, key: BulkKey) -> QueryResult<()> {
    let update = sql_query(
        "UPDATE bulk_statuses SET turn_at = clock_timestamp() WHERE tenant_id = $1 AND bulk_id = $2",
    )
    .bind::<SqlUuid, _>(key.0.as_uuid())
    .bind::<SqlUuid, _>(key.1);
    kept(update).execute(connection).await.map(drop)
}

/// Puts a plan's next step off, unless another replica has it in hand.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn put_off(connection: &mut AsyncPgConnection, key: BulkKey, seconds: i32) -> QueryResult<()> {
    let update = sql_query(
        "UPDATE bulk_statuses SET turn_at = clock_timestamp() + make_interval(secs => $3)
        WHERE (tenant_id, bulk_id) IN (
            SELECT tenant_id, bulk_id FROM bulk_statuses
            WHERE tenant_id = $1 AND bulk_id = $2 FOR UPDATE SKIP LOCKED)",
    )
    .bind::<SqlUuid, _>(key.0.as_uuid())
    .bind::<SqlUuid, _>(key.1)
    .bind::<Integer, _>(seconds);
    kept(update).execute(connection).await.map(drop)
}

/// Locks a plan; waits for the replica that has it in hand.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn lock(connection: &mut AsyncPgConnection, key: BulkKey) -> QueryResult<()> {
    let select = sql_query("SELECT FROM bulk_statuses WHERE tenant_id = $1 AND bulk_id = $2 FOR UPDATE")
        .bind::<SqlUuid, _>(key.0.as_uuid())
        .bind::<SqlUuid, _>(key.1);
    kept(select).execute(connection).await.map(drop)
}

/// Notes that nothing is left to do of a plan.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn finish(connection: &mut AsyncPgConnection, key: BulkKey) -> QueryResult<()> {
    let update =
        sql_query("UPDATE bulk_statuses SET finished_at = now() WHERE tenant_id = $1 AND bulk_id = $2")
            .bind::<SqlUuid, _>(key.0.as_uuid())
            .bind::<SqlUuid, _>(key.1);
    kept(update).execute(connection).await.map(drop)
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct ClaimedRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    bulk_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    applied_by: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    begun_click_id: Option<Uuid>,
}
