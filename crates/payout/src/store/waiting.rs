//! Conversions that wait for their offer's limits: the catalog's facts and the verdicts come through different queues, so
//! either may be first.
//!
//! A look walks from offer to offer, one step in the index for each, and reads rows only of those that are known by now:
//! what it costs does not depend on how much waits.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ConversionId, OfferId, TenantId};
use postgres_kit::kept;
use uuid::Uuid;

use super::{column::column, conversions::Key};

/// Offers of one look. Rarely is more than one unknown, for moments; when the catalog's facts are missing as a whole, looks
/// take turns over all of them.
const OFFERS_OF_A_LOOK: i64 = 500;

/// Names an offer.
type OfferKey = (TenantId, OfferId);

/// What a look found.
#[derive(Debug)]
pub struct Found {
    /// Conversions that wait in vain, with their offers; of each offer those first that were received first.
    pub conversions: Vec<(Key, OfferId)>,
    /// Whether one of these offers has more than its share of this look.
    pub has_more: bool,
    /// After which offer the next look begins; none: at the first.
    pub after: Option<OfferKey>,
}

/// Up to `limit` conversions that wait for limits which are known by now, shared equally among their offers. The walk begins
/// behind the offer `after`.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn in_vain(
    connection: &mut AsyncPgConnection,
    after: Option<OfferKey>,
    limit: u16,
) -> QueryResult<Found> {
    let offers = walk(connection, after).await?;
    let walked_all = i64::try_from(offers.len()).unwrap_or(i64::MAX) < OFFERS_OF_A_LOOK;
    let end = offers.last().map(|(offer, _)| *offer).filter(|_| !walked_all);
    let mut known: Vec<OfferKey> =
        offers.into_iter().filter_map(|(offer, is_known)| is_known.then_some(offer)).collect();
    let is_cut = known.len() > usize::from(limit);
    known.truncate(usize::from(limit));
    let after = if is_cut { known.last().copied() } else { end };
    let Some(share) = usize::from(limit).checked_div(known.len()) else {
        return Ok(Found { conversions: Vec::new(), has_more: false, after });
    };
    let conversions = of_offers(connection, &known, share).await?;
    let is_full = |offer: &OfferKey| {
        conversions.iter().filter(|((tenant, _), of)| (*tenant, *of) == *offer).count() >= share
    };
    let has_more = is_cut || known.iter().any(is_full);
    Ok(Found { conversions, has_more, after })
}

/// The next offers that something waits for, and whether they are known.
async fn walk(
    connection: &mut AsyncPgConnection,
    after: Option<OfferKey>,
) -> QueryResult<Vec<(OfferKey, bool)>> {
    let (tenant, offer) =
        after.map_or((Uuid::nil(), Uuid::nil()), |(tenant, offer)| (tenant.as_uuid(), offer.as_uuid()));
    let select = sql_query(
        "WITH RECURSIVE walk AS (
            (SELECT tenant_id, offer_id, 1 AS step FROM conversions
                WHERE counted = 'waiting' AND (tenant_id, offer_id) > ($1, $2)
                ORDER BY tenant_id, offer_id LIMIT 1)
            UNION ALL
            SELECT next.tenant_id, next.offer_id, walk.step + 1 FROM walk CROSS JOIN LATERAL (
                SELECT tenant_id, offer_id FROM conversions
                WHERE counted = 'waiting' AND (tenant_id, offer_id) > (walk.tenant_id, walk.offer_id)
                ORDER BY tenant_id, offer_id LIMIT 1) AS next
            WHERE walk.step < $3
        )
        SELECT tenant_id, offer_id, EXISTS (
            SELECT FROM offers WHERE offers.tenant_id = walk.tenant_id AND offers.offer_id = walk.offer_id) AS is_known
        FROM walk ORDER BY step",
    )
    .bind::<SqlUuid, _>(tenant)
    .bind::<SqlUuid, _>(offer)
    .bind::<BigInt, _>(OFFERS_OF_A_LOOK);
    let rows: Vec<Walked> = kept(select).load(connection).await?;
    Ok(rows
        .into_iter()
        .map(|row| ((TenantId::from_uuid(row.tenant_id), OfferId::from_uuid(row.offer_id)), row.is_known))
        .collect())
}

/// Up to `share` conversions of each of `offers` that wait, those first that were received first.
async fn of_offers(
    connection: &mut AsyncPgConnection,
    offers: &[OfferKey],
    share: usize,
) -> QueryResult<Vec<(Key, OfferId)>> {
    let select = sql_query(
        "SELECT known.tenant_id, waiting.conversion_id, known.offer_id
        FROM unnest($1, $2) AS known (tenant_id, offer_id) CROSS JOIN LATERAL (
            SELECT conversion_id FROM conversions
            WHERE counted = 'waiting' AND conversions.tenant_id = known.tenant_id
                AND conversions.offer_id = known.offer_id
            ORDER BY conversions.tenant_id, conversions.offer_id, received_at, conversion_id LIMIT $3) AS waiting",
    )
    .bind::<Array<SqlUuid>, _>(column(offers, |(tenant, _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(offers, |(_, offer)| offer.as_uuid()))
    .bind::<BigInt, _>(i64::try_from(share).unwrap_or(i64::MAX));
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
struct Walked {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    offer_id: Uuid,
    #[diesel(sql_type = Bool)]
    is_known: bool,
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
