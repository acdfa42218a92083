//! Groups of postbacks that stand for the same cause, and the order to judge a group again.

use chrono::{DateTime, Utc};
use diesel::{
    OptionalExtension, QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{OfferId, TenantId, Timestamp, TokenId};
use uuid::Uuid;

use super::{
    decisions::searchable,
    inconsistent,
    moment::{from_sql, to_sql},
};
use crate::domain::Code;

/// Which groups to list.
#[derive(Debug, Clone)]
pub struct Grouping {
    /// Whose.
    pub tenant: TenantId,
    /// These causes.
    pub causes: Vec<Code>,
    /// Of this offer only.
    pub offer: Option<OfferId>,
    /// Received from then on.
    pub from: Timestamp,
    /// Received before then.
    pub until: Timestamp,
    /// Groups to skip.
    pub offset: i64,
    /// Groups to take.
    pub limit: i64,
}

/// Postbacks that stand for the same cause.
#[derive(Debug, Clone)]
pub struct Group {
    /// The cause.
    pub code: Code,
    /// The click's offer; none without a click.
    pub offer: Option<OfferId>,
    /// The Event ID as reported.
    pub event_id: Option<String>,
    /// How many.
    pub postbacks: i64,
    /// When the first of them was received.
    pub first_seen: Timestamp,
    /// When the last of them was received.
    pub last_seen: Timestamp,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    offer_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    event_id: Option<String>,
    #[diesel(sql_type = BigInt)]
    postbacks: i64,
    #[diesel(sql_type = Timestamptz)]
    first_seen: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    last_seen: DateTime<Utc>,
    #[diesel(sql_type = BigInt)]
    total: i64,
}

/// Groups, the largest first, and how many there are.
///
/// # Errors
/// The database's.
pub async fn groups(
    connection: &mut AsyncPgConnection,
    grouping: &Grouping,
) -> QueryResult<(Vec<Group>, u64)> {
    let causes: Vec<&str> = grouping.causes.iter().map(|code| code.as_str()).collect();
    let rows: Vec<Row> = sql_query(
        "SELECT code, offer_id, event_id, count(*) AS postbacks, min(received_at) AS first_seen,
            max(received_at) AS last_seen, count(*) OVER () AS total
        FROM decisions
        WHERE tenant_id = $1 AND is_current AND code = ANY($2) AND ($3 IS NULL OR offer_id = $3)
            AND received_at >= $4 AND received_at < $5
        GROUP BY code, offer_id, event_id
        ORDER BY postbacks DESC, code, offer_id, event_id OFFSET $6 LIMIT $7",
    )
    .bind::<SqlUuid, _>(grouping.tenant.as_uuid())
    .bind::<Array<Text>, _>(causes)
    .bind::<Nullable<SqlUuid>, _>(grouping.offer.map(OfferId::as_uuid))
    .bind::<Timestamptz, _>(to_sql(grouping.from))
    .bind::<Timestamptz, _>(to_sql(grouping.until))
    .bind::<BigInt, _>(grouping.offset)
    .bind::<BigInt, _>(grouping.limit)
    .load(connection)
    .await?;
    let total = rows.as_slice().first().map_or(0, |row| u64::try_from(row.total).unwrap_or_default());
    let groups = rows.into_iter().map(|row| {
        Ok(Group {
            code: Code::parse(&row.code).ok_or_else(|| inconsistent("decisions", "code", &row.code))?,
            offer: row.offer_id.map(OfferId::from_uuid),
            event_id: row.event_id,
            postbacks: row.postbacks,
            first_seen: from_sql(row.first_seen),
            last_seen: from_sql(row.last_seen),
        })
    });
    Ok((groups.collect::<QueryResult<_>>()?, total))
}

/// A group to be judged again.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Whose.
    pub tenant: TenantId,
    /// A new id.
    pub id: Uuid,
    /// The group's offer.
    pub offer: OfferId,
    /// The group's cause.
    pub code: Code,
    /// The group's Event ID.
    pub event_id: String,
    /// Who asks.
    pub by: TokenId,
}

