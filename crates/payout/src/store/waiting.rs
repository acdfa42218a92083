//! Conversions that wait for their offer's limits: the catalog's facts and the verdicts come through different queues, so
//! either may be first.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ConversionId, OfferId, TenantId};
use postgres_kit::kept;
use uuid::Uuid;

use super::conversions::Key;

/// Up to `limit` conversions that wait for limits which are known by now, those first that came first, with their offers.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn in_vain(connection: &mut AsyncPgConnection, limit: u16) -> QueryResult<Vec<(Key, OfferId)>> {
    let select = sql_query(
        "SELECT tenant_id, conversion_id, offer_id FROM conversions JOIN offers USING (tenant_id, offer_id)
        WHERE counted = 'waiting' ORDER BY received_at LIMIT $1",
    )
    .bind::<BigInt, _>(i64::from(limit));
    let rows: Vec<Row> = kept(select).load(connection).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let key = (TenantId::from_uuid(row.tenant_id), ConversionId::from_uuid(row.conversion_id));
            (key, OfferId::from_uuid(row.offer_id))
        })
        .collect())
}

#[derive(QueryableByName)]
#[expect(clippy::struct_field_names, reason = "columns are called as they are")]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    conversion_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    offer_id: Uuid,
}
