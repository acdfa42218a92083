//! Postbacks: raw by day, and stamped within their journey.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, Binary, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ClickId, CredentialId, ReceiptId, TenantId};
use postgres_kit::{kept, text};
use telemetry::TraceContext;
use uuid::Uuid;

use super::{
    JourneyKey, inconsistent,
    moment::{from_sql, to_sql},
};
use crate::{
    domain::{Code, KnownDecision, Settled, SettledOnce, Stamped},
    facts::Received,
};

/// A header or address longer than this is cut: it is for people.
const TEXT_BYTES_MAX: usize = 1_024;

/// Keeps raw postbacks.
///
/// # Errors
/// The database's.
pub async fn keep_raw(mut connection: &AsyncPgConnection, postbacks: &[&Received]) -> QueryResult<()> {
    if postbacks.is_empty() {
        return Ok(());
    }
    let tenants: Vec<Uuid> = postbacks.iter().map(|one| one.tenant.as_uuid()).collect();
    let times: Vec<DateTime<Utc>> = postbacks.iter().map(|one| to_sql(one.stamped.received_at)).collect();
    let receipts: Vec<Uuid> = postbacks.iter().map(|one| one.stamped.receipt.as_uuid()).collect();
    let clicks: Vec<Option<Uuid>> =
        postbacks.iter().map(|one| one.parsed.click.id().map(ClickId::as_uuid)).collect();
    let credentials: Vec<Uuid> = postbacks.iter().map(|one| one.stamped.credential.as_uuid()).collect();
    let generations: Vec<i32> = postbacks.iter().map(|one| generation(&one.stamped)).collect();
    let methods: Vec<&str> = postbacks.iter().map(|one| one.method()).collect();
    let queries: Vec<&[u8]> = postbacks.iter().map(|one| one.raw.query.as_slice()).collect();
    let types: Vec<_> =
        postbacks.iter().map(|one| text::bounded(&one.raw.content_type, TEXT_BYTES_MAX)).collect();
    let bodies: Vec<&[u8]> = postbacks.iter().map(|one| one.raw.body.as_slice()).collect();
    let callers: Vec<_> =
        postbacks.iter().map(|one| text::bounded(&one.raw.caller_ip, TEXT_BYTES_MAX)).collect();
    let outside: Vec<bool> = postbacks.iter().map(|one| one.raw.caller_outside_ranges).collect();
    let notes: Vec<String> = postbacks.iter().map(|one| one.notes()).collect();
    let insert = sql_query(
        "INSERT INTO postbacks (tenant_id, received_at, receipt, click_id, credential_id, credential_generation,
            method, query, content_type, body, caller_ip, caller_outside_ranges, notes)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        ON CONFLICT DO NOTHING",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<Timestamptz>, _>(times)
    .bind::<Array<SqlUuid>, _>(receipts)
    .bind::<Array<Nullable<SqlUuid>>, _>(clicks)
    .bind::<Array<SqlUuid>, _>(credentials)
    .bind::<Array<Integer>, _>(generations)
    .bind::<Array<Text>, _>(methods)
    .bind::<Array<Binary>, _>(queries)
    .bind::<Array<Text>, _>(types)
    .bind::<Array<Binary>, _>(bodies)
    .bind::<Array<Text>, _>(callers)
    .bind::<Array<Bool>, _>(outside)
    .bind::<Array<Text>, _>(notes);
    kept(insert).execute(&mut connection).await.map(drop)
}

/// Ingest's generations are 16 bits wide; a larger one is none of ours and matches nothing.
fn generation(stamped: &Stamped) -> i32 {
    i32::try_from(stamped.generation).unwrap_or(i32::MAX)
}

/// A postback of a journey as it was left.
#[derive(Debug, Clone)]
pub struct KnownPostback {
    /// The postback.
    pub stamped: Stamped,
    /// Its current decision.
    pub decision: KnownDecision,
    /// The trace of AppsFlyer's call.
    pub context: TraceContext,
}

