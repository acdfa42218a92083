//! Reports for the API.

use chrono::{DateTime, Utc};
use diesel::{
    OptionalExtension as _, QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::TenantId;
use postgres_kit::kept;
use uuid::Uuid;

/// A report, and how far it is.
#[derive(Debug, Clone, QueryableByName)]
pub struct Shown {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub reconciliation_id: Uuid,
    /// Which report.
    #[diesel(sql_type = Text)]
    pub report: String,
    /// How far a line's time may be from its postback's.
    #[diesel(sql_type = Integer)]
    pub tolerance_seconds: i32,
    /// When it began to arrive.
    #[diesel(sql_type = Timestamptz)]
    pub begun_at: DateTime<Utc>,
    /// When it was whole.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub received_at: Option<DateTime<Utc>>,
    /// When every line was compared.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub finished_at: Option<DateTime<Utc>>,
    /// Why it will never be.
    #[diesel(sql_type = Nullable<Text>)]
    pub failure: Option<String>,
    /// Its lines, without the first.
    #[diesel(sql_type = BigInt)]
    pub lines: i64,
    /// How many have been compared.
    #[diesel(sql_type = BigInt)]
    pub compared: i64,
}

/// Lines of one bucket and code.
#[derive(Debug, Clone, QueryableByName)]
pub struct Count {
    /// The bucket.
    #[diesel(sql_type = Text)]
    pub bucket: String,
    /// The code; empty where the bucket says it all.
    #[diesel(sql_type = Text)]
    pub code: String,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub lines: i64,
}

/// A line, and where it ended.
#[derive(Debug, Clone, QueryableByName)]
pub struct ShownLine {
    /// The line.
    #[diesel(sql_type = BigInt)]
    pub line: i64,
    /// Its click.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub click_id: Option<Uuid>,
    /// What it says, as JSON.
    #[diesel(sql_type = Text)]
    pub said: String,
    /// Its bucket.
    #[diesel(sql_type = Text)]
    pub bucket: String,
    /// Its code.
    #[diesel(sql_type = Text)]
    pub code: String,
    /// Its postback.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub receipt: Option<Uuid>,
    /// The conversion that its postback holds.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub conversion_id: Option<Uuid>,
    /// What differs.
    #[diesel(sql_type = Nullable<Text>)]
    pub difference: Option<String>,
}

/// A report; none when the tenant has none of that id.
///
/// # Errors
/// The database's.
pub async fn get(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    id: Uuid,
) -> QueryResult<Option<Shown>> {
    let select = sql_query(
        "SELECT reconciliation_id, report, tolerance_seconds, begun_at, received_at, finished_at, failure, lines, compared
        FROM reconciliations WHERE tenant_id = $1 AND reconciliation_id = $2",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(id);
    kept(select).get_result(connection).await.optional()
}

/// Its lines by bucket and code.
///
/// # Errors
/// The database's.
pub async fn counts(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    id: Uuid,
) -> QueryResult<Vec<Count>> {
    let select = sql_query(
        "SELECT bucket, code, lines FROM reconciliation_counts WHERE tenant_id = $1 AND reconciliation_id = $2
        ORDER BY bucket, lines DESC, code",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(id);
    kept(select).load(connection).await
}

/// A page of a tenant's reports, the latest first, and how many there are.
///
/// # Errors
/// The database's.
pub async fn list(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    offset: i64,
    limit: i64,
) -> QueryResult<(Vec<Shown>, i64)> {
    #[derive(QueryableByName)]
    struct Total {
        #[diesel(sql_type = BigInt)]
        total: i64,
    }
    let select = sql_query(
        "SELECT reconciliation_id, report, tolerance_seconds, begun_at, received_at, finished_at, failure, lines, compared
        FROM reconciliations WHERE tenant_id = $1 ORDER BY begun_at DESC, reconciliation_id OFFSET $2 LIMIT $3",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<BigInt, _>(offset)
    .bind::<BigInt, _>(limit);
    let rows = kept(select).load(connection).await?;
    let count = sql_query("SELECT count(*) AS total FROM reconciliations WHERE tenant_id = $1")
        .bind::<SqlUuid, _>(tenant.as_uuid());
    let total: Total = kept(count).get_result(connection).await?;
    Ok((rows, total.total))
}

/// The next lines of a bucket after one, in the order of the file.
///
/// # Errors
/// The database's.
pub async fn lines(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    id: Uuid,
    bucket: &str,
    after: i64,
    limit: i64,
) -> QueryResult<Vec<ShownLine>> {
    let select = sql_query(
        "SELECT line, click_id, said::text AS said, bucket, code, receipt, conversion_id, difference
        FROM reconciliation_lines
        WHERE tenant_id = $1 AND reconciliation_id = $2 AND bucket = $3 AND line > $4
        ORDER BY line LIMIT $5",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(id)
    .bind::<Text, _>(bucket)
    .bind::<BigInt, _>(after)
    .bind::<BigInt, _>(limit);
    kept(select).load(connection).await
}
