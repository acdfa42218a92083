//! What payout says of conversions, as the rules need it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ClickId, ConversionId, FactId, OfferEventId, TenantId, TokenId};
use postgres_kit::{kept, text};
use uuid::Uuid;

use super::{
    JourneyKey, inconsistent,
    moment::{from_sql, to_sql},
    named,
};
use crate::{
    domain::{PersonAct, PersonDecision, parse_occurrence},
    facts::{DecidedByPerson, EndOfDelivery, StatusOfConversion},
};

/// A reason is for people: longer ones are cut.
const TEXT_BYTES_MAX: usize = 1_024;

/// Writes people's decisions; the journeys for which one was new.
///
/// # Errors
/// The database's.
pub async fn save_decisions(
    connection: &mut AsyncPgConnection,
    rows: &[DecidedByPerson],
) -> QueryResult<BTreeSet<JourneyKey>> {
    #[derive(QueryableByName)]
    struct New {
        #[diesel(sql_type = SqlUuid)]
        tenant_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        click_id: Uuid,
    }
    let tenants: Vec<Uuid> = rows.iter().map(|row| row.tenant.as_uuid()).collect();
    let clicks: Vec<Uuid> = rows.iter().map(|row| row.click.as_uuid()).collect();
    let ids: Vec<Uuid> = rows.iter().map(|row| row.decision.id.as_uuid()).collect();
    let events: Vec<Uuid> = rows.iter().map(|row| row.decision.event.as_uuid()).collect();
    // Not bounded: an occurrence that would not fit as it is is none of ours, and is refused with its item.
    let occurrences: Vec<String> = rows.iter().map(|row| row.decision.occurrence.key()).collect();
    let times: Vec<DateTime<Utc>> = rows.iter().map(|row| to_sql(row.decision.decided_at)).collect();
    let acts: Vec<&str> = rows.iter().map(|row| row.decision.act.as_str()).collect();
    let tokens: Vec<Option<Uuid>> = rows.iter().map(|row| row.token.map(TokenId::as_uuid)).collect();
    let reasons: Vec<_> = rows.iter().map(|row| text::bounded(&row.reason, TEXT_BYTES_MAX)).collect();
    let insert = sql_query(
        "INSERT INTO people_decisions (tenant_id, click_id, fact_id, offer_event_id, occurrence, decided_at, act,
            token_id, reason)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT DO NOTHING
        RETURNING tenant_id, click_id",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(clicks)
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<SqlUuid>, _>(events)
    .bind::<Array<Text>, _>(occurrences)
    .bind::<Array<Timestamptz>, _>(times)
    .bind::<Array<Text>, _>(acts)
    .bind::<Array<Nullable<SqlUuid>>, _>(tokens)
    .bind::<Array<Text>, _>(reasons);
    let new: Vec<New> = kept(insert).load(connection).await?;
    Ok(new
        .into_iter()
        .map(|row| (TenantId::from_uuid(row.tenant_id), ClickId::from_uuid(row.click_id)))
        .collect())
}

/// Writes statuses that are newer than what is there.
///
/// # Errors
/// The database's.
pub async fn save_statuses(
    mut connection: &AsyncPgConnection,
    rows: &[StatusOfConversion],
) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let tenants: Vec<Uuid> = rows.iter().map(|row| row.tenant.as_uuid()).collect();
    let clicks: Vec<Uuid> = rows.iter().map(|row| row.click.as_uuid()).collect();
    let conversions: Vec<Uuid> = rows.iter().map(|row| row.conversion.as_uuid()).collect();
    let revisions: Vec<i64> = rows.iter().map(|row| row.revision).collect();
    let statuses: Vec<&str> = rows.iter().map(|row| row.status).collect();
    let on_review: Vec<bool> = rows.iter().map(|row| row.on_review).collect();
    let flagged: Vec<bool> = rows.iter().map(|row| row.flagged).collect();
    let reversed: Vec<bool> = rows.iter().map(|row| row.reversed).collect();
    let unpaid: Vec<bool> = rows.iter().map(|row| row.unpaid).collect();
    let codes: Vec<_> = rows.iter().map(|row| text::bounded(&row.reason_code, TEXT_BYTES_MAX)).collect();
    let reasons: Vec<_> = rows.iter().map(|row| text::bounded(&row.reason, TEXT_BYTES_MAX)).collect();
    let times: Vec<DateTime<Utc>> = rows.iter().map(|row| to_sql(row.changed_at)).collect();
    let upsert = sql_query(
        "INSERT INTO conversion_statuses (tenant_id, click_id, conversion_id, status_revision, status, on_review,
            flagged, reversed, unpaid, reason_code, reason, changed_at)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (tenant_id, click_id, conversion_id) DO UPDATE SET
            status_revision = excluded.status_revision, status = excluded.status, on_review = excluded.on_review,
            flagged = excluded.flagged, reversed = excluded.reversed, unpaid = excluded.unpaid,
            reason_code = excluded.reason_code, reason = excluded.reason, changed_at = excluded.changed_at
        WHERE conversion_statuses.status_revision < excluded.status_revision",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(clicks)
    .bind::<Array<SqlUuid>, _>(conversions)
    .bind::<Array<BigInt>, _>(revisions)
    .bind::<Array<Text>, _>(statuses)
    .bind::<Array<Bool>, _>(on_review)
    .bind::<Array<Bool>, _>(flagged)
    .bind::<Array<Bool>, _>(reversed)
    .bind::<Array<Bool>, _>(unpaid)
    .bind::<Array<Text>, _>(codes)
    .bind::<Array<Text>, _>(reasons)
    .bind::<Array<Timestamptz>, _>(times);
    kept(upsert).execute(&mut connection).await.map(drop)
}

