//! Alarms, those that stand and those that are over.

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{OfferId, TenantId, Timestamp};
use postgres_kit::kept;
use uuid::Uuid;

use super::hours::SubjectRow;
use crate::{
    domain::alarms::{AlarmKind, Cleared, Finding, OpenAlarm, Share, Subject},
    store::{
        inconsistent,
        moment::{from_sql, to_sql},
    },
};

/// An alarm as it is stored.
#[derive(Debug, Clone)]
pub struct StoredAlarm {
    /// What of.
    pub subject: Subject,
    /// Its id, when it was raised, and why.
    pub alarm: OpenAlarm,
    /// When it was over.
    pub cleared_at: Option<Timestamp>,
    /// Why, as it is named.
    pub cleared_because: Option<String>,
}

#[derive(QueryableByName)]
struct AlarmRow {
    #[diesel(embed)]
    subject: SubjectRow,
    #[diesel(sql_type = SqlUuid)]
    alarm_id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Timestamptz)]
    raised_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    cleared_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    cleared_because: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    since: DateTime<Utc>,
    #[diesel(sql_type = BigInt)]
    postbacks: i64,
    #[diesel(sql_type = BigInt)]
    matching: i64,
    #[diesel(sql_type = BigInt)]
    usual_postbacks: i64,
    #[diesel(sql_type = BigInt)]
    usual_matching: i64,
}

const COLUMNS: &str =
    "tenant_id, offer_id, event_id, alarm_id, kind, raised_at, cleared_at, cleared_because, since,
    postbacks, matching, usual_postbacks, usual_matching";

impl TryFrom<AlarmRow> for StoredAlarm {
    type Error = diesel::result::Error;

    fn try_from(row: AlarmRow) -> QueryResult<Self> {
        let kind = AlarmKind::parse(&row.kind).ok_or_else(|| inconsistent("alarms", "kind", row.alarm_id))?;
        let finding = Finding {
            kind,
            since: from_sql(row.since),
            window: Share { postbacks: row.postbacks, matching: row.matching },
            usual: Share { postbacks: row.usual_postbacks, matching: row.usual_matching },
        };
        Ok(Self {
            subject: row.subject.into(),
            alarm: OpenAlarm { id: row.alarm_id, raised_at: from_sql(row.raised_at), finding },
            cleared_at: row.cleared_at.map(from_sql),
            cleared_because: row.cleared_because,
        })
    }
}

/// Every alarm that stands, of everybody.
///
/// # Errors
/// The database's.
pub async fn open(connection: &mut AsyncPgConnection) -> QueryResult<Vec<StoredAlarm>> {
    let read = sql_query(format!("SELECT {COLUMNS} FROM alarms WHERE cleared_at IS NULL"));
    let rows: Vec<AlarmRow> = kept(read).load(connection).await?;
    rows.into_iter().map(StoredAlarm::try_from).collect()
}

/// How many stand of each kind that has any.
///
/// # Errors
/// The database's.
pub async fn count_open(connection: &mut AsyncPgConnection) -> QueryResult<Vec<(AlarmKind, i64)>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        kind: String,
        #[diesel(sql_type = BigInt)]
        alarms: i64,
    }
    let read =
        sql_query("SELECT kind, count(*) AS alarms FROM alarms WHERE cleared_at IS NULL GROUP BY kind");
    let rows: Vec<Row> = kept(read).load(connection).await?;
    Ok(rows.into_iter().filter_map(|row| Some((AlarmKind::parse(&row.kind)?, row.alarms))).collect())
}

/// Writes alarms; the ids of those that did not stand yet.
///
/// # Errors
/// The database's.
pub async fn raise(connection: &mut AsyncPgConnection, alarms: &[StoredAlarm]) -> QueryResult<Vec<Uuid>> {
    let findings = |of: fn(&Finding) -> i64| -> Vec<i64> {
        alarms.iter().map(|stored| of(&stored.alarm.finding)).collect()
    };
    let tenants: Vec<Uuid> = alarms.iter().map(|stored| stored.subject.tenant.as_uuid()).collect();
    let offers: Vec<Uuid> = alarms.iter().map(|stored| offer_column(&stored.subject)).collect();
    let events: Vec<&str> = alarms.iter().map(|stored| stored.subject.event_id.as_str()).collect();
    let ids: Vec<Uuid> = alarms.iter().map(|stored| stored.alarm.id).collect();
    let kinds: Vec<&str> = alarms.iter().map(|stored| stored.alarm.finding.kind.as_str()).collect();
    let raised: Vec<DateTime<Utc>> = alarms.iter().map(|stored| to_sql(stored.alarm.raised_at)).collect();
    let since: Vec<DateTime<Utc>> = alarms.iter().map(|stored| to_sql(stored.alarm.finding.since)).collect();
    let insert = sql_query(
        "INSERT INTO alarms (tenant_id, offer_id, event_id, alarm_id, kind, raised_at, since, postbacks, matching,
            usual_postbacks, usual_matching)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (tenant_id, offer_id, event_id, kind) WHERE cleared_at IS NULL DO NOTHING
        RETURNING alarm_id",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(offers)
    .bind::<Array<Text>, _>(events)
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Text>, _>(kinds)
    .bind::<Array<Timestamptz>, _>(raised)
    .bind::<Array<Timestamptz>, _>(since)
    .bind::<Array<BigInt>, _>(findings(|one| one.window.postbacks))
    .bind::<Array<BigInt>, _>(findings(|one| one.window.matching))
    .bind::<Array<BigInt>, _>(findings(|one| one.usual.postbacks))
    .bind::<Array<BigInt>, _>(findings(|one| one.usual.matching));
    kept(insert).load(connection).await.map(alarm_ids)
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    alarm_id: Uuid,
}

