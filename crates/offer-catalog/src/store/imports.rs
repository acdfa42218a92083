//! Imports. Their rows are in [`import_rows`](super::import_rows).

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, Queryable, QueryableByName, Selectable,
    SelectableHelper, sql_query,
    sql_types::{Array, BigInt, Binary, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{TenantId, Timestamp, TokenId};
use uuid::Uuid;

use super::{Conn, convert, schema::offer_imports::dsl};
use crate::domain::{
    import::{Import, ImportRequest, ImportState, Operation},
    lint::Code,
};

const TABLE: &str = "offer_imports";
/// After so long, rows that began to come in will not come to their end any more: far beyond the time a call may take.
const ABANDONED_MINUTES: i32 = 60;
/// How long the results of an import, and its request id, are kept.
const KEPT_DAYS: i32 = 90;
/// Imports that one statement forgets: each has up to 10 000 rows.
const FORGET_MAX: i64 = 5;

#[derive(Queryable, Selectable)]
#[diesel(table_name = super::schema::offer_imports, check_for_backend(diesel::pg::Pg))]
#[expect(clippy::struct_field_names, reason = "the columns' names")]
struct Row {
    tenant_id: Uuid,
    import_id: Uuid,
    state: String,
    imported_by: Uuid,
    provider: Option<String>,
    concurrency_request_id: Option<String>,
    operation: Option<String>,
    accepted_warnings: Vec<String>,
    row_count: i32,
    paused_count: i32,
    received_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Import {
    type Error = diesel::result::Error;

    fn try_from(row: Row) -> QueryResult<Self> {
        let missing = |column| move || convert::broken(TABLE, column, "is missing or no word of ours");
        Ok(Self {
            tenant_id: TenantId::from_uuid(row.tenant_id),
            import_id: row.import_id,
            state: ImportState::parse(&row.state).ok_or_else(missing("state"))?,
            imported_by: TokenId::from_uuid(row.imported_by),
            request: ImportRequest {
                provider: row.provider.ok_or_else(missing("provider"))?,
                concurrency_request_id: row
                    .concurrency_request_id
                    .ok_or_else(missing("concurrency_request_id"))?,
                operation: row
                    .operation
                    .as_deref()
                    .and_then(Operation::parse)
                    .ok_or_else(missing("operation"))?,
                codes: row.accepted_warnings.iter().filter_map(|code| Code::parse(code)).collect(),
            },
            rows: convert::small(row.row_count, TABLE, "row_count")?,
            paused: convert::small(row.paused_count, TABLE, "paused_count")?,
            received_at: row.received_at.map(convert::from_sql),
            finished_at: row.finished_at.map(convert::from_sql),
        })
    }
}

/// Begins an import whose rows come in.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn begin(
    conn: &mut Conn,
    tenant: TenantId,
    import: Uuid,
    by: TokenId,
    at: Timestamp,
) -> QueryResult<()> {
    diesel::insert_into(dsl::offer_imports)
        .values((
            dsl::tenant_id.eq(tenant.as_uuid()),
            dsl::import_id.eq(import),
            dsl::state.eq(ImportState::Receiving.as_str()),
            dsl::imported_by.eq(by.as_uuid()),
            dsl::created_at.eq(convert::to_sql(at)),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// Lets nobody else of the tenant accept an import until the transaction ends: ids are compared, and what was accepted earlier
/// was received earlier.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn lock_tenant(conn: &mut Conn, tenant: TenantId) -> QueryResult<()> {
    sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind::<Text, _>(format!("imports {tenant}"))
        .execute(conn)
        .await
        .map(drop)
}

/// The import of a request id, with the hash of its content.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn of_request(conn: &mut Conn, tenant: TenantId, id: &str) -> QueryResult<Option<(Uuid, Vec<u8>)>> {
    let found: Option<(Uuid, Option<Vec<u8>>)> = dsl::offer_imports
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::concurrency_request_id.eq(id))
        .select((dsl::import_id, dsl::content_hash))
        .first(conn)
        .await
        .optional()?;
    Ok(found.map(|(import, hash)| (import, hash.unwrap_or_default())))
}

/// Makes an import whose rows are all there one that waits for its turn.
///
/// # Errors
/// diesel's, when the statement fails; `NotFound` when its rows were forgotten.
pub async fn accept(
    conn: &mut Conn,
    tenant: TenantId,
    import: Uuid,
    request: &ImportRequest,
    hash: &[u8],
    rows: usize,
) -> QueryResult<()> {
    let codes: Vec<&str> = request.codes.iter().map(|code| code.as_str()).collect();
    let updated = sql_query(
        "UPDATE offer_imports SET state = 'Waiting', provider = $3, concurrency_request_id = $4, operation = $5,
            accepted_warnings = $6, content_hash = $7, row_count = $8, received_at = clock_timestamp()
        WHERE tenant_id = $1 AND import_id = $2 AND state = 'Receiving'",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(import)
    .bind::<Text, _>(&request.provider)
    .bind::<Text, _>(&request.concurrency_request_id)
    .bind::<Text, _>(request.operation.as_str())
    .bind::<Array<Text>, _>(codes)
    .bind::<Binary, _>(hash)
    .bind::<Integer, _>(i32::try_from(rows).unwrap_or(i32::MAX))
    .execute(conn)
    .await?;
    if updated == 0 { Err(diesel::result::Error::NotFound) } else { Ok(()) }
}

/// Forgets an import that was not accepted, with its rows.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn forget(conn: &mut Conn, tenant: TenantId, import: Uuid) -> QueryResult<()> {
    diesel::delete(dsl::offer_imports)
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::import_id.eq(import))
        .filter(dsl::state.eq(ImportState::Receiving.as_str()))
        .execute(conn)
        .await
        .map(drop)
}