/// Stored postbacks by journey; a journey without any is not there.
pub type KnownPostbacks = BTreeMap<JourneyKey, Vec<KnownPostback>>;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    click_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    receipt: Uuid,
    #[diesel(sql_type = Timestamptz)]
    received_at: DateTime<Utc>,
    #[diesel(sql_type = SqlUuid)]
    credential_id: Uuid,
    #[diesel(sql_type = Integer)]
    credential_generation: i32,
    #[diesel(sql_type = Text)]
    claims: String,
    #[diesel(sql_type = Nullable<Text>)]
    settled_fit: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    settled_calendar: Option<String>,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Integer)]
    revision: i32,
    #[diesel(sql_type = Text)]
    traceparent: String,
    #[diesel(sql_type = Text)]
    tracestate: String,
}

impl TryFrom<Row> for KnownPostback {
    type Error = diesel::result::Error;

    fn try_from(row: Row) -> QueryResult<Self> {
        let name = format!("tenant {}, click {}, receipt {}", row.tenant_id, row.click_id, row.receipt);
        let wrong = |column: &str| inconsistent("journey_postbacks", column, &name);
        let settled = Settled {
            fit: settled_from_sql(row.settled_fit.as_deref()).ok_or_else(|| wrong("settled_fit"))?,
            calendar: settled_from_sql(row.settled_calendar.as_deref())
                .ok_or_else(|| wrong("settled_calendar"))?,
        };
        Ok(Self {
            stamped: Stamped {
                receipt: ReceiptId::from_uuid(row.receipt),
                received_at: from_sql(row.received_at),
                credential: CredentialId::from_uuid(row.credential_id),
                generation: u32::try_from(row.credential_generation)
                    .map_err(|_negative| wrong("credential_generation"))?,
                claims: Arc::new(serde_json::from_str(&row.claims).map_err(|_not_claims| wrong("claims"))?),
                settled,
            },
            decision: KnownDecision {
                code: Code::parse(&row.code).ok_or_else(|| wrong("code"))?,
                revision: row.revision,
                settled,
            },
            context: TraceContext { traceparent: row.traceparent, tracestate: row.tracestate },
        })
    }
}

const PASSED: &str = "PASSED";

fn settled_to_sql(settled: SettledOnce) -> Option<&'static str> {
    match settled {
        SettledOnce::NotYet => None,
        SettledOnce::Passed => Some(PASSED),
        SettledOnce::Stopped(code) => Some(code.as_str()),
    }
}

fn settled_from_sql(text: Option<&str>) -> Option<SettledOnce> {
    match text {
        None => Some(SettledOnce::NotYet),
        Some(PASSED) => Some(SettledOnce::Passed),
        Some(code) => Code::parse(code).map(SettledOnce::Stopped),
    }
}

/// Every postback of these journeys.
///
/// # Errors
/// The database's, also for a row that this release can not read.
pub async fn load_of_journeys(
    mut connection: &AsyncPgConnection,
    keys: &BTreeSet<JourneyKey>,
) -> QueryResult<KnownPostbacks> {
    let (tenants, clicks): (Vec<Uuid>, Vec<Uuid>) =
        keys.iter().map(|(tenant, click)| (tenant.as_uuid(), click.as_uuid())).unzip();
    let select = sql_query(
        "SELECT tenant_id, click_id, receipt, received_at, credential_id, credential_generation,
            claims::text AS claims, settled_fit, settled_calendar, code, revision, traceparent, tracestate
        FROM journey_postbacks
        JOIN unnest($1, $2) AS wanted (tenant_id, click_id) USING (tenant_id, click_id)",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(clicks);
    let rows: Vec<Row> = kept(select).load(&mut connection).await?;
    let mut found = KnownPostbacks::new();
    for row in rows {
        let key = (TenantId::from_uuid(row.tenant_id), ClickId::from_uuid(row.click_id));
        found.entry(key).or_default().push(row.try_into()?);
    }
    Ok(found)
}

/// A postback of a journey to be written.
#[derive(Debug)]
pub struct PostbackRow<'a> {
    /// Its journey.
    pub key: JourneyKey,
    /// The postback; what was settled is taken from `settled`.
    pub stamped: &'a Stamped,
    /// What was settled.
    pub settled: Settled,
    /// Its current code.
    pub code: Code,
    /// Its current revision.
    pub revision: i32,
    /// The trace of AppsFlyer's call.
    pub context: &'a TraceContext,
}

