//! Reports that are over.

use diesel::{
    QueryResult, sql_query,
    sql_types::{BigInt, Integer, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use postgres_kit::kept;

/// Gives up reports of which nothing has come for so long; how many.
///
/// # Errors
/// The database's.
pub async fn fail_abandoned(
    connection: &mut AsyncPgConnection,
    quiet_seconds: i32,
    why: &str,
) -> QueryResult<usize> {
    let update = sql_query(
        "UPDATE reconciliations SET failure = $2
        WHERE finished_at IS NULL AND failure IS NULL AND received_at IS NULL
            AND seen_at < now() - make_interval(secs => $1)",
    )
    .bind::<Integer, _>(quiet_seconds)
    .bind::<Text, _>(why);
    kept(update).execute(connection).await
}

/// Removes up to `limit` lines of reports that came so long ago, or failed a day ago, and the reports that have none left;
/// how many rows.
///
/// # Errors
/// The database's.
pub async fn forget_old(connection: &mut AsyncPgConnection, days: i32, limit: i64) -> QueryResult<usize> {
    let lines = sql_query(
        "WITH old AS (
            SELECT tenant_id, reconciliation_id FROM reconciliations
            WHERE begun_at < now() - make_interval(days => $1)
                OR failure IS NOT NULL AND begun_at < now() - interval '1 day'
        ), doomed AS (
            SELECT line.ctid FROM reconciliation_lines AS line JOIN old USING (tenant_id, reconciliation_id)
            LIMIT $2 FOR UPDATE OF line SKIP LOCKED
        )
        DELETE FROM reconciliation_lines WHERE ctid IN (SELECT ctid FROM doomed)",
    )
    .bind::<Integer, _>(days)
    .bind::<BigInt, _>(limit);
    let removed = kept(lines).execute(connection).await?;
    if removed > 0 {
        return Ok(removed);
    }
    let reports = sql_query(
        "WITH gone AS (
            DELETE FROM reconciliations AS report
            WHERE (begun_at < now() - make_interval(days => $1)
                    OR failure IS NOT NULL AND begun_at < now() - interval '1 day')
                AND NOT EXISTS (SELECT FROM reconciliation_lines AS line
                    WHERE line.tenant_id = report.tenant_id AND line.reconciliation_id = report.reconciliation_id)
            RETURNING tenant_id, reconciliation_id
        )
        DELETE FROM reconciliation_counts AS count USING gone
        WHERE count.tenant_id = gone.tenant_id AND count.reconciliation_id = gone.reconciliation_id",
    )
    .bind::<Integer, _>(days);
    kept(reports).execute(connection).await
}
