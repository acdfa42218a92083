//! Journeys that have to be judged again because the catalog changed. An offer may have a hundred thousand of them, so
//! the change only notes that they have to be, and workers go through them in bounded steps.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Nullable, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{OfferId, TenantId};
use postgres_kit::kept;
use uuid::Uuid;

use super::catalog::Changed;

/// Journeys still to be judged again.
#[derive(Debug, Clone, Copy)]
pub struct Rejudgement {
    /// Whose.
    pub tenant: TenantId,
    /// Names it.
    pub id: i64,
    /// Of which offer; none: offer by offer, of all.
    pub offer: Option<OfferId>,
    /// The last click id done; where all offers are gone through, the last offer noted.
    pub after: Option<Uuid>,
}

/// Notes that the open journeys of what changed have to be judged again.
///
/// # Errors
/// The database's.
pub async fn note(connection: &mut AsyncPgConnection, changed: &Changed) -> QueryResult<usize> {
    let by_offer = changed.offers.iter().map(|(tenant, offer)| (tenant.as_uuid(), Some(offer.as_uuid())));
    let by_tenant = changed.tenants.iter().map(|tenant| (tenant.as_uuid(), None));
    let (tenants, offers): (Vec<Uuid>, Vec<Option<Uuid>>) = by_offer.chain(by_tenant).unzip();
    if tenants.is_empty() {
        return Ok(0);
    }
    // Most changes concern nobody: an offer that has just been made has no journeys.
    let insert = sql_query(
        "INSERT INTO rejudgements (tenant_id, offer_id)
        SELECT tenant_id, offer_id FROM unnest($1, $2) AS new (tenant_id, offer_id)
        WHERE EXISTS (SELECT FROM journeys WHERE journeys.tenant_id = new.tenant_id AND journeys.open
            AND (new.offer_id IS NULL OR journeys.offer_id = new.offer_id))",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<Nullable<SqlUuid>>, _>(offers);
    kept(insert).execute(connection).await
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    offer_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    after: Option<Uuid>,
}

/// Takes the oldest that nobody else works on.
///
/// # Errors
/// The database's.
pub async fn take(connection: &mut AsyncPgConnection) -> QueryResult<Option<Rejudgement>> {
    let select = sql_query(
        "SELECT tenant_id, id, offer_id, after FROM rejudgements ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED",
    );
    let rows: Vec<Row> = kept(select).load(connection).await?;
    Ok(rows.into_iter().next().map(|row| Rejudgement {
        tenant: TenantId::from_uuid(row.tenant_id),
        id: row.id,
        offer: row.offer_id.map(OfferId::from_uuid),
        after: row.after,
    }))
}

/// Notes how far a step went: the last click id or offer done; `None`: to the end.
///
/// # Errors
/// The database's.
pub async fn advance(
    connection: &mut AsyncPgConnection,
    of: &Rejudgement,
    last: Option<Uuid>,
) -> QueryResult<()> {
    let (tenant, id) = (of.tenant.as_uuid(), of.id);
    if let Some(last) = last {
        let update = sql_query("UPDATE rejudgements SET after = $3 WHERE tenant_id = $1 AND id = $2")
            .bind::<SqlUuid, _>(tenant)
            .bind::<BigInt, _>(id)
            .bind::<SqlUuid, _>(last);
        return kept(update).execute(connection).await.map(drop);
    }
    let delete = sql_query("DELETE FROM rejudgements WHERE tenant_id = $1 AND id = $2")
        .bind::<SqlUuid, _>(tenant)
        .bind::<BigInt, _>(id);
    kept(delete).execute(connection).await.map(drop)
}
