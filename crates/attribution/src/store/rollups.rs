//! Counts of current decisions. Transactions that judge add deltas (see `decisions`); these fold them in, read both, and
//! count anew from the decisions themselves.

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{OfferId, PublisherId, TenantId, Timestamp};
use postgres_kit::kept;
use uuid::Uuid;

use super::{
    decisions::{rollup_place, searchable},
    moment::to_sql,
};
use crate::domain::Code;

/// One folds or rebuilds at a time; whoever judges does not take it.
const FOLD_LOCK: i64 = 0x0067_6b61_7474_7201;

/// Folds at most `limit` of the oldest deltas in; how many. None while somebody else folds.
///
/// # Errors
/// The database's.
pub async fn fold(connection: &mut AsyncPgConnection, limit: i64) -> QueryResult<usize> {
    #[derive(QueryableByName)]
    struct Own {
        #[diesel(sql_type = Bool)]
        own: bool,
    }
    #[derive(QueryableByName)]
    struct Folded {
        #[diesel(sql_type = BigInt)]
        folded: i64,
    }
    let lock = sql_query("SELECT pg_try_advisory_xact_lock($1) AS own").bind::<BigInt, _>(FOLD_LOCK);
    if !kept(lock).get_result::<Own>(connection).await?.own {
        return Ok(0);
    }
    let fold = sql_query(
        "WITH taken AS (
            DELETE FROM rollup_deltas USING (SELECT tenant_id, id FROM rollup_deltas ORDER BY id LIMIT $1) AS oldest
            WHERE rollup_deltas.tenant_id = oldest.tenant_id AND rollup_deltas.id = oldest.id
            RETURNING rollup_deltas.*
        ), added AS (
            INSERT INTO rollups (tenant_id, hour, code, offer_id, publisher_id, event_id, country, platform, postbacks)
            SELECT tenant_id, hour, code, offer_id, publisher_id, event_id, country, platform, sum(postbacks)::bigint
            FROM taken GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
            ON CONFLICT (tenant_id, hour, code, offer_id, publisher_id, event_id, country, platform)
                DO UPDATE SET postbacks = rollups.postbacks + excluded.postbacks
        )
        SELECT count(*) AS folded FROM taken",
    )
    .bind::<BigInt, _>(limit);
    let folded: Folded = kept(fold).get_result(connection).await?;
    Ok(usize::try_from(folded.folded).unwrap_or_default())
}

/// The first and the last hour of which decisions are kept; none without any.
///
/// # Errors
/// The database's.
pub async fn kept_hours(
    connection: &mut AsyncPgConnection,
) -> QueryResult<Option<(DateTime<Utc>, DateTime<Utc>)>> {
    #[derive(QueryableByName)]
    struct Span {
        #[diesel(sql_type = Nullable<Timestamptz>)]
        first: Option<DateTime<Utc>>,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        last: Option<DateTime<Utc>>,
    }
    let span: Span = sql_query(
        "SELECT date_trunc('hour', min(received_at), 'UTC') AS first,
            date_trunc('hour', max(received_at), 'UTC') AS last FROM decisions",
    )
    .get_result(connection)
    .await?;
    Ok(span.first.zip(span.last))
}

/// Counts the hours of `[from, until)` anew, in a transaction in which nobody judges; how many rows they have.
///
/// # Errors
/// The database's.
pub async fn rebuild(
    connection: &mut AsyncPgConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> QueryResult<usize> {
    let lock = sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(FOLD_LOCK);
    lock.execute(connection).await?;
    for table in ["rollup_deltas", "rollups"] {
        sql_query(format!("DELETE FROM {table} WHERE hour >= $1 AND hour < $2"))
            .bind::<Timestamptz, _>(from)
            .bind::<Timestamptz, _>(until)
            .execute(connection)
            .await?;
    }
    sql_query(concat!(
        "INSERT INTO rollups (tenant_id, hour, code, offer_id, publisher_id, event_id, country, platform, postbacks)
        SELECT ",
        rollup_place!(),
        ", count(*) FROM decisions WHERE is_current AND received_at >= $1 AND received_at < $2
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8"
    ))
    .bind::<Timestamptz, _>(from)
    .bind::<Timestamptz, _>(until)
    .execute(connection)
    .await
}

/// What rollups are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// The decision's code.
    Code,
    /// The click's offer.
    Offer,
    /// The click's publisher.
    Publisher,
    /// The Event ID.
    Event,
    /// The country.
    Country,
    /// The platform.
    Platform,
    /// The hour of receipt.
    Hour,
}

