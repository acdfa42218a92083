//! Lists of offers. First the ids of a page, which an index has in their order, then those rows: an offer's documents are long,
//! and a page far behind would read all that it skips.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, PgTextExpressionMethods, QueryDsl,
    QueryResult,
    dsl::{exists, not, sql},
    pg::Pg,
    sql_types::BigInt,
};
use diesel_async::RunQueryDsl;
use kernel::{AdvertiserId, OfferId, TenantId, Timestamp};
use uuid::Uuid;

use super::{
    Conn, containing, convert,
    offers::of_ids,
    schema::{
        offer_budgets::dsl as budgets,
        offer_counts::dsl as counts,
        offer_shares::dsl as shares,
        offers::{self, dsl},
        partner_offers::dsl as lines,
    },
    slice,
};
use crate::domain::{
    listing::{OfferFilter, Slice, Sort, SortKey, Window},
    records::Offer,
    status::{DisplayStatus, OfferStatus},
};

/// A question for offers that grows by conditions.
type Query = offers::BoxedQuery<'static, Pg>;

/// A tenant's counts become one row for each kind again when there are more than these.
const COUNTS_MAX: i64 = 500;

/// A page of a tenant's offers.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    filter: &OfferFilter,
    sort: Sort,
    window: Window,
    now: Timestamp,
) -> QueryResult<Slice<Offer>> {
    let query = matching(tenant, filter, now);
    // Of those that are alike: whichever way an index is read, it has them.
    let query = match (sort.key, sort.is_descending) {
        (SortKey::CreatedAt, true) => query.order((dsl::created_at.desc(), dsl::offer_id.asc())),
        (SortKey::CreatedAt, false) => query.order((dsl::created_at.asc(), dsl::offer_id.desc())),
        (SortKey::UpdatedAt, true) => query.order((dsl::updated_at.desc(), dsl::offer_id.asc())),
        (SortKey::UpdatedAt, false) => query.order((dsl::updated_at.asc(), dsl::offer_id.desc())),
        (SortKey::Name, true) => query.order((dsl::name.desc(), dsl::offer_id.desc())),
        (SortKey::Name, false) => query.order((dsl::name.asc(), dsl::offer_id.asc())),
    };
    let ids: Vec<Uuid> =
        query.select(dsl::offer_id).offset(window.offset).limit(window.limit).load(conn).await?;
    let total = total(conn, tenant, filter, now).await?;
    let ids: Vec<OfferId> = ids.into_iter().map(OfferId::from_uuid).collect();
    let found = of_ids(conn, tenant, &ids).await?;
    let mut by_id: HashMap<OfferId, Offer> = found.into_iter().map(|offer| (offer.offer_id, offer)).collect();
    Ok(slice(ids.iter().filter_map(|id| by_id.remove(id)).collect(), total))
}

async fn total(conn: &mut Conn, tenant: TenantId, filter: &OfferFilter, now: Timestamp) -> QueryResult<i64> {
    if !filter.is_counted() {
        return matching(tenant, filter, now).count().get_result(conn).await;
    }
    let mut query = counts::offer_counts
        .filter(counts::tenant_id.eq(tenant.as_uuid()))
        .select(sql::<BigInt>("coalesce(sum(offers), 0)::bigint"))
        .into_boxed::<Pg>();
    if let Some(status) = filter.status {
        query = query.filter(counts::status.eq(status.as_str()));
    }
    if let Some(offer_type) = filter.offer_type {
        query = query.filter(counts::offer_type.eq(offer_type.as_str()));
    }
    if let Some(system) = &filter.tracking_system {
        query = query.filter(counts::tracking_system.eq(system.clone()));
    }
    query.get_result(conn).await
}

