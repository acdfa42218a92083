//! Which offer is which of a provider's.

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{OfferId, TenantId};
use uuid::Uuid;

use super::{Conn, convert, schema::provider_offers::dsl};
use crate::domain::{import::Import, records::Revision};

/// An offer that a provider has a name for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Which.
    pub offer_id: OfferId,
    /// Its revision after an import paused it.
    pub paused_revision: Option<Revision>,
}

/// The offer that a provider calls so.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn find(
    conn: &mut Conn,
    tenant: TenantId,
    provider: &str,
    external_id: &str,
) -> QueryResult<Option<Known>> {
    let row: Option<(Uuid, Option<i64>)> = dsl::provider_offers
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::provider.eq(provider))
        .filter(dsl::external_id.eq(external_id))
        .select((dsl::offer_id, dsl::paused_revision))
        .first(conn)
        .await
        .optional()?;
    row.map(|(offer, revision)| {
        let paused_revision =
            revision.map(|revision| convert::revision(revision, "provider_offers")).transpose()?;
        Ok(Known { offer_id: OfferId::from_uuid(offer), paused_revision })
    })
    .transpose()
}

/// What a provider calls some offers.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn external_ids(
    conn: &mut Conn,
    tenant: TenantId,
    provider: &str,
    offers: &[OfferId],
) -> QueryResult<Vec<(OfferId, String)>> {
    let ids: Vec<Uuid> = offers.iter().map(|id| id.as_uuid()).collect();
    let rows: Vec<(Uuid, String)> = dsl::provider_offers
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::provider.eq(provider))
        .filter(dsl::offer_id.eq_any(ids))
        .select((dsl::offer_id, dsl::external_id))
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|(offer, external)| (OfferId::from_uuid(offer), external)).collect())
}

/// Notes what a provider calls an offer.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn insert(
    conn: &mut Conn,
    tenant: TenantId,
    provider: &str,
    external_id: &str,
    offer: OfferId,
) -> QueryResult<()> {
    diesel::insert_into(dsl::provider_offers)
        .values((
            dsl::tenant_id.eq(tenant.as_uuid()),
            dsl::provider.eq(provider),
            dsl::external_id.eq(external_id),
            dsl::offer_id.eq(offer.as_uuid()),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// Notes that an import paused an offer, or that this is over.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn set_paused(
    conn: &mut Conn,
    tenant: TenantId,
    provider: &str,
    offer: OfferId,
    revision: Option<Revision>,
) -> QueryResult<()> {
    diesel::update(dsl::provider_offers)
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::provider.eq(provider))
        .filter(dsl::offer_id.eq(offer.as_uuid()))
        .set(dsl::paused_revision.eq(revision.map(convert::revision_to_sql)))
        .execute(conn)
        .await
        .map(drop)
}

/// Some of the provider's running offers that no row of an import is about.
///
/// The rows of the import are read once, into a hash table. Were this a join, the planner would take an import that came after
/// its last statistics to have no rows, and read all of them for each known offer.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn absent(conn: &mut Conn, import: &Import, limit: i64) -> QueryResult<Vec<OfferId>> {
    #[derive(QueryableByName)]
    struct Absent {
        #[diesel(sql_type = SqlUuid)]
        offer_id: Uuid,
    }

    let rows: Vec<Absent> = sql_query(
        "SELECT offer_id FROM provider_offers AS known
        WHERE tenant_id = $1 AND provider = $2 AND (
            SELECT status FROM offers WHERE offers.tenant_id = $1 AND offers.offer_id = known.offer_id
        ) = 'Ready' AND offer_id NOT IN (
            SELECT offer_id FROM offer_import_rows
            WHERE tenant_id = $1 AND import_id = $3 AND offer_id IS NOT NULL
        )
        ORDER BY offer_id LIMIT $4",
    )
    .bind::<SqlUuid, _>(import.tenant_id.as_uuid())
    .bind::<Text, _>(&import.request.provider)
    .bind::<SqlUuid, _>(import.import_id)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| OfferId::from_uuid(row.offer_id)).collect())
}