/// Writes postbacks with their current decision: new ones whole, known ones their decision.
///
/// # Errors
/// The database's.
pub async fn save_of_journeys(
    mut connection: &AsyncPgConnection,
    rows: &[PostbackRow<'_>],
) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut claims = Vec::with_capacity(rows.len());
    for row in rows {
        let text = serde_json::to_string(&*row.stamped.claims);
        claims.push(text.map_err(|error| diesel::result::Error::SerializationError(error.into()))?);
    }
    let tenants: Vec<Uuid> = rows.iter().map(|row| row.key.0.as_uuid()).collect();
    let clicks: Vec<Uuid> = rows.iter().map(|row| row.key.1.as_uuid()).collect();
    let receipts: Vec<Uuid> = rows.iter().map(|row| row.stamped.receipt.as_uuid()).collect();
    let times: Vec<DateTime<Utc>> = rows.iter().map(|row| to_sql(row.stamped.received_at)).collect();
    let credentials: Vec<Uuid> = rows.iter().map(|row| row.stamped.credential.as_uuid()).collect();
    let generations: Vec<i32> = rows.iter().map(|row| generation(row.stamped)).collect();
    let fits: Vec<Option<&str>> = rows.iter().map(|row| settled_to_sql(row.settled.fit)).collect();
    let calendars: Vec<Option<&str>> = rows.iter().map(|row| settled_to_sql(row.settled.calendar)).collect();
    let codes: Vec<&str> = rows.iter().map(|row| row.code.as_str()).collect();
    let revisions: Vec<i32> = rows.iter().map(|row| row.revision).collect();
    let parents: Vec<_> =
        rows.iter().map(|row| text::bounded(&row.context.traceparent, TEXT_BYTES_MAX)).collect();
    let states: Vec<_> =
        rows.iter().map(|row| text::bounded(&row.context.tracestate, TEXT_BYTES_MAX)).collect();
    let upsert = sql_query(
        "INSERT INTO journey_postbacks (tenant_id, click_id, receipt, received_at, credential_id,
            credential_generation, claims, settled_fit, settled_calendar, code, revision, traceparent, tracestate)
        SELECT tenant_id, click_id, receipt, received_at, credential_id, credential_generation, claims::jsonb,
            settled_fit, settled_calendar, code, revision, traceparent, tracestate
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
            AS new (tenant_id, click_id, receipt, received_at, credential_id, credential_generation, claims,
                settled_fit, settled_calendar, code, revision, traceparent, tracestate)
        ON CONFLICT (tenant_id, click_id, receipt) DO UPDATE SET settled_fit = excluded.settled_fit,
            settled_calendar = excluded.settled_calendar, code = excluded.code, revision = excluded.revision",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(clicks)
    .bind::<Array<SqlUuid>, _>(receipts)
    .bind::<Array<Timestamptz>, _>(times)
    .bind::<Array<SqlUuid>, _>(credentials)
    .bind::<Array<Integer>, _>(generations)
    .bind::<Array<Text>, _>(claims)
    .bind::<Array<Nullable<Text>>, _>(fits)
    .bind::<Array<Nullable<Text>>, _>(calendars)
    .bind::<Array<Text>, _>(codes)
    .bind::<Array<Integer>, _>(revisions)
    .bind::<Array<Text>, _>(parents)
    .bind::<Array<Text>, _>(states);
    kept(upsert).execute(&mut connection).await.map(drop)
}
