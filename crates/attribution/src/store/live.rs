//! Decisions in the order in which they were made, for whoever looks on.
//!
//! `decided_at` is the start of the transaction that judged, and transactions commit one after another in any order. So
//! rows are read only up to a **horizon** before which no transaction is still open: what is read once is complete, and one
//! position says where somebody stands.

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Integer, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{TenantId, Timestamp};
use postgres_kit::kept;
use uuid::Uuid;

use super::{
    moment::{from_sql, to_sql},
    postback_list::{ListedRow, ListedStory},
};

/// Where somebody stands in the order of decisions: everything up to it, itself too, was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// When it was decided.
    pub at: Timestamp,
    /// The postback.
    pub receipt: Uuid,
    /// The decision's revision.
    pub revision: i32,
}

impl Position {
    /// Before everything that was decided at that moment.
    #[must_use]
    pub const fn before(at: Timestamp) -> Self {
        Self { at, receipt: Uuid::nil(), revision: 0 }
    }
}

/// A decision with its place in the order.
#[derive(Debug, Clone)]
pub struct LiveStory {
    /// Whose.
    pub tenant: TenantId,
    /// Its place.
    pub position: Position,
    /// The postback as lists have it, with this decision.
    pub story: ListedStory,
}

/// The moment before which every decision is there to be read: the start of the oldest transaction of this service that is
/// still open, and always a second ago, for a transaction that has taken its time and is not shown yet. Never more than
/// `held_seconds_max` ago: a transaction that is older has been given up by the database's own time-outs long since.
///
/// # Errors
/// The database's.
pub async fn horizon(connection: &mut AsyncPgConnection, held_seconds_max: i32) -> QueryResult<Timestamp> {
    #[derive(QueryableByName)]
    struct Horizon {
        #[diesel(sql_type = Timestamptz)]
        horizon: DateTime<Utc>,
    }
    // Of its own role a session sees every transaction, of others none: only this role judges.
    let ask = sql_query(
        "SELECT greatest(
            least(clock_timestamp() - interval '1 second', min(xact_start)),
            clock_timestamp() - make_interval(secs => $1)
        ) AS horizon
        FROM pg_stat_activity
        WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()",
    )
    .bind::<Integer, _>(held_seconds_max);
    let found: Horizon = kept(ask).get_result(connection).await?;
    Ok(from_sql(found.horizon))
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    decided_at: DateTime<Utc>,
    #[diesel(embed)]
    listed: ListedRow,
}

impl TryFrom<Row> for LiveStory {
    type Error = diesel::result::Error;

    fn try_from(row: Row) -> QueryResult<Self> {
        let story = ListedStory::try_from(row.listed)?;
        let (receipt, revision) = (story.receipt.as_uuid(), story.revision);
        Ok(Self {
            tenant: TenantId::from_uuid(row.tenant_id),
            position: Position { at: from_sql(row.decided_at), receipt, revision },
            story,
        })
    }
}

/// At most `limit` decisions after a position and up to another, in their order, of postbacks received within
/// `received_days`: only these days' partitions are looked at.
///
/// Planned each time, with the values at hand: which partitions and which pages of them count is in the values.
///
/// # Errors
/// The database's.
pub async fn decided(
    connection: &mut AsyncPgConnection,
    tenants: &[TenantId],
    after: Position,
    until: Position,
    received_days: i64,
    limit: i64,
) -> QueryResult<Vec<LiveStory>> {
    let received_from = until.at.saturating_add_seconds(received_days.saturating_mul(-86_400));
    let tenants: Vec<Uuid> = tenants.iter().map(|tenant| tenant.as_uuid()).collect();
    let rows: Vec<Row> = sql_query(
        "SELECT tenant_id, decided_at, receipt, received_at, click_id, revision, code, offer_id, publisher_id, event_id
        FROM decisions
        WHERE tenant_id = ANY($1) AND decided_at BETWEEN $2 AND $5 AND received_at >= $8
            AND (decided_at, receipt, revision) > ($2, $3, $4) AND (decided_at, receipt, revision) <= ($5, $6, $7)
        ORDER BY decided_at, receipt, revision LIMIT $9",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Timestamptz, _>(to_sql(after.at))
    .bind::<SqlUuid, _>(after.receipt)
    .bind::<Integer, _>(after.revision)
    .bind::<Timestamptz, _>(to_sql(until.at))
    .bind::<SqlUuid, _>(until.receipt)
    .bind::<Integer, _>(until.revision)
    .bind::<Timestamptz, _>(to_sql(received_from))
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await?;
    rows.into_iter().map(LiveStory::try_from).collect()
}
