//! What people decided.

use diesel::{
    OptionalExtension as _, QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{OfferId, TokenId};
use postgres_kit::{kept, text::without_nul};
use uuid::Uuid;

use super::{column::revision_to_sql, conversions::Key};
use crate::domain::standing::Decision;

/// The offer of a conversion that somebody sees; `None` when there is no such conversion.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn offer_of(connection: &mut AsyncPgConnection, key: Key) -> QueryResult<Option<OfferId>> {
    let select = sql_query(
        "SELECT offer_id FROM conversions
        WHERE tenant_id = $1 AND conversion_id = $2 AND status <> 'unreached'",
    )
    .bind::<SqlUuid, _>(key.0.as_uuid())
    .bind::<SqlUuid, _>(key.1.as_uuid());
    let row: Option<Row> = kept(select).get_result(connection).await.optional()?;
    Ok(row.map(|row| OfferId::from_uuid(row.offer_id)))
}

/// Writes down who decided what, and why.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn add(
    connection: &mut AsyncPgConnection,
    key: Key,
    revision: u64,
    decision: Decision,
    (token, reason): (TokenId, &str),
) -> QueryResult<()> {
    let insert = sql_query(
        "INSERT INTO conversion_decisions (tenant_id, conversion_id, status_revision, decision, token_id, reason)
        VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind::<SqlUuid, _>(key.0.as_uuid())
    .bind::<SqlUuid, _>(key.1.as_uuid())
    .bind::<BigInt, _>(revision_to_sql(revision))
    .bind::<Text, _>(match decision {
        Decision::Approve => "approve",
        Decision::Reject => "reject",
        Decision::Restore => "restore",
        Decision::ClearReview => "clear_review",
    })
    .bind::<SqlUuid, _>(token.as_uuid())
    .bind::<Text, _>(without_nul(reason));
    kept(insert).execute(connection).await.map(drop)
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    offer_id: Uuid,
}
