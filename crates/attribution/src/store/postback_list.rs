//! Lists of postbacks with their current decision, by whatever people know of them.

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ClickId, OfferId, PublisherId, ReceiptId, TenantId, Timestamp};
use uuid::Uuid;

use super::{
    decisions::searchable,
    inconsistent,
    moment::{from_sql, to_sql},
};
use crate::domain::Code;

/// Which postbacks to list; none: any.
#[derive(Debug, Clone)]
pub struct Listing {
    /// Whose.
    pub tenant: TenantId,
    /// Of this click only.
    pub click: Option<ClickId>,
    /// With this code only.
    pub code: Option<Code>,
    /// Of clicks of this offer only.
    pub offer: Option<OfferId>,
    /// Of clicks of this publisher only.
    pub publisher: Option<PublisherId>,
    /// With this Event ID only.
    pub event_id: Option<String>,
    /// With AppsFlyer's conversion or transaction id.
    pub conversion_id: Option<String>,
    /// With AppsFlyer's id of the installation.
    pub appsflyer_id: Option<String>,
    /// Of clicks of this member of a publisher.
    pub member: Option<String>,
    /// Of clicks with this publisher's click id.
    pub pub_click: Option<String>,
    /// Received from then on.
    pub from: Timestamp,
    /// Received before then.
    pub until: Timestamp,
    /// How many to skip.
    pub offset: i64,
    /// How many to take.
    pub limit: i64,
}

/// Whatever the click: by the days' partitions, each through the index that fits. These statements are planned each time,
/// with the values at hand: what is not asked for does not count.
const OF_ALL: &str = "decisions";

/// Of one click: its journey's rows lie together and know their current decision, longer than decisions are kept.
const OF_CLICK: &str =
    "(SELECT held.tenant_id, held.receipt, held.received_at, held.click_id, held.revision, held.code,
        true AS is_current, found.offer_id, found.publisher_id, found.event_id, found.country, found.platform,
        found.conversion_id, found.appsflyer_id, found.member_id, found.pub_click_id
    FROM journey_postbacks AS held
    LEFT JOIN decisions AS found ON found.tenant_id = held.tenant_id AND found.received_at = held.received_at
        AND found.receipt = held.receipt AND found.is_current
    WHERE held.tenant_id = $1 AND held.click_id = $4) AS of_click";

const WANTED: &str = "tenant_id = $1 AND is_current AND received_at >= $2 AND received_at < $3
    AND ($4::uuid IS NULL OR click_id = $4) AND ($5 IS NULL OR code = $5) AND ($6 IS NULL OR offer_id = $6)
    AND ($7 IS NULL OR publisher_id = $7) AND ($8 IS NULL OR event_id = $8) AND ($9 IS NULL OR conversion_id = $9)
    AND ($10 IS NULL OR appsflyer_id = $10) AND ($11 IS NULL OR member_id = $11)
    AND ($12 IS NULL OR pub_click_id = $12)";

/// A postback in a list.
#[derive(Debug, Clone)]
pub struct ListedStory {
    /// Its receipt.
    pub receipt: ReceiptId,
    /// When it was received.
    pub received_at: Timestamp,
    /// Its journey.
    pub click: Option<ClickId>,
    /// The revision of its current decision.
    pub revision: i32,
    /// Its current code.
    pub code: Code,
    /// Its click's offer.
    pub offer: Option<OfferId>,
    /// Its click's publisher.
    pub publisher: Option<PublisherId>,
    /// Its Event ID.
    pub event_id: Option<String>,
}

/// Its columns; they have the same names wherever decisions are listed.
#[derive(QueryableByName)]
pub(super) struct ListedRow {
    #[diesel(sql_type = SqlUuid)]
    receipt: Uuid,
    #[diesel(sql_type = Timestamptz)]
    received_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    click_id: Option<Uuid>,
    #[diesel(sql_type = Integer)]
    revision: i32,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    offer_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    publisher_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    event_id: Option<String>,
}

impl TryFrom<ListedRow> for ListedStory {
    type Error = diesel::result::Error;

    fn try_from(row: ListedRow) -> QueryResult<Self> {
        Ok(Self {
            receipt: ReceiptId::from_uuid(row.receipt),
            received_at: from_sql(row.received_at),
            click: row.click_id.map(ClickId::from_uuid),
            revision: row.revision,
            code: Code::parse(&row.code).ok_or_else(|| inconsistent("decisions", "code", row.receipt))?,
            offer: row.offer_id.map(OfferId::from_uuid),
            publisher: row.publisher_id.map(PublisherId::from_uuid),
            event_id: row.event_id,
        })
    }
}

#[derive(QueryableByName)]
struct Total {
    #[diesel(sql_type = BigInt)]
    total: i64,
}

/// The values of [`WANTED`], in their order.
macro_rules! bound {
    ($query:expr, $listing:expr) => {
        $query
            .bind::<SqlUuid, _>($listing.tenant.as_uuid())
            .bind::<Timestamptz, _>(to_sql($listing.from))
            .bind::<Timestamptz, _>(to_sql($listing.until))
            .bind::<Nullable<SqlUuid>, _>($listing.click.map(ClickId::as_uuid))
            .bind::<Nullable<Text>, _>($listing.code.map(Code::as_str))
            .bind::<Nullable<SqlUuid>, _>($listing.offer.map(OfferId::as_uuid))
            .bind::<Nullable<SqlUuid>, _>($listing.publisher.map(PublisherId::as_uuid))
            .bind::<Nullable<Text>, _>($listing.event_id.as_deref().map(searchable))
            .bind::<Nullable<Text>, _>($listing.conversion_id.as_deref().map(searchable))
            .bind::<Nullable<Text>, _>($listing.appsflyer_id.as_deref().map(searchable))
            .bind::<Nullable<Text>, _>($listing.member.as_deref().map(searchable))
            .bind::<Nullable<Text>, _>($listing.pub_click.as_deref().map(searchable))
    };
}

/// Current decisions, the latest received first, and how many there are in all.
///
/// # Errors
/// The database's.
pub async fn list(
    connection: &mut AsyncPgConnection,
    listing: &Listing,
) -> QueryResult<(Vec<ListedStory>, u64)> {
    let source = if listing.click.is_some() { OF_CLICK } else { OF_ALL };
    let count = sql_query(format!("SELECT count(*) AS total FROM {source} WHERE {WANTED}"));
    let total: Total = bound!(count, listing).get_result(connection).await?;
    let page = sql_query(format!(
        "SELECT receipt, received_at, click_id, revision, code, offer_id, publisher_id, event_id FROM {source}
        WHERE {WANTED} ORDER BY received_at DESC, receipt DESC OFFSET $13 LIMIT $14"
    ));
    let rows: Vec<ListedRow> = bound!(page, listing)
        .bind::<BigInt, _>(listing.offset)
        .bind::<BigInt, _>(listing.limit)
        .load(connection)
        .await?;
    let stories = rows.into_iter().map(ListedStory::try_from).collect::<QueryResult<_>>()?;
    Ok((stories, u64::try_from(total.total).unwrap_or_default()))
}