/// Asks for it, unless the same was asked for and is not done yet; the id of the order that holds.
///
/// # Errors
/// The database's.
pub async fn ask(connection: &mut AsyncPgConnection, asked: &Asked) -> QueryResult<Uuid> {
    #[derive(QueryableByName)]
    struct Held {
        #[diesel(sql_type = SqlUuid)]
        redrive_id: Uuid,
    }
    let event_id = searchable(&asked.event_id);
    // Whoever asks for the same at the same moment waits here, and then finds it.
    sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1::text || $2::text || $3 || ' ' || $4, 0))")
        .bind::<SqlUuid, _>(asked.tenant.as_uuid())
        .bind::<SqlUuid, _>(asked.offer.as_uuid())
        .bind::<Text, _>(asked.code.as_str())
        .bind::<Text, _>(&event_id)
        .execute(connection)
        .await?;
    let held: Option<Held> = sql_query(
        "SELECT redrive_id FROM redrives
        JOIN rejudgements ON rejudgements.tenant_id = redrives.tenant_id AND rejudgements.id = redrives.rejudgement_id
        WHERE redrives.tenant_id = $1 AND redrives.offer_id = $2 AND code = $3 AND event_id = $4 LIMIT 1",
    )
    .bind::<SqlUuid, _>(asked.tenant.as_uuid())
    .bind::<SqlUuid, _>(asked.offer.as_uuid())
    .bind::<Text, _>(asked.code.as_str())
    .bind::<Text, _>(&event_id)
    .get_result(connection)
    .await
    .optional()?;
    if let Some(held) = held {
        return Ok(held.redrive_id);
    }
    sql_query(
        "WITH work AS (INSERT INTO rejudgements (tenant_id, offer_id) VALUES ($1, $3) RETURNING id)
        INSERT INTO redrives (tenant_id, redrive_id, offer_id, code, event_id, asked_by, postbacks, rejudgement_id)
        SELECT $1, $2, $3, $4, $5, $6, (SELECT count(*) FROM decisions WHERE tenant_id = $1 AND is_current
            AND code = $4 AND offer_id = $3 AND event_id = $5), id FROM work",
    )
    .bind::<SqlUuid, _>(asked.tenant.as_uuid())
    .bind::<SqlUuid, _>(asked.id)
    .bind::<SqlUuid, _>(asked.offer.as_uuid())
    .bind::<Text, _>(asked.code.as_str())
    .bind::<Text, _>(&event_id)
    .bind::<SqlUuid, _>(asked.by.as_uuid())
    .execute(connection)
    .await?;
    Ok(asked.id)
}

/// How far an order is.
#[derive(Debug, Clone, QueryableByName)]
pub struct Progress {
    /// Of which offer.
    #[diesel(sql_type = SqlUuid)]
    pub offer_id: Uuid,
    /// Of which cause.
    #[diesel(sql_type = Text)]
    pub code: String,
    /// Of which Event ID.
    #[diesel(sql_type = Text)]
    pub event_id: String,
    /// When it was asked for.
    #[diesel(sql_type = Timestamptz)]
    pub asked_at: DateTime<Utc>,
    /// Postbacks in the group then.
    #[diesel(sql_type = BigInt)]
    pub postbacks: i64,
    /// Postbacks in the group now.
    #[diesel(sql_type = BigInt)]
    pub still_there: i64,
    /// Whether every journey was judged again.
    #[diesel(sql_type = Bool)]
    pub is_done: bool,
}

/// How far an order of the tenant is.
///
/// # Errors
/// The database's.
pub async fn progress(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    redrive: Uuid,
) -> QueryResult<Option<Progress>> {
    sql_query(
        "SELECT offer_id, code, event_id, asked_at, postbacks,
            (SELECT count(*) FROM decisions AS one WHERE one.tenant_id = redrives.tenant_id AND one.is_current
                AND one.code = redrives.code AND one.offer_id = redrives.offer_id
                AND one.event_id = redrives.event_id) AS still_there,
            NOT EXISTS (SELECT FROM rejudgements AS work WHERE work.tenant_id = redrives.tenant_id
                AND work.id = redrives.rejudgement_id) AS is_done
        FROM redrives WHERE tenant_id = $1 AND redrive_id = $2",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(redrive)
    .get_result(connection)
    .await
    .optional()
}
