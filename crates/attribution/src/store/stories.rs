//! What the API reads: postbacks with their decisions, and whole journeys. Every query is scoped by the tenant.

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ClickId, ReceiptId, TenantId, Timestamp};
use uuid::Uuid;

use super::{
    inconsistent,
    moment::{from_sql, to_sql},
    named,
};
use crate::domain::{Code, Conversion, Trace};

/// A receipt is made when its postback is received, so its own time tells the partition, but for clocks that differ.
const RECEIPT_SLACK_SECONDS: i64 = 2 * 86_400;

/// One revision of a decision.
#[derive(Debug, Clone)]
pub struct DecisionStory {
    /// Its postback.
    pub receipt: ReceiptId,
    /// When that was received.
    pub received_at: Timestamp,
    /// Its journey.
    pub click: Option<ClickId>,
    /// Its revision.
    pub revision: i32,
    /// Its code.
    pub code: Code,
    /// The rules that led there.
    pub trace: Trace,
    /// When it was decided.
    pub decided_at: Timestamp,
}

#[derive(QueryableByName)]
struct DecisionRow {
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
    #[diesel(sql_type = Text)]
    trace: String,
    #[diesel(sql_type = Timestamptz)]
    decided_at: DateTime<Utc>,
}

impl TryFrom<DecisionRow> for DecisionStory {
    type Error = diesel::result::Error;

    fn try_from(row: DecisionRow) -> QueryResult<Self> {
        let wrong = |column: &str| inconsistent("decisions", column, row.receipt);
        Ok(Self {
            receipt: ReceiptId::from_uuid(row.receipt),
            received_at: from_sql(row.received_at),
            click: row.click_id.map(ClickId::from_uuid),
            revision: row.revision,
            code: Code::parse(&row.code).ok_or_else(|| wrong("code"))?,
            trace: serde_json::from_str(&row.trace).map_err(|_no_trace| wrong("trace"))?,
            decided_at: from_sql(row.decided_at),
        })
    }
}

/// Every revision of a postback's decision, the current one first; empty when there is no such postback.
///
/// # Errors
/// The database's.
pub async fn decisions_of(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    receipt: ReceiptId,
) -> QueryResult<Vec<DecisionStory>> {
    let Some((from, to)) = around(receipt) else { return Ok(Vec::new()) };
    let rows: Vec<DecisionRow> = sql_query(
        "SELECT receipt, received_at, click_id, revision, code, trace::text AS trace, decided_at FROM decisions
        WHERE tenant_id = $1 AND receipt = $2 AND received_at BETWEEN $3 AND $4
        ORDER BY revision DESC",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(receipt.as_uuid())
    .bind::<Timestamptz, _>(from)
    .bind::<Timestamptz, _>(to)
    .load(connection)
    .await?;
    rows.into_iter().map(DecisionStory::try_from).collect()
}

/// The time around a receipt's own. None for an id that carries no time: no receipt is like that.
fn around(receipt: ReceiptId) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let (seconds, _) = receipt.as_uuid().get_timestamp()?.to_unix();
    let own = Timestamp::from_micros(0).saturating_add_seconds(i64::try_from(seconds).ok()?);
    let slack = RECEIPT_SLACK_SECONDS;
    let from = own.saturating_add_seconds(slack.saturating_neg());
    Some((to_sql(from), to_sql(own.saturating_add_seconds(slack))))
}

/// A raw postback.
#[derive(Debug, Clone, QueryableByName)]
pub struct RawStory {
    /// `GET` or `POST`.
    #[diesel(sql_type = Text)]
    pub method: String,
    /// The query without credentials.
    #[diesel(sql_type = Binary)]
    pub query: Vec<u8>,
    /// What the body says it is.
    #[diesel(sql_type = Text)]
    pub content_type: String,
    /// The body without credentials.
    #[diesel(sql_type = Binary)]
    pub body: Vec<u8>,
    /// What was odd, as codes.
    #[diesel(sql_type = Text)]
    pub notes: String,
    /// The caller was outside AppsFlyer's published ranges.
    #[diesel(sql_type = Bool)]
    pub caller_outside_ranges: bool,
}