/// Writes ends of deliveries that are newer than what is there.
///
/// # Errors
/// The database's.
pub async fn save_deliveries(mut connection: &AsyncPgConnection, rows: &[EndOfDelivery]) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let tenants: Vec<Uuid> = rows.iter().map(|row| row.tenant.as_uuid()).collect();
    let conversions: Vec<Uuid> = rows.iter().map(|row| row.conversion.as_uuid()).collect();
    let deliveries: Vec<Uuid> = rows.iter().map(|row| row.delivery.as_uuid()).collect();
    let versions: Vec<i64> = rows.iter().map(|row| row.version).collect();
    let revisions: Vec<i64> = rows.iter().map(|row| row.status_revision).collect();
    let endpoints: Vec<Uuid> = rows.iter().map(|row| row.endpoint.as_uuid()).collect();
    let publishers: Vec<Uuid> = rows.iter().map(|row| row.publisher.as_uuid()).collect();
    let results: Vec<&str> = rows.iter().map(|row| row.result).collect();
    let attempts: Vec<i32> = rows.iter().map(|row| row.attempts).collect();
    let answers: Vec<Option<i32>> = rows.iter().map(|row| row.last_http_status).collect();
    let times: Vec<DateTime<Utc>> = rows.iter().map(|row| to_sql(row.ended_at)).collect();
    let stops: Vec<_> = rows.iter().map(|row| text::bounded(&row.stop_reason, TEXT_BYTES_MAX)).collect();
    let upsert = sql_query(
        "INSERT INTO delivery_outcomes (tenant_id, conversion_id, delivery_id, version, status_revision, endpoint_id,
            publisher_id, result, attempts, last_http_status, ended_at, stop_reason)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (tenant_id, conversion_id, delivery_id) DO UPDATE SET version = excluded.version,
            status_revision = excluded.status_revision, endpoint_id = excluded.endpoint_id,
            publisher_id = excluded.publisher_id, result = excluded.result, attempts = excluded.attempts,
            last_http_status = excluded.last_http_status, ended_at = excluded.ended_at,
            stop_reason = excluded.stop_reason
        WHERE delivery_outcomes.version < excluded.version",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(conversions)
    .bind::<Array<SqlUuid>, _>(deliveries)
    .bind::<Array<BigInt>, _>(versions)
    .bind::<Array<BigInt>, _>(revisions)
    .bind::<Array<SqlUuid>, _>(endpoints)
    .bind::<Array<SqlUuid>, _>(publishers)
    .bind::<Array<Text>, _>(results)
    .bind::<Array<Integer>, _>(attempts)
    .bind::<Array<Nullable<Integer>>, _>(answers)
    .bind::<Array<Timestamptz>, _>(times)
    .bind::<Array<Text>, _>(stops);
    kept(upsert).execute(&mut connection).await.map(drop)
}

/// What payout said of one journey, as far as its verdict depends on it.
#[derive(Debug, Clone, Default)]
pub struct SaidByPayout {
    /// What people decided.
    pub people: Vec<PersonDecision>,
    /// Conversions that are no longer Pending.
    pub settled: BTreeSet<ConversionId>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    click_id: Uuid,
    /// A decision's fact, or a conversion that is settled.
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    offer_event_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    occurrence: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    decided_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    act: Option<String>,
}

/// What payout said of these journeys: one statement for both, for it is on the way of every postback.
///
/// # Errors
/// The database's, also for a row that this release can not read.
pub async fn load_of_journeys(
    mut connection: &AsyncPgConnection,
    keys: &BTreeSet<JourneyKey>,
) -> QueryResult<BTreeMap<JourneyKey, SaidByPayout>> {
    let (tenants, clicks): (Vec<Uuid>, Vec<Uuid>) =
        keys.iter().map(|(tenant, click)| (tenant.as_uuid(), click.as_uuid())).unzip();
    let select = sql_query(
        "SELECT tenant_id, click_id, fact_id AS id, offer_event_id, occurrence, decided_at, act
        FROM people_decisions JOIN unnest($1, $2) AS wanted (tenant_id, click_id) USING (tenant_id, click_id)
        UNION ALL
        SELECT tenant_id, click_id, conversion_id, NULL, NULL, NULL, NULL
        FROM conversion_statuses JOIN unnest($1, $2) AS wanted (tenant_id, click_id) USING (tenant_id, click_id)
        WHERE status <> 'pending'",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(clicks);
    let rows: Vec<Row> = kept(select).load(&mut connection).await?;
    let mut found: BTreeMap<JourneyKey, SaidByPayout> = BTreeMap::new();
    for row in rows {
        let key = (TenantId::from_uuid(row.tenant_id), ClickId::from_uuid(row.click_id));
        let said = found.entry(key).or_default();
        let (Some(event), Some(occurrence), Some(decided_at), Some(act)) =
            (row.offer_event_id, row.occurrence, row.decided_at, row.act)
        else {
            said.settled.insert(ConversionId::from_uuid(row.id));
            continue;
        };
        let wrong = |column: &str| inconsistent("people_decisions", column, named(key));
        said.people.push(PersonDecision {
            event: OfferEventId::from_uuid(event),
            occurrence: parse_occurrence(&occurrence).ok_or_else(|| wrong("occurrence"))?,
            decided_at: from_sql(decided_at),
            id: FactId::from_uuid(row.id),
            act: PersonAct::parse(&act).ok_or_else(|| wrong("act"))?,
        });
    }
    Ok(found)
}