fn matching(tenant: TenantId, filter: &OfferFilter, now: Timestamp) -> Query {
    let mut query = dsl::offers.filter(dsl::tenant_id.eq(tenant.as_uuid())).into_boxed::<Pg>();
    if let Some(status) = filter.status {
        query = query.filter(dsl::status.eq(status.as_str()));
    }
    if let Some(advertiser) = filter.advertiser {
        query = query.filter(dsl::advertiser_id.eq(AdvertiserId::as_uuid(advertiser)));
    }
    if let Some(offer_type) = filter.offer_type {
        query = query.filter(dsl::offer_type.eq(offer_type.as_str()));
    }
    if let Some(system) = &filter.tracking_system {
        query = query.filter(dsl::tracking_system.eq(system.clone()));
    }
    if let Some(name) = &filter.name_contains {
        query = query.filter(dsl::name.ilike(containing(name)));
    }
    if let Some(publisher) = filter.publisher {
        let shared = shares::offer_shares
            .filter(shares::tenant_id.eq(tenant.as_uuid()))
            .filter(shares::publisher_id.eq(publisher.as_uuid()))
            .select(shares::offer_id);
        query = query.filter(dsl::offer_id.eq_any(shared));
    }
    if let Some(display) = filter.display {
        query = shown_as(query, display, convert::to_sql(now));
    }
    query
}

/// Says in SQL what [`OfferState::display`](crate::domain::status::OfferState::display) says of an offer.
fn shown_as(query: Query, display: DisplayStatus, now: DateTime<Utc>) -> Query {
    let is_over = || dsl::end_at.is_not_null().and(dsl::end_at.assume_not_null().le(now));
    // Every shared offer has a line in its publisher's feed.
    let is_shared = || {
        exists(
            lines::partner_offers
                .filter(lines::tenant_id.eq(dsl::tenant_id))
                .filter(lines::offer_id.eq(dsl::offer_id)),
        )
    };
    let is_ahead = || {
        exists(
            lines::partner_offers
                .filter(lines::tenant_id.eq(dsl::tenant_id))
                .filter(lines::offer_id.eq(dsl::offer_id))
                .filter(lines::launch_at.gt(now)),
        )
    };
    let is_spent = || {
        exists(
            budgets::offer_budgets
                .filter(budgets::tenant_id.eq(dsl::tenant_id))
                .filter(budgets::offer_id.eq(dsl::offer_id))
                .filter(budgets::is_spent)
                .filter(budgets::resumes_at.is_null().or(budgets::resumes_at.assume_not_null().gt(now))),
        )
    };
    let stored = match display {
        DisplayStatus::Draft => OfferStatus::Draft,
        DisplayStatus::Paused => OfferStatus::Paused,
        DisplayStatus::Ended => OfferStatus::Ended,
        DisplayStatus::Ready
        | DisplayStatus::Scheduled
        | DisplayStatus::Live
        | DisplayStatus::BudgetSpent
        | DisplayStatus::Expired => OfferStatus::Ready,
    };
    let query = query.filter(dsl::status.eq(stored.as_str()));
    match display {
        DisplayStatus::Draft | DisplayStatus::Paused | DisplayStatus::Ended => query,
        DisplayStatus::Expired => query.filter(is_over()),
        DisplayStatus::Ready => query.filter(not(is_over())).filter(not(is_shared())),
        DisplayStatus::Scheduled => query.filter(not(is_over())).filter(is_ahead()),
        DisplayStatus::Live | DisplayStatus::BudgetSpent => {
            let started = query.filter(not(is_over())).filter(is_shared()).filter(not(is_ahead()));
            if display == DisplayStatus::Live {
                started.filter(not(is_spent()))
            } else {
                started.filter(is_spent())
            }
        }
    }
}

/// Writes the counts of tenants that have many rows of them as one for each kind.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn gather_counts(conn: &mut Conn) -> QueryResult<usize> {
    // A row that another replica gathers is left to it.
    diesel::sql_query(
        "WITH many AS (
            SELECT tenant_id FROM offer_counts GROUP BY tenant_id HAVING count(*) > $1
        ), taken AS (
            SELECT count_id FROM offer_counts WHERE tenant_id IN (SELECT tenant_id FROM many)
            FOR UPDATE SKIP LOCKED
        ), gone AS (
            DELETE FROM offer_counts WHERE count_id IN (SELECT count_id FROM taken)
            RETURNING tenant_id, status, offer_type, tracking_system, offers
        )
        INSERT INTO offer_counts (tenant_id, status, offer_type, tracking_system, offers)
        SELECT tenant_id, status, offer_type, tracking_system, sum(offers)
        FROM gone GROUP BY tenant_id, status, offer_type, tracking_system HAVING sum(offers) <> 0",
    )
    .bind::<BigInt, _>(COUNTS_MAX)
    .execute(conn)
    .await
}
