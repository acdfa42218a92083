//! The rows of imports: stored as they came, worked off once each.

use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, QueryResult, Queryable, QueryableByName,
    Selectable, SelectableHelper,
    result::{DatabaseErrorKind, Error},
    sql_query,
    sql_types::{BigInt, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{OfferId, TenantId};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Conn, convert,
    schema::offer_import_rows::{self, dsl},
    slice,
};
use crate::domain::{
    import::{Counts, Import, Outcome, RowProblem, RowResult},
    listing::{Slice, Window},
};

const TABLE: &str = "offer_import_rows";

/// A row that came in.
#[derive(Debug, Clone)]
pub struct StoredRow {
    /// From 1.
    pub row_number: i32,
    /// What the provider calls its offer.
    pub external_id: Option<String>,
    /// JSON as it came.
    pub body: String,
    /// The row, from 1, that has this external id already: then this one has failed.
    pub repeats: Option<usize>,
}

#[derive(Insertable)]
#[diesel(table_name = offer_import_rows)]
struct New<'a> {
    tenant_id: Uuid,
    import_id: Uuid,
    row_number: i32,
    external_id: Option<&'a str>,
    body: &'a str,
    outcome: Option<&'static str>,
    problems: Value,
}

/// Adds rows.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn add(conn: &mut Conn, tenant: TenantId, import: Uuid, rows: &[StoredRow]) -> QueryResult<()> {
    let mut new = Vec::with_capacity(rows.len());
    for row in rows {
        let problems: Vec<RowProblem> = row.repeats.map(RowProblem::repeated).into_iter().collect();
        new.push(New {
            tenant_id: tenant.as_uuid(),
            import_id: import,
            row_number: row.row_number,
            external_id: row.external_id.as_deref(),
            body: &row.body,
            outcome: row.repeats.map(|_first| Outcome::Failed.as_str()),
            problems: convert::to_document(&problems)?,
        });
    }
    diesel::insert_into(dsl::offer_import_rows).values(new).execute(conn).await.map(drop)
}

/// The numbers of the next rows after `after` that nobody has worked off. Nothing is locked: whoever takes one looks again.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn open(conn: &mut Conn, import: &Import, after: i32, limit: i64) -> QueryResult<Vec<i32>> {
    dsl::offer_import_rows
        .filter(dsl::tenant_id.eq(import.tenant_id.as_uuid()))
        .filter(dsl::import_id.eq(import.import_id))
        .filter(dsl::outcome.is_null())
        .filter(dsl::row_number.gt(after))
        .order(dsl::row_number)
        .limit(limit)
        .select(dsl::row_number)
        .load(conn)
        .await
}

/// Takes a row until the transaction ends; `None` when somebody else has it or it is worked off.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn claim(conn: &mut Conn, import: &Import, row: i32) -> QueryResult<Option<String>> {
    dsl::offer_import_rows
        .filter(dsl::tenant_id.eq(import.tenant_id.as_uuid()))
        .filter(dsl::import_id.eq(import.import_id))
        .filter(dsl::row_number.eq(row))
        .filter(dsl::outcome.is_null())
        .select(dsl::body)
        .for_update()
        .skip_locked()
        .first(conn)
        .await
        .optional()
}

/// Writes how a row ended, once; `false` when another row of the import is about the same offer: then the transaction can only be
/// taken back.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn settle(
    conn: &mut Conn,
    import: &Import,
    row: i32,
    outcome: Outcome,
    offer: Option<OfferId>,
    problems: &[RowProblem],
) -> QueryResult<bool> {
    let written = diesel::update(dsl::offer_import_rows)
        .filter(dsl::tenant_id.eq(import.tenant_id.as_uuid()))
        .filter(dsl::import_id.eq(import.import_id))
        .filter(dsl::row_number.eq(row))
        .filter(dsl::outcome.is_null())
        .set((
            dsl::outcome.eq(outcome.as_str()),
            dsl::offer_id.eq(offer.map(OfferId::as_uuid)),
            dsl::problems.eq(convert::to_document(&problems)?),
        ))
        .execute(conn)
        .await;
    match written {
        Ok(_) => Ok(true),
        Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// How many rows came to which end.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn counts(conn: &mut Conn, tenant: TenantId, import: Uuid) -> QueryResult<Counts> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = Text)]
        outcome: String,
        #[diesel(sql_type = BigInt)]
        rows: i64,
    }

    let found: Vec<Count> = sql_query(
        "SELECT outcome, count(*) AS rows FROM offer_import_rows
        WHERE tenant_id = $1 AND import_id = $2 AND outcome IS NOT NULL GROUP BY outcome",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(import)
    .load(conn)
    .await?;
    let of = |outcome: Outcome| {
        let count = found.iter().find(|count| count.outcome == outcome.as_str());
        count.map_or(0, |count| u32::try_from(count.rows).unwrap_or(u32::MAX))
    };
    Ok(Counts {
        created: of(Outcome::Created),
        changed: of(Outcome::Changed),
        unchanged: of(Outcome::Unchanged),
        failed: of(Outcome::Failed),
    })
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = offer_import_rows, check_for_backend(diesel::pg::Pg))]
#[expect(clippy::struct_field_names, reason = "the columns' names")]
struct Row {
    row_number: i32,
    external_id: Option<String>,
    outcome: Option<String>,
    offer_id: Option<Uuid>,
    problems: Value,
}

/// A page of an import's rows, in their order.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    import: Uuid,
    outcome: Option<Outcome>,
    window: Window,
) -> QueryResult<Slice<RowResult>> {
    let of_import = || {
        let query = dsl::offer_import_rows
            .filter(dsl::tenant_id.eq(tenant.as_uuid()))
            .filter(dsl::import_id.eq(import))
            .into_boxed::<diesel::pg::Pg>();
        if let Some(outcome) = outcome { query.filter(dsl::outcome.eq(outcome.as_str())) } else { query }
    };
    let rows: Vec<Row> = of_import()
        .select(Row::as_select())
        .order(dsl::row_number)
        .offset(window.offset)
        .limit(window.limit)
        .load(conn)
        .await?;
    let total = of_import().count().get_result(conn).await?;
    let read = |row: Row| {
        Ok(RowResult {
            row: convert::small(row.row_number, TABLE, "row_number")?,
            external_id: row.external_id,
            outcome: row.outcome.as_deref().and_then(Outcome::parse),
            offer_id: row.offer_id.map(OfferId::from_uuid),
            problems: convert::document(row.problems, TABLE, "problems")?,
        })
    };
    let items = rows.into_iter().map(read).collect::<QueryResult<_>>()?;
    Ok(slice(items, total))
}
