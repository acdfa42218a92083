//! Decisions: each revision is a row and stays; one of them is current.

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, sql_query,
    sql_types::{Array, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ClickId, ReceiptId, TenantId, Timestamp};
use postgres_kit::kept;
use uuid::Uuid;

use super::moment::to_sql;
use crate::domain::{Code, Trace};

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
}

/// Writes decisions and makes the earlier ones of the same postbacks history.
///
/// # Errors
/// The database's.
pub async fn save(connection: &mut AsyncPgConnection, rows: &[DecisionRow]) -> QueryResult<()> {
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
    let insert = sql_query(
        "INSERT INTO decisions (tenant_id, received_at, receipt, revision, is_current, click_id, code, trace)
        SELECT tenant_id, received_at, receipt, revision, true, click_id, code, trace::jsonb
        FROM unnest($1, $2, $3, $4, $5, $6, $7)
            AS new (tenant_id, received_at, receipt, revision, click_id, code, trace)
        ON CONFLICT DO NOTHING",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<Timestamptz>, _>(times)
    .bind::<Array<SqlUuid>, _>(receipts)
    .bind::<Array<Integer>, _>(revisions)
    .bind::<Array<Nullable<SqlUuid>>, _>(clicks)
    .bind::<Array<Text>, _>(codes)
    .bind::<Array<Text>, _>(traces);
    kept(insert).execute(connection).await.map(drop)
}

async fn supersede(connection: &mut AsyncPgConnection, rows: &[DecisionRow]) -> QueryResult<()> {
    let later: Vec<&DecisionRow> = rows.iter().filter(|row| row.revision > 1).collect();
    if later.is_empty() {
        return Ok(());
    }
    let tenants: Vec<Uuid> = later.iter().map(|row| row.tenant.as_uuid()).collect();
    let times: Vec<DateTime<Utc>> = later.iter().map(|row| to_sql(row.received_at)).collect();
    let receipts: Vec<Uuid> = later.iter().map(|row| row.receipt.as_uuid()).collect();
    let update = sql_query(
        "UPDATE decisions SET is_current = false
        FROM unnest($1, $2, $3) AS old (tenant_id, received_at, receipt)
        WHERE decisions.tenant_id = old.tenant_id AND decisions.received_at = old.received_at
            AND decisions.receipt = old.receipt AND decisions.is_current",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<Timestamptz>, _>(times)
    .bind::<Array<SqlUuid>, _>(receipts);
    kept(update).execute(connection).await.map(drop)
}
