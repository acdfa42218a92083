//! A report that arrives.

use diesel::{
    QueryResult, sql_query,
    sql_types::{Array, BigInt, Integer, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ClickId, TenantId, TokenId};
use postgres_kit::kept;
use uuid::Uuid;

use crate::domain::reconcile::{Bucket, Report, ReportRow};

/// What is known of a report before its first line.
#[derive(Debug, Clone, Copy)]
pub struct NewReconciliation {
    /// Whose.
    pub tenant: TenantId,
    /// Its id.
    pub id: Uuid,
    /// Which report.
    pub report: Report,
    /// How far a line's time may be from its postback's.
    pub tolerance_seconds: i32,
    /// Who sends it.
    pub token: TokenId,
}

/// Notes that a report is coming.
///
/// # Errors
/// The database's.
pub async fn begin(connection: &mut AsyncPgConnection, new: &NewReconciliation) -> QueryResult<()> {
    let insert = sql_query(
        "INSERT INTO reconciliations (tenant_id, reconciliation_id, report, tolerance_seconds, token_id)
        VALUES ($1, $2, $3, $4, $5)",
    )
    .bind::<SqlUuid, _>(new.tenant.as_uuid())
    .bind::<SqlUuid, _>(new.id)
    .bind::<Text, _>(new.report.as_str())
    .bind::<Integer, _>(new.tolerance_seconds)
    .bind::<SqlUuid, _>(new.token.as_uuid());
    kept(insert).execute(connection).await.map(drop)
}

/// Adds lines. Those that name no click have their bucket at once.
///
/// # Errors
/// The database's.
pub async fn add_lines(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    id: Uuid,
    rows: &[ReportRow],
) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let numbers: Vec<i64> = rows.iter().map(|row| i64::try_from(row.line).unwrap_or(i64::MAX)).collect();
    let clicks: Vec<Option<Uuid>> = rows.iter().map(|row| row.click.map(ClickId::as_uuid)).collect();
    let said = rows.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>();
    let said = said.map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))?;
    let insert = sql_query(
        "WITH given AS (
            SELECT * FROM unnest($3, $4, $5) AS given (line, click_id, said)
        ), inserted AS (
            INSERT INTO reconciliation_lines (tenant_id, reconciliation_id, line, click_id, said, bucket, code)
            SELECT $1, $2, line, click_id, said::jsonb,
                CASE WHEN click_id IS NULL THEN $6 END, CASE WHEN click_id IS NULL THEN '' END
            FROM given
        ), counted AS (
            INSERT INTO reconciliation_counts (tenant_id, reconciliation_id, bucket, code, lines)
            SELECT $1, $2, $6, '', count(*) FROM given WHERE click_id IS NULL HAVING count(*) > 0
            ON CONFLICT (tenant_id, reconciliation_id, bucket, code)
                DO UPDATE SET lines = reconciliation_counts.lines + excluded.lines
        )
        UPDATE reconciliations SET seen_at = now(), lines = lines + (SELECT count(*) FROM given),
            compared = compared + (SELECT count(*) FROM given WHERE click_id IS NULL)
        WHERE tenant_id = $1 AND reconciliation_id = $2",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(id)
    .bind::<Array<BigInt>, _>(numbers)
    .bind::<Array<Nullable<SqlUuid>>, _>(clicks)
    .bind::<Array<Text>, _>(said)
    .bind::<Text, _>(Bucket::NoClick.as_str());
    kept(insert).execute(connection).await.map(drop)
}

/// The body is whole: from now on it is compared.
///
/// # Errors
/// The database's.
pub async fn whole(connection: &mut AsyncPgConnection, tenant: TenantId, id: Uuid) -> QueryResult<()> {
    let update = sql_query(
        "UPDATE reconciliations SET received_at = now() WHERE tenant_id = $1 AND reconciliation_id = $2",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(id);
    kept(update).execute(connection).await.map(drop)
}

/// The body can not be read to its end. What came of it is removed by the sweep.
///
/// # Errors
/// The database's.
pub async fn break_off(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    id: Uuid,
    why: &str,
) -> QueryResult<()> {
    let update = sql_query(
        "UPDATE reconciliations SET failure = $3
        WHERE tenant_id = $1 AND reconciliation_id = $2 AND received_at IS NULL",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(id)
    .bind::<Text, _>(why);
    kept(update).execute(connection).await.map(drop)
}
