//! Postbacks that wait for something that may still come.

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ClickId, OfferId, ReceiptId, TenantId, Timestamp};
use uuid::Uuid;

use super::{inconsistent, moment::from_sql};
use crate::domain::{Code, Trace};

/// A postback that waits.
#[derive(Debug, Clone)]
pub struct Parked {
    /// Its receipt.
    pub receipt: ReceiptId,
    /// When it was received.
    pub received_at: Timestamp,
    /// What it waits for.
    pub code: Code,
    /// The rules that led there; the last one names what is missing.
    pub trace: Trace,
    /// Since when.
    pub since: Timestamp,
    /// When time alone changes something in its journey next; none: nothing but what is missing does.
    pub until: Option<Timestamp>,
    /// Its click.
    pub click: Option<ClickId>,
    /// The click's offer, once known.
    pub offer: Option<OfferId>,
    /// The Event ID it reports.
    pub event_id: Option<String>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    receipt: Uuid,
    #[diesel(sql_type = Timestamptz)]
    received_at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    trace: String,
    #[diesel(sql_type = Timestamptz)]
    decided_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    wait_until: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    click_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    offer_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    event_id: Option<String>,
}

impl TryFrom<Row> for Parked {
    type Error = diesel::result::Error;

    fn try_from(row: Row) -> QueryResult<Self> {
        let wrong = |column: &str| inconsistent("decisions", column, row.receipt);
        Ok(Self {
            receipt: ReceiptId::from_uuid(row.receipt),
            received_at: from_sql(row.received_at),
            code: Code::parse(&row.code).ok_or_else(|| wrong("code"))?,
            trace: serde_json::from_str(&row.trace).map_err(|_no_trace| wrong("trace"))?,
            since: from_sql(row.decided_at),
            until: row.wait_until.map(from_sql),
            click: row.click_id.map(ClickId::from_uuid),
            offer: row.offer_id.map(OfferId::from_uuid),
            event_id: row.event_id,
        })
    }
}

/// Postbacks with these codes, the one received first first, and how many there are.
///
/// # Errors
/// The database's.
pub async fn list(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    codes: &[Code],
    (offset, limit): (i64, i64),
) -> QueryResult<(Vec<Parked>, u64)> {
    #[derive(QueryableByName)]
    struct Total {
        #[diesel(sql_type = BigInt)]
        total: i64,
    }
    let codes: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let total: Total = sql_query(
        "SELECT count(*) AS total FROM decisions WHERE tenant_id = $1 AND is_current AND code = ANY($2)",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Array<Text>, _>(&codes)
    .get_result(connection)
    .await?;
    let rows: Vec<Row> = sql_query(
        "SELECT receipt, received_at, code, trace::text AS trace, decided_at, wait_until, click_id,
            coalesce(page.offer_id, journeys.offer_id) AS offer_id, event_id
        FROM (SELECT * FROM decisions WHERE tenant_id = $1 AND is_current AND code = ANY($2)
            ORDER BY received_at, receipt OFFSET $3 LIMIT $4) AS page
        LEFT JOIN journeys USING (tenant_id, click_id)
        ORDER BY received_at, receipt",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Array<Text>, _>(&codes)
    .bind::<BigInt, _>(offset)
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await?;
    let parked = rows.into_iter().map(Parked::try_from).collect::<QueryResult<_>>()?;
    Ok((parked, u64::try_from(total.total).unwrap_or_default()))
}
