//! Decisions: each revision is a row and stays; one of them is current.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, sql_query,
    sql_types::{Array, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ClickId, OfferId, PublisherId, ReceiptId, TenantId, Timestamp};
use postgres_kit::{kept, text};
use uuid::Uuid;

use super::moment::to_sql;
use crate::domain::{Code, Trace};

/// What people search by is cut at this: an index can not hold more than 2.7 kB, and nobody types as much.
const FACET_BYTES_MAX: usize = 256;

/// A text as it is stored to be searched by: whoever searches for a longer one, or one with a NUL, finds what was stored
/// of it.
#[must_use]
pub(super) fn searchable(text: &str) -> Cow<'_, str> {
    text::bounded(text, FACET_BYTES_MAX)
}

/// What a postback is searched and counted by; none: not known when it was decided.
#[derive(Debug, Clone, Default)]
pub struct Facets {
    /// The click's offer.
    pub offer: Option<OfferId>,
    /// The click's publisher.
    pub publisher: Option<PublisherId>,
    /// The Event ID as the postback reports it.
    pub event_id: Option<String>,
    /// Upper-case ISO code, as AppsFlyer states it.
    pub country: Option<String>,
    /// Lower case.
    pub platform: Option<String>,
    /// AppsFlyer's conversion or transaction id.
    pub conversion_id: Option<String>,
    /// AppsFlyer's id of the installation.
    pub appsflyer_id: Option<String>,
    /// The publisher's member.
    pub member: Option<String>,
    /// The publisher's click id.
    pub pub_click: Option<String>,
}

/// A decision to be written.
#[derive(Debug)]
pub struct DecisionRow {
    /// Whose.
    pub tenant: TenantId,
    /// When its postback was received: which partition it lies in.
    pub received_at: Timestamp,
    /// Its postback.
    pub receipt: ReceiptId,
    /// Its journey; none without a usable click id.
    pub click: Option<ClickId>,
    /// Its revision.
    pub revision: i32,
    /// Its code.
    pub code: Code,
    /// The rules that led there.
    pub trace: Trace,
    /// What it is found by.
    pub facets: Facets,
}

/// A decision's place in the rollups, of a table or row of that name. Reads and rebuilding use the same.
macro_rules! rollup_place {
    () => {
        "tenant_id, date_trunc('hour', received_at, 'UTC') AS hour, code,
            coalesce(offer_id, '00000000-0000-0000-0000-000000000000') AS offer_id,
            coalesce(publisher_id, '00000000-0000-0000-0000-000000000000') AS publisher_id,
            coalesce(event_id, '') AS event_id, coalesce(country, '') AS country, coalesce(platform, '') AS platform"
    };
}
pub(super) use rollup_place;