fn alarm_ids(rows: Vec<IdRow>) -> Vec<Uuid> {
    rows.into_iter().map(|row| row.alarm_id).collect()
}

/// Ends alarms; the ids of those that stood.
///
/// # Errors
/// The database's.
pub async fn clear(
    connection: &mut AsyncPgConnection,
    now: Timestamp,
    alarms: &[(&StoredAlarm, Cleared)],
) -> QueryResult<Vec<Uuid>> {
    let tenants: Vec<Uuid> = alarms.iter().map(|(stored, _)| stored.subject.tenant.as_uuid()).collect();
    let ids: Vec<Uuid> = alarms.iter().map(|(stored, _)| stored.alarm.id).collect();
    let because: Vec<&str> = alarms.iter().map(|(_, because)| because.as_str()).collect();
    let update = sql_query(
        "UPDATE alarms SET cleared_at = $1, cleared_because = over.because
        FROM unnest($2, $3, $4) AS over (tenant, id, because)
        WHERE alarms.tenant_id = over.tenant AND alarms.alarm_id = over.id AND alarms.cleared_at IS NULL
        RETURNING alarms.alarm_id",
    )
    .bind::<Timestamptz, _>(to_sql(now))
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Text>, _>(because);
    kept(update).load(connection).await.map(alarm_ids)
}

fn offer_column(subject: &Subject) -> Uuid {
    subject.offer.map_or(Uuid::nil(), OfferId::as_uuid)
}

/// Which alarms are listed.
#[derive(Debug, Clone)]
pub struct Listing {
    /// Whose.
    pub tenant: TenantId,
    /// Those that stand, those that are over, or all.
    pub stands: Option<bool>,
    /// Of this offer only.
    pub offer: Option<OfferId>,
    /// How many to skip.
    pub offset: i64,
    /// How many to take.
    pub limit: i64,
}

/// A tenant's alarms, the latest raised first, and how many there are in all.
///
/// # Errors
/// The database's.
pub async fn list(
    connection: &mut AsyncPgConnection,
    listing: &Listing,
) -> QueryResult<(Vec<StoredAlarm>, u64)> {
    const WANTED: &str =
        "tenant_id = $1 AND ($2 IS NULL OR (cleared_at IS NULL) = $2) AND ($3 IS NULL OR offer_id = $3)";
    #[derive(QueryableByName)]
    struct Total {
        #[diesel(sql_type = BigInt)]
        total: i64,
    }
    let count = sql_query(format!("SELECT count(*) AS total FROM alarms WHERE {WANTED}"))
        .bind::<SqlUuid, _>(listing.tenant.as_uuid())
        .bind::<Nullable<Bool>, _>(listing.stands)
        .bind::<Nullable<SqlUuid>, _>(listing.offer.map(OfferId::as_uuid));
    let total: Total = count.get_result(connection).await?;
    let rows: Vec<AlarmRow> = sql_query(format!(
        "SELECT {COLUMNS} FROM alarms WHERE {WANTED} ORDER BY raised_at DESC, alarm_id DESC OFFSET $4 LIMIT $5"
    ))
    .bind::<SqlUuid, _>(listing.tenant.as_uuid())
    .bind::<Nullable<Bool>, _>(listing.stands)
    .bind::<Nullable<SqlUuid>, _>(listing.offer.map(OfferId::as_uuid))
    .bind::<BigInt, _>(listing.offset)
    .bind::<BigInt, _>(listing.limit)
    .load(connection)
    .await?;
    let alarms = rows.into_iter().map(StoredAlarm::try_from).collect::<QueryResult<_>>()?;
    Ok((alarms, u64::try_from(total.total).unwrap_or_default()))
}