/// The raw postback of a receipt, while it is kept.
///
/// # Errors
/// The database's.
pub async fn raw_of(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    receipt: ReceiptId,
) -> QueryResult<Option<RawStory>> {
    let Some((from, to)) = around(receipt) else { return Ok(None) };
    let rows: Vec<RawStory> = sql_query(
        "SELECT method, query, content_type, body, notes, caller_outside_ranges FROM postbacks
        WHERE tenant_id = $1 AND receipt = $2 AND received_at BETWEEN $3 AND $4",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(receipt.as_uuid())
    .bind::<Timestamptz, _>(from)
    .bind::<Timestamptz, _>(to)
    .load(connection)
    .await?;
    Ok(rows.into_iter().next())
}

/// A journey as the API shows it.
#[derive(Debug, Clone)]
pub struct JourneyStory {
    /// The click's fact, once it has arrived.
    pub click: Option<Vec<u8>>,
    /// When time alone changes something next.
    pub wait_until: Option<Timestamp>,
    /// The versions under whose terms it was replayed for real, the latest last.
    pub replayed: Vec<i32>,
    /// Its postbacks in the order of receipt.
    pub postbacks: Vec<PostbackStory>,
    /// Its conversions with the revision of their last verdict.
    pub conversions: Vec<(i64, Conversion)>,
}

/// A postback within a journey.
#[derive(Debug, Clone)]
pub struct PostbackStory {
    /// Its receipt.
    pub receipt: ReceiptId,
    /// When it was received.
    pub received_at: Timestamp,
    /// Its current code.
    pub code: Code,
    /// How often it was decided.
    pub revision: i32,
    /// The event id it claims, when it claims one.
    pub event_id: Option<String>,
}

/// A whole journey; `None` when nobody has heard of the click.
///
/// # Errors
/// The database's.
pub async fn journey(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    click: ClickId,
) -> QueryResult<Option<JourneyStory>> {
    #[derive(QueryableByName)]
    struct Journey {
        #[diesel(sql_type = Nullable<Binary>)]
        click: Option<Vec<u8>>,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        wait_until: Option<DateTime<Utc>>,
        #[diesel(sql_type = Nullable<Array<Integer>>)]
        replayed: Option<Vec<i32>>,
    }
    let journeys: Vec<Journey> =
        sql_query("SELECT click, wait_until, replayed FROM journeys WHERE tenant_id = $1 AND click_id = $2")
            .bind::<SqlUuid, _>(tenant.as_uuid())
            .bind::<SqlUuid, _>(click.as_uuid())
            .load(connection)
            .await?;
    let Some(journey) = journeys.into_iter().next() else { return Ok(None) };
    Ok(Some(JourneyStory {
        click: journey.click,
        wait_until: journey.wait_until.map(from_sql),
        replayed: journey.replayed.unwrap_or_default(),
        postbacks: postbacks_of(connection, tenant, click).await?,
        conversions: conversions_of(connection, tenant, click).await?,
    }))
}

async fn postbacks_of(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    click: ClickId,
) -> QueryResult<Vec<PostbackStory>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        receipt: Uuid,
        #[diesel(sql_type = Timestamptz)]
        received_at: DateTime<Utc>,
        #[diesel(sql_type = Text)]
        code: String,
        #[diesel(sql_type = Integer)]
        revision: i32,
        #[diesel(sql_type = Nullable<Text>)]
        event_id: Option<String>,
    }
    let rows: Vec<Row> = sql_query(
        "SELECT receipt, received_at, code, revision,
            coalesce(claims -> 'event_ids' ->> 0, claims ->> 'event_name') AS event_id
        FROM journey_postbacks WHERE tenant_id = $1 AND click_id = $2 ORDER BY received_at, receipt",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(click.as_uuid())
    .load(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(PostbackStory {
                receipt: ReceiptId::from_uuid(row.receipt),
                received_at: from_sql(row.received_at),
                code: Code::parse(&row.code)
                    .ok_or_else(|| inconsistent("journey_postbacks", "code", row.receipt))?,
                revision: row.revision,
                event_id: row.event_id,
            })
        })
        .collect()
}

async fn conversions_of(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    click: ClickId,
) -> QueryResult<Vec<(i64, Conversion)>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        revision: i64,
        #[diesel(sql_type = Text)]
        verdict: String,
    }
    let rows: Vec<Row> = sql_query(
        "SELECT revision, verdict::text AS verdict FROM conversions
        WHERE tenant_id = $1 AND click_id = $2 ORDER BY conversion_id",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(click.as_uuid())
    .load(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let verdict = serde_json::from_str(&row.verdict);
            Ok((
                row.revision,
                verdict
                    .map_err(|_no_verdict| inconsistent("conversions", "verdict", named((tenant, click))))?,
            ))
        })
        .collect()
}
