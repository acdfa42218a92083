//! The lineage of an offer: what it was cloned from, up to the first, and every clone of that.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{Currency, Micros, OfferId, TenantId};
use uuid::Uuid;

use super::Conn;

/// `$1` the tenant, `$2` one of the offers. `UNION` and not `UNION ALL`: each offer once.
const LINEAGE: &str = "WITH RECURSIVE up AS (
        SELECT offer_id, cloned_from FROM offers WHERE tenant_id = $1 AND offer_id = $2
        UNION
        SELECT above.offer_id, above.cloned_from
        FROM offers AS above JOIN up ON above.tenant_id = $1 AND above.offer_id = up.cloned_from
    ), lineage AS (
        SELECT offer_id FROM up WHERE cloned_from IS NULL
        UNION
        SELECT clone.offer_id FROM offers AS clone JOIN lineage
            ON clone.tenant_id = $1 AND clone.cloned_from = lineage.offer_id
    )";

/// The ids of an offer's lineage, itself among them, the oldest `limit` of them.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn ids(conn: &mut Conn, tenant: TenantId, offer: OfferId, limit: i64) -> QueryResult<Vec<OfferId>> {
    #[derive(QueryableByName)]
    #[expect(clippy::struct_field_names, reason = "the column's name")]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        offer_id: Uuid,
    }

    // Ids begin with the time.
    let rows: Vec<Row> =
        sql_query(format!("{LINEAGE} SELECT offer_id FROM lineage ORDER BY offer_id LIMIT $3"))
            .bind::<SqlUuid, _>(tenant.as_uuid())
            .bind::<SqlUuid, _>(offer.as_uuid())
            .bind::<BigInt, _>(limit)
            .load(conn)
            .await?;
    Ok(rows.into_iter().map(|row| OfferId::from_uuid(row.offer_id)).collect())
}

/// The total budgets of the other created offers of the lineage in a currency.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn relatives_budget(
    conn: &mut Conn,
    tenant: TenantId,
    offer: OfferId,
    currency: Currency,
) -> QueryResult<Micros> {
    #[derive(QueryableByName)]
    struct Sum {
        #[diesel(sql_type = BigInt)]
        micros: i64,
    }

    let sum: Sum = sql_query(format!(
        "{LINEAGE} SELECT
            least(coalesce(sum((fields ->> 'totalBudget')::numeric), 0), 9223372036854775807)::bigint AS micros
        FROM offers JOIN lineage USING (offer_id)
        WHERE tenant_id = $1 AND offer_id <> $2 AND newest_version > 0 AND fields ->> 'currency' = $3"
    ))
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(offer.as_uuid())
    .bind::<Text, _>(currency.code())
    .get_result(conn)
    .await?;
    Ok(Micros(sum.micros))
}
