//! Conversions that could not be told because their publisher's fact had not arrived: remembered until it does.
//!
//! Verdicts and the catalog come through different queues, so either may be first. A lock by publisher makes one of the two
//! transactions see the other: the catalog's takes it alone, and the verdicts' beside each other.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ConversionId, TenantId};
use postgres_kit::kept;
use uuid::Uuid;

use super::{column::column, conversions, deliveries::PublisherKey};

/// Waits until no transaction introduces any of `publishers`; none will until this one ends.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn lock_out_news(
    mut connection: &AsyncPgConnection,
    publishers: &[PublisherKey],
) -> QueryResult<()> {
    let lock = sql_query(
        "SELECT pg_advisory_xact_lock_shared(hashtextextended(tenant_id::text || publisher_id::text, 0))
        FROM unnest($1, $2) AS wanted (tenant_id, publisher_id)",
    )
    .bind::<Array<SqlUuid>, _>(column(publishers, |(tenant, _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(publishers, |(_, publisher)| publisher.as_uuid()));
    kept(lock).execute(&mut connection).await.map(drop)
}

/// Waits until no transaction writes down conversions of `publishers`; none will until this one ends.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn lock_for_news(
    connection: &mut AsyncPgConnection,
    publishers: &[PublisherKey],
) -> QueryResult<()> {
    let lock = sql_query(
        "SELECT pg_advisory_xact_lock(hashtextextended(tenant_id::text || publisher_id::text, 0))
        FROM unnest($1, $2) AS wanted (tenant_id, publisher_id)",
    )
    .bind::<Array<SqlUuid>, _>(column(publishers, |(tenant, _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(publishers, |(_, publisher)| publisher.as_uuid()));
    kept(lock).execute(connection).await.map(drop)
}

/// Writes conversions down, each under its publisher; one that is there already stays.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn add(
    mut connection: &AsyncPgConnection,
    rows: &[(PublisherKey, ConversionId)],
) -> QueryResult<()> {
    let insert = sql_query(
        "INSERT INTO untold (tenant_id, publisher_id, conversion_id)
        SELECT * FROM unnest($1, $2, $3)
        ON CONFLICT DO NOTHING",
    )
    .bind::<Array<SqlUuid>, _>(column(rows, |((tenant, _), _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(rows, |((_, publisher), _)| publisher.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(rows, |(_, conversion)| conversion.as_uuid()));
    kept(insert).execute(&mut connection).await.map(drop)
}

/// Removes what was written down under these publishers, and returns it.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn take(
    connection: &mut AsyncPgConnection,
    publishers: &[PublisherKey],
) -> QueryResult<Vec<conversions::Key>> {
    let delete = sql_query(
        "DELETE FROM untold USING unnest($1, $2) AS here (tenant_id, publisher_id)
        WHERE untold.tenant_id = here.tenant_id AND untold.publisher_id = here.publisher_id
        RETURNING untold.tenant_id, conversion_id",
    )
    .bind::<Array<SqlUuid>, _>(column(publishers, |(tenant, _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(publishers, |(_, publisher)| publisher.as_uuid()));
    let rows: Vec<Taken> = kept(delete).load(connection).await?;
    Ok(rows
        .into_iter()
        .map(|row| (TenantId::from_uuid(row.tenant_id), ConversionId::from_uuid(row.conversion_id)))
        .collect())
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    conversion_id: Uuid,
}