/// One import that was accepted.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn find(conn: &mut Conn, tenant: TenantId, import: Uuid) -> QueryResult<Option<Import>> {
    let row: Option<Row> = dsl::offer_imports
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::import_id.eq(import))
        .filter(dsl::state.ne(ImportState::Receiving.as_str()))
        .select(Row::as_select())
        .first(conn)
        .await
        .optional()?;
    row.map(Import::try_from).transpose()
}

/// The same, locked until the transaction ends; `None` as well when somebody else holds it.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn lock_free(conn: &mut Conn, tenant: TenantId, import: Uuid) -> QueryResult<Option<Import>> {
    let row: Option<Row> = dsl::offer_imports
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::import_id.eq(import))
        .filter(dsl::state.ne(ImportState::Receiving.as_str()))
        .select(Row::as_select())
        .for_update()
        .skip_locked()
        .first(conn)
        .await
        .optional()?;
    row.map(Import::try_from).transpose()
}

/// Keeps an import from its end until the transaction ends; `false` when it has come to it.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn lock_open(conn: &mut Conn, import: &Import) -> QueryResult<bool> {
    let found: Option<Uuid> = dsl::offer_imports
        .filter(dsl::tenant_id.eq(import.tenant_id.as_uuid()))
        .filter(dsl::import_id.eq(import.import_id))
        .filter(dsl::finished_at.is_null())
        .select(dsl::import_id)
        .for_update()
        .first(conn)
        .await
        .optional()?;
    Ok(found.is_some())
}

/// The imports of all tenants whose turn it is: of each provider the one that was received first.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn heads(conn: &mut Conn, limit: i64) -> QueryResult<Vec<(TenantId, Uuid)>> {
    #[derive(QueryableByName)]
    struct Head {
        #[diesel(sql_type = SqlUuid)]
        tenant_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        import_id: Uuid,
    }

    // In another order each time, so that with more than `limit` of them each has its turn.
    let heads: Vec<Head> = sql_query(
        "SELECT tenant_id, import_id FROM (
            SELECT DISTINCT ON (tenant_id, provider) tenant_id, import_id FROM offer_imports
            WHERE finished_at IS NULL AND state <> 'Receiving'
            ORDER BY tenant_id, provider, received_at, import_id
        ) AS heads ORDER BY random() LIMIT $1",
    )
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    Ok(heads.into_iter().map(|head| (TenantId::from_uuid(head.tenant_id), head.import_id)).collect())
}

/// Moves an import to another state; `at` when it is its end.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn move_to(
    conn: &mut Conn,
    import: &Import,
    state: ImportState,
    at: Option<Timestamp>,
) -> QueryResult<()> {
    sql_query(
        "UPDATE offer_imports SET state = $3, finished_at = $4
        WHERE tenant_id = $1 AND import_id = $2 AND finished_at IS NULL",
    )
    .bind::<SqlUuid, _>(import.tenant_id.as_uuid())
    .bind::<SqlUuid, _>(import.import_id)
    .bind::<Text, _>(state.as_str())
    .bind::<Nullable<Timestamptz>, _>(at.map(convert::to_sql))
    .execute(conn)
    .await
    .map(drop)
}

/// Counts an absent offer that was paused.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn count_paused(conn: &mut Conn, import: &Import) -> QueryResult<()> {
    sql_query(
        "UPDATE offer_imports SET paused_count = paused_count + 1 WHERE tenant_id = $1 AND import_id = $2",
    )
    .bind::<SqlUuid, _>(import.tenant_id.as_uuid())
    .bind::<SqlUuid, _>(import.import_id)
    .execute(conn)
    .await
    .map(drop)
}

/// Forgets some imports, of all tenants, that were never whole or are done long ago; says how many.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn forget_old(conn: &mut Conn) -> QueryResult<usize> {
    sql_query(
        "DELETE FROM offer_imports WHERE (tenant_id, import_id) IN (
            SELECT tenant_id, import_id FROM offer_imports
            WHERE (state = 'Receiving' AND created_at < now() - make_interval(mins => $1))
                OR finished_at < now() - make_interval(days => $2)
            LIMIT $3 FOR UPDATE SKIP LOCKED
        )",
    )
    .bind::<Integer, _>(ABANDONED_MINUTES)
    .bind::<Integer, _>(KEPT_DAYS)
    .bind::<BigInt, _>(FORGET_MAX)
    .execute(conn)
    .await
}