impl Dimension {
    /// Every one, as the API names it.
    pub const ALL: [(&'static str, Self); 7] = [
        ("code", Self::Code),
        ("offer", Self::Offer),
        ("publisher", Self::Publisher),
        ("event", Self::Event),
        ("country", Self::Country),
        ("platform", Self::Platform),
        ("hour", Self::Hour),
    ];

    /// How a row's value is written; every one a text.
    const fn column(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Offer => "offer_id::text",
            Self::Publisher => "publisher_id::text",
            Self::Event => "event_id",
            Self::Country => "country",
            Self::Platform => "platform",
            Self::Hour => r#"to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"#,
        }
    }
}

/// Which counts are read.
#[derive(Debug, Clone)]
pub struct Counting {
    /// Whose.
    pub tenant: TenantId,
    /// Hours from then on.
    pub from: Timestamp,
    /// Hours before then.
    pub until: Timestamp,
    /// With this code only.
    pub code: Option<Code>,
    /// Of this offer only.
    pub offer: Option<OfferId>,
    /// Of this publisher only.
    pub publisher: Option<PublisherId>,
    /// Of this Event ID only.
    pub event_id: Option<String>,
    /// Grouped by these.
    pub by: Vec<Dimension>,
    /// Groups to skip.
    pub offset: i64,
    /// Groups to take.
    pub limit: i64,
}

/// A group.
#[derive(Debug, Clone)]
pub struct Counted {
    /// Its values, in the order of the dimensions asked for; empty: not known.
    pub values: Vec<String>,
    /// Postbacks in it.
    pub postbacks: i64,
}

/// Groups with what is not folded yet, the largest first, and how many there are.
///
/// # Errors
/// The database's.
pub async fn count(
    connection: &mut AsyncPgConnection,
    counting: &Counting,
) -> QueryResult<(Vec<Counted>, u64)> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Array<Text>)]
        place: Vec<String>,
        #[diesel(sql_type = BigInt)]
        postbacks: i64,
        #[diesel(sql_type = BigInt)]
        total: i64,
    }
    let columns: Vec<&str> = counting.by.iter().map(|dimension| dimension.column()).collect();
    // One statement, one snapshot: a delta that is folded meanwhile is seen once.
    let half = |table: &str| {
        format!(
            "SELECT hour, code, offer_id, publisher_id, event_id, country, platform, postbacks FROM {table}
            WHERE tenant_id = $1 AND hour >= $2 AND hour < $3 AND ($4 IS NULL OR code = $4)
                AND ($5 IS NULL OR offer_id = $5) AND ($6 IS NULL OR publisher_id = $6)
                AND ($7 IS NULL OR event_id = $7)"
        )
    };
    let groups = format!(
        "SELECT ARRAY[{}]::text[] AS place, sum(postbacks)::bigint AS postbacks FROM ({} UNION ALL {}) AS both_halves
        GROUP BY 1 HAVING sum(postbacks) <> 0",
        columns.join(", "),
        half("rollups"),
        half("rollup_deltas"),
    );
    let rows: Vec<Row> = sql_query(format!(
        "SELECT place, postbacks, count(*) OVER () AS total FROM ({groups}) AS groups
        ORDER BY postbacks DESC, place OFFSET $8 LIMIT $9"
    ))
    .bind::<SqlUuid, _>(counting.tenant.as_uuid())
    .bind::<Timestamptz, _>(to_sql(counting.from))
    .bind::<Timestamptz, _>(to_sql(counting.until))
    .bind::<Nullable<Text>, _>(counting.code.map(Code::as_str))
    .bind::<Nullable<SqlUuid>, _>(counting.offer.map(OfferId::as_uuid))
    .bind::<Nullable<SqlUuid>, _>(counting.publisher.map(PublisherId::as_uuid))
    .bind::<Nullable<Text>, _>(counting.event_id.as_deref().map(searchable))
    .bind::<BigInt, _>(counting.offset)
    .bind::<BigInt, _>(counting.limit)
    .load(connection)
    .await?;
    let total = rows.as_slice().first().map_or(0, |row| u64::try_from(row.total).unwrap_or_default());
    let counted = |row: Row| Counted {
        values: row
            .place
            .into_iter()
            .map(|value| if value == Uuid::nil().to_string() { String::new() } else { value })
            .collect(),
        postbacks: row.postbacks,
    };
    Ok((rows.into_iter().map(counted).collect(), total))
}
