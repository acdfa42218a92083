//! The partner feed. Triggers keep its tables (see their migration); here they are only read.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, QueryableByName,
    pg::Pg,
    sql_query,
    sql_types::{Nullable, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{OfferId, PublisherId, TenantId, Timestamp};
use uuid::Uuid;

use super::{
    Conn, convert, offers,
    schema::partner_offers::{self, dsl},
};
use crate::domain::{
    partner_feed::{FeedLine, FeedRequest, FeedStart, FeedVersion, PartnerOffer},
    records::Offer,
};

/// A feed at a moment.
#[derive(Debug, Clone, Copy)]
pub struct FeedState {
    /// How far it has come.
    pub version: FeedVersion,
    /// The moment.
    pub now: Timestamp,
}

#[derive(QueryableByName)]
struct State {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    changed_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    date_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

/// How far a publisher's feed has come: four looks at the end of an index, whatever its length.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn state(conn: &mut Conn, tenant: TenantId, publisher: PublisherId) -> QueryResult<FeedState> {
    let state: State = sql_query(
        "SELECT
            (SELECT changed_at FROM partner_feeds WHERE tenant_id = $1 AND publisher_id = $2) AS changed_at,
            greatest(
                (SELECT max(launch_at) FROM partner_offers
                WHERE tenant_id = $1 AND publisher_id = $2 AND launch_at <= now()),
                (SELECT max(end_at) FROM partner_offers
                WHERE tenant_id = $1 AND publisher_id = $2 AND end_at <= now()),
                (SELECT max(resumes_at) FROM partner_offers
                WHERE tenant_id = $1 AND publisher_id = $2 AND resumes_at <= now())
            ) AS date_at,
            now() AS now",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(publisher.as_uuid())
    .get_result(conn)
    .await?;
    let empty = FeedVersion::EMPTY;
    let version = FeedVersion {
        changed_at: state.changed_at.map_or(empty.changed_at, convert::from_sql),
        date_at: state.date_at.map_or(empty.date_at, convert::from_sql),
    };
    Ok(FeedState { version, now: convert::from_sql(state.now) })
}

/// A page of a feed, in the order of sharing: its lines, then its offers.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn page(
    conn: &mut Conn,
    tenant: TenantId,
    request: &FeedRequest,
    now: Timestamp,
) -> QueryResult<Vec<PartnerOffer>> {
    let query = matching(tenant, request, now);
    let query = match request.start {
        FeedStart::Skip(offers) => query.offset(offers),
        FeedStart::After(place) => {
            let at = convert::to_sql(place.shared_at);
            // The first condition is where the index begins to be read.
            query
                .filter(dsl::shared_at.ge(at))
                .filter(dsl::shared_at.gt(at).or(dsl::offer_id.gt(place.offer_id.as_uuid())))
        }
    };
    let lines: Vec<(Uuid, LineRow)> = query
        .select((dsl::offer_id, LINE))
        .order((dsl::shared_at, dsl::offer_id))
        .limit(request.limit)
        .load(conn)
        .await?;
    let ids: Vec<OfferId> = lines.iter().map(|(id, _line)| OfferId::from_uuid(*id)).collect();
    let found = offers::of_ids(conn, tenant, &ids).await?;
    let mut by_id: HashMap<Uuid, Offer> =
        found.into_iter().map(|offer| (offer.offer_id.as_uuid(), offer)).collect();
    let seen = |(id, row): (Uuid, LineRow)| PartnerOffer::of(by_id.remove(&id)?, line(row), now);
    Ok(lines.into_iter().filter_map(seen).collect())
}

/// How many offers the pages of a request have.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn count(
    conn: &mut Conn,
    tenant: TenantId,
    request: &FeedRequest,
    now: Timestamp,
) -> QueryResult<i64> {
    matching(tenant, request, now).count().get_result(conn).await
}

/// One offer of a publisher.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn find(
    conn: &mut Conn,
    tenant: TenantId,
    publisher: PublisherId,
    id: OfferId,
    now: Timestamp,
) -> QueryResult<Option<PartnerOffer>> {
    let row: Option<LineRow> = dsl::partner_offers
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::publisher_id.eq(publisher.as_uuid()))
        .filter(dsl::offer_id.eq(id.as_uuid()))
        .select(LINE)
        .first(conn)
        .await
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    let offer = offers::find(conn, tenant, id).await?;
    Ok(offer.and_then(|offer| PartnerOffer::of(offer, line(row), now)))
}

/// `changed_at` and `resumes_at` of a line.
type LineRow = (DateTime<Utc>, Option<DateTime<Utc>>);
const LINE: (dsl::changed_at, dsl::resumes_at) = (dsl::changed_at, dsl::resumes_at);

fn line((changed_at, resumes_at): LineRow) -> FeedLine {
    FeedLine { changed_at: convert::from_sql(changed_at), resumes_at: resumes_at.map(convert::from_sql) }
}

fn matching(
    tenant: TenantId,
    request: &FeedRequest,
    now: Timestamp,
) -> partner_offers::BoxedQuery<'static, Pg> {
    let mut query = dsl::partner_offers
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::publisher_id.eq(request.publisher.as_uuid()))
        .into_boxed::<Pg>();
    if let Some(offer_type) = request.offer_type {
        query = query.filter(dsl::offer_type.eq(offer_type.as_str()));
    }
    if let Some(since) = request.since {
        let (date_at, now) = (convert::to_sql(since.date_at), convert::to_sql(now));
        let launched = dsl::launch_at.gt(date_at).and(dsl::launch_at.le(now));
        let ended = dsl::end_at.gt(date_at).and(dsl::end_at.le(now));
        let resumed = dsl::resumes_at.gt(date_at).and(dsl::resumes_at.le(now));
        let changed = dsl::changed_at.gt(convert::to_sql(since.changed_at));
        query = query.filter(changed.or(launched).or(ended).or(resumed));
    }
    query
}