/// Writes decisions and makes the earlier ones of the same postbacks history.
///
/// # Errors
/// The database's.
pub async fn save(mut connection: &AsyncPgConnection, rows: &[DecisionRow]) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    supersede(connection, rows).await?;
    let mut traces = Vec::with_capacity(rows.len());
    for row in rows {
        let text = serde_json::to_string(&row.trace);
        traces.push(text.map_err(|error| diesel::result::Error::SerializationError(error.into()))?);
    }
    let tenants: Vec<Uuid> = rows.iter().map(|row| row.tenant.as_uuid()).collect();
    let times: Vec<DateTime<Utc>> = rows.iter().map(|row| to_sql(row.received_at)).collect();
    let receipts: Vec<Uuid> = rows.iter().map(|row| row.receipt.as_uuid()).collect();
    let revisions: Vec<i32> = rows.iter().map(|row| row.revision).collect();
    let clicks: Vec<Option<Uuid>> = rows.iter().map(|row| row.click.map(ClickId::as_uuid)).collect();
    let codes: Vec<&str> = rows.iter().map(|row| row.code.as_str()).collect();
    let facets = |of: fn(&Facets) -> Option<&str>| -> Vec<Option<Cow<'_, str>>> {
        rows.iter().map(|row| of(&row.facets).map(searchable)).collect()
    };
    let offers: Vec<Option<Uuid>> = rows.iter().map(|row| row.facets.offer.map(OfferId::as_uuid)).collect();
    let publishers: Vec<Option<Uuid>> =
        rows.iter().map(|row| row.facets.publisher.map(PublisherId::as_uuid)).collect();
    // Only what was really inserted is counted: a row that is there already was counted then.
    let insert = sql_query(concat!(
        "WITH made AS (
            INSERT INTO decisions (tenant_id, received_at, receipt, revision, is_current, click_id, code, trace,
                offer_id, publisher_id, event_id, country, platform, conversion_id, appsflyer_id, member_id,
                pub_click_id)
            SELECT tenant_id, received_at, receipt, revision, true, click_id, code, trace::jsonb, offer_id,
                publisher_id, event_id, country, platform, conversion_id, appsflyer_id, member_id, pub_click_id
            FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
                AS new (tenant_id, received_at, receipt, revision, click_id, code, trace, offer_id, publisher_id,
                    event_id, country, platform, conversion_id, appsflyer_id, member_id, pub_click_id)
            ON CONFLICT DO NOTHING
            RETURNING tenant_id, received_at, code, offer_id, publisher_id, event_id, country, platform
        )
        INSERT INTO rollup_deltas (tenant_id, hour, code, offer_id, publisher_id, event_id, country, platform,
            postbacks)
        SELECT ", rollup_place!(), ", count(*) FROM made GROUP BY 1, 2, 3, 4, 5, 6, 7, 8",
    ))
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<Timestamptz>, _>(times)
    .bind::<Array<SqlUuid>, _>(receipts)
    .bind::<Array<Integer>, _>(revisions)
    .bind::<Array<Nullable<SqlUuid>>, _>(clicks)
    .bind::<Array<Text>, _>(codes)
    .bind::<Array<Text>, _>(traces)
    .bind::<Array<Nullable<SqlUuid>>, _>(offers)
    .bind::<Array<Nullable<SqlUuid>>, _>(publishers)
    .bind::<Array<Nullable<Text>>, _>(facets(|one| one.event_id.as_deref()))
    .bind::<Array<Nullable<Text>>, _>(facets(|one| one.country.as_deref()))
    .bind::<Array<Nullable<Text>>, _>(facets(|one| one.platform.as_deref()))
    .bind::<Array<Nullable<Text>>, _>(facets(|one| one.conversion_id.as_deref()))
    .bind::<Array<Nullable<Text>>, _>(facets(|one| one.appsflyer_id.as_deref()))
    .bind::<Array<Nullable<Text>>, _>(facets(|one| one.member.as_deref()))
    .bind::<Array<Nullable<Text>>, _>(facets(|one| one.pub_click.as_deref()));
    kept(insert).execute(&mut connection).await.map(drop)
}

async fn supersede(mut connection: &AsyncPgConnection, rows: &[DecisionRow]) -> QueryResult<()> {
    let later: Vec<&DecisionRow> = rows.iter().filter(|row| row.revision > 1).collect();
    if later.is_empty() {
        return Ok(());
    }
    let tenants: Vec<Uuid> = later.iter().map(|row| row.tenant.as_uuid()).collect();
    let times: Vec<DateTime<Utc>> = later.iter().map(|row| to_sql(row.received_at)).collect();
    let receipts: Vec<Uuid> = later.iter().map(|row| row.receipt.as_uuid()).collect();
    let update = sql_query(concat!(
        "WITH past AS (
            UPDATE decisions SET is_current = false
            FROM unnest($1, $2, $3) AS old (tenant, at, of)
            WHERE decisions.tenant_id = old.tenant AND decisions.received_at = old.at
                AND decisions.receipt = old.of AND decisions.is_current
            RETURNING decisions.tenant_id, decisions.received_at, decisions.code, decisions.offer_id,
                decisions.publisher_id, decisions.event_id, decisions.country, decisions.platform
        )
        INSERT INTO rollup_deltas (tenant_id, hour, code, offer_id, publisher_id, event_id, country, platform,
            postbacks)
        SELECT ",
        rollup_place!(),
        ", -count(*) FROM past GROUP BY 1, 2, 3, 4, 5, 6, 7, 8",
    ))
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<Timestamptz>, _>(times)
    .bind::<Array<SqlUuid>, _>(receipts);
    kept(update).execute(&mut connection).await.map(drop)
}
