//! Conversions that wait on review for a rate of their tenant, and which tenants' rates they have been tried with.

use std::collections::HashMap;

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ConversionId, OfferId, TenantId, Timestamp};
use postgres_kit::kept;
use uuid::Uuid;

use super::{
    column::{Moment, column, from_sql, to_sql},
    conversions::Key,
};

/// Behind which conversion a walk goes on.
pub type Place = (Timestamp, ConversionId);

/// A conversion that waits.
#[derive(Debug, Clone, Copy)]
pub struct Waiting {
    /// Which.
    pub key: Key,
    /// Of which offer.
    pub offer: OfferId,
    /// Its place in the walk.
    pub place: Place,
}

/// Tenants whose rates were heard after what waits was tried last; and once more a minute later, for a verdict that was priced
/// with the old ones at that moment.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn tenants(connection: &mut AsyncPgConnection) -> QueryResult<Vec<TenantId>> {
    let select = sql_query(
        "SELECT tenant_id FROM tenants
        WHERE priced_at IS NULL OR priced_at < rates_at
            OR priced_at < rates_at + interval '1 minute' AND now() >= rates_at + interval '1 minute'
        ORDER BY tenant_id",
    );
    let rows: Vec<TenantRow> = kept(select).load(connection).await?;
    Ok(rows.into_iter().map(|row| TenantId::from_uuid(row.tenant_id)).collect())
}

/// The next that wait and whose currency has a rate by now, the one received first first. What was reported in USD only says no currency.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn next(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    behind: Option<Place>,
    limit: u16,
) -> QueryResult<Vec<Waiting>> {
    let (received_at, conversion) =
        behind.unwrap_or((Timestamp::from_micros(0), ConversionId::from_uuid(Uuid::nil())));
    let select = sql_query(
        "SELECT conversion_id, offer_id, received_at FROM conversions
        WHERE tenant_id = $1 AND status = 'on_review' AND reason_code = 'REVIEW_NO_RATE'
            AND (received_at, conversion_id) > ($2, $3)
            AND EXISTS (
                SELECT FROM currency_rates AS rates WHERE rates.tenant_id = conversions.tenant_id
                    AND rates.from_currency = coalesce(conversions.reported_currency, 'USD'))
        ORDER BY received_at, conversion_id LIMIT $4",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Timestamptz, _>(to_sql(received_at))
    .bind::<SqlUuid, _>(conversion.as_uuid())
    .bind::<BigInt, _>(i64::from(limit));
    let rows: Vec<WaitingRow> = kept(select).load(connection).await?;
    let waiting = rows.into_iter().map(|row| {
        let conversion = ConversionId::from_uuid(row.conversion_id);
        Waiting {
            key: (tenant, conversion),
            offer: OfferId::from_uuid(row.offer_id),
            place: (from_sql(row.received_at), conversion),
        }
    });
    Ok(waiting.collect())
}

/// Writes that all of a tenant's have been tried with the rates of `begun`.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn tried(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    begun: Timestamp,
) -> QueryResult<()> {
    let update = sql_query("UPDATE tenants SET priced_at = greatest(priced_at, $2) WHERE tenant_id = $1")
        .bind::<SqlUuid, _>(tenant.as_uuid())
        .bind::<Timestamptz, _>(to_sql(begun));
    kept(update).execute(connection).await.map(drop)
}

/// The encoded verdicts of conversions.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn verdicts(
    connection: &mut AsyncPgConnection,
    keys: &[Key],
) -> QueryResult<HashMap<Key, Vec<u8>>> {
    let select = sql_query(
        "SELECT tenant_id, conversion_id, verdict FROM conversions
        JOIN unnest($1, $2) AS wanted (tenant_id, conversion_id) USING (tenant_id, conversion_id)",
    )
    .bind::<Array<SqlUuid>, _>(column(keys, |(tenant, _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(keys, |(_, conversion)| conversion.as_uuid()));
    let rows: Vec<VerdictRow> = kept(select).load(connection).await?;
    let verdicts = rows.into_iter().map(|row| {
        ((TenantId::from_uuid(row.tenant_id), ConversionId::from_uuid(row.conversion_id)), row.verdict)
    });
    Ok(verdicts.collect())
}

#[derive(QueryableByName)]
struct TenantRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
}

#[derive(QueryableByName)]
struct WaitingRow {
    #[diesel(sql_type = SqlUuid)]
    conversion_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    offer_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    received_at: Moment,
}

#[derive(QueryableByName)]
struct VerdictRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    conversion_id: Uuid,
    #[diesel(sql_type = Binary)]
    verdict: Vec<u8>,
}
