//! The lines of a report, click by click, and where they ended.

use std::collections::BTreeMap;

use diesel::{
    OptionalExtension as _, QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ClickId, ConversionId, TenantId};
use postgres_kit::kept;
use uuid::Uuid;

use crate::{
    domain::reconcile::{Delivery, Outcome, Payment, PaymentStatus, ReportRow},
    store::inconsistent,
};

/// A report that this transaction works on.
#[derive(Debug, Clone, Copy)]
pub struct Claimed {
    /// Whose.
    pub tenant: TenantId,
    /// Its id.
    pub id: Uuid,
    /// How far a line's time may be from its postback's.
    pub tolerance_seconds: u32,
    /// The last click whose lines were compared.
    pub after: Option<ClickId>,
}

/// Claims the oldest report that is whole and not finished, unless others work on them all. A tenant's many reports wait
/// behind each other, and others' between them only as long as a step takes.
///
/// # Errors
/// The database's.
pub async fn claim_next(connection: &mut AsyncPgConnection) -> QueryResult<Option<Claimed>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        tenant_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        reconciliation_id: Uuid,
        #[diesel(sql_type = Integer)]
        tolerance_seconds: i32,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        after: Option<Uuid>,
    }
    let select = sql_query(
        "SELECT tenant_id, reconciliation_id, tolerance_seconds, after FROM reconciliations
        WHERE finished_at IS NULL AND failure IS NULL AND received_at IS NOT NULL
        ORDER BY begun_at LIMIT 1
        FOR UPDATE SKIP LOCKED",
    );
    let row: Option<Row> = kept(select).get_result(connection).await.optional()?;
    Ok(row.map(|row| Claimed {
        tenant: TenantId::from_uuid(row.tenant_id),
        id: row.reconciliation_id,
        tolerance_seconds: u32::try_from(row.tolerance_seconds).unwrap_or_default(),
        after: row.after.map(ClickId::from_uuid),
    }))
}

/// The next clicks whose lines are to be compared.
///
/// # Errors
/// The database's.
pub async fn next_clicks(
    connection: &mut AsyncPgConnection,
    claimed: &Claimed,
    limit: i64,
) -> QueryResult<Vec<ClickId>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        click_id: Uuid,
    }
    let select = sql_query(
        "SELECT DISTINCT click_id FROM reconciliation_lines
        WHERE tenant_id = $1 AND reconciliation_id = $2 AND click_id > coalesce($3, '00000000-0000-0000-0000-000000000000')
        ORDER BY click_id LIMIT $4",
    )
    .bind::<SqlUuid, _>(claimed.tenant.as_uuid())
    .bind::<SqlUuid, _>(claimed.id)
    .bind::<Nullable<SqlUuid>, _>(claimed.after.map(ClickId::as_uuid))
    .bind::<BigInt, _>(limit);
    let rows: Vec<Row> = kept(select).load(connection).await?;
    Ok(rows.into_iter().map(|row| ClickId::from_uuid(row.click_id)).collect())
}

/// A line as it was stored.
#[derive(Debug, Clone)]
pub struct StoredLine {
    /// Its click.
    pub click: ClickId,
    /// What it says.
    pub row: ReportRow,
}

/// Lines of some clicks that have not been compared, click by click in the order of the file; at most `limit`.
///
/// # Errors
/// The database's, also for a line that this release can not read.
pub async fn lines_of(
    connection: &mut AsyncPgConnection,
    claimed: &Claimed,
    clicks: &[ClickId],
    limit: i64,
) -> QueryResult<Vec<StoredLine>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        click_id: Uuid,
        #[diesel(sql_type = Text)]
        said: String,
    }
    let select = sql_query(
        "SELECT click_id, said::text AS said FROM reconciliation_lines
        WHERE tenant_id = $1 AND reconciliation_id = $2 AND click_id = ANY($3) AND bucket IS NULL
        ORDER BY click_id, line LIMIT $4",
    )
    .bind::<SqlUuid, _>(claimed.tenant.as_uuid())
    .bind::<SqlUuid, _>(claimed.id)
    .bind::<Array<SqlUuid>, _>(clicks.iter().map(|click| click.as_uuid()).collect::<Vec<_>>())
    .bind::<BigInt, _>(limit);
    let rows: Vec<Row> = kept(select).load(connection).await?;
    rows.into_iter()
        .map(|row| {
            let said = serde_json::from_str(&row.said)
                .map_err(|_of_another_release| inconsistent("reconciliation_lines", "said", claimed.id))?;
            Ok(StoredLine { click: ClickId::from_uuid(row.click_id), row: said })
        })
        .collect()
}

/// What payout made of the conversions of some clicks.
///
/// # Errors
/// The database's.
pub async fn payments_of(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    clicks: &[ClickId],
) -> QueryResult<BTreeMap<ConversionId, Payment>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        conversion_id: Uuid,
        #[diesel(sql_type = Text)]
        status: String,
        #[diesel(sql_type = Text)]
        reason_code: String,
        #[diesel(sql_type = Nullable<Bool>)]
        delivered: Option<bool>,
    }
    // Of what was told last; that something newer replaced a telling says nothing.
    let select = sql_query(
        "SELECT status.conversion_id, status.status, status.reason_code, (
            SELECT told.result = 'delivered' FROM delivery_outcomes AS told
            WHERE told.tenant_id = status.tenant_id AND told.conversion_id = status.conversion_id
                AND told.result <> 'superseded'
            ORDER BY told.status_revision DESC, (told.result = 'delivered') DESC LIMIT 1
        ) AS delivered
        FROM conversion_statuses AS status WHERE status.tenant_id = $1 AND status.click_id = ANY($2)",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Array<SqlUuid>, _>(clicks.iter().map(|click| click.as_uuid()).collect::<Vec<_>>());
    let rows: Vec<Row> = kept(select).load(connection).await?;
    rows.into_iter()
        .map(|row| {
            let status = match row.status.as_str() {
                "pending" => PaymentStatus::Pending,
                "success" => PaymentStatus::Success,
                "rejected" => PaymentStatus::Rejected(row.reason_code),
                _ => return Err(inconsistent("conversion_statuses", "status", row.conversion_id)),
            };
            let delivery = match row.delivered {
                None => Delivery::None,
                Some(true) => Delivery::Delivered,
                Some(false) => Delivery::Failed,
            };
            Ok((ConversionId::from_uuid(row.conversion_id), Payment { status, delivery }))
        })
        .collect()
}

/// Where a line ended.
#[derive(Debug, Clone)]
pub struct ComparedLine {
    /// The line.
    pub line: u64,
    /// Where.
    pub outcome: Outcome,
    /// The conversion that its postback holds.
    pub conversion: Option<ConversionId>,
}

/// Writes where lines ended, and counts them.
///
/// # Errors
/// The database's.
pub async fn save_outcomes(
    connection: &mut AsyncPgConnection,
    claimed: &Claimed,
    lines: &[ComparedLine],
) -> QueryResult<()> {
    let numbers: Vec<i64> = lines.iter().map(|one| i64::try_from(one.line).unwrap_or(i64::MAX)).collect();
    let buckets: Vec<&str> = lines.iter().map(|one| one.outcome.bucket.as_str()).collect();
    let codes: Vec<&str> = lines.iter().map(|one| one.outcome.code.as_str()).collect();
    let receipts: Vec<Option<Uuid>> =
        lines.iter().map(|one| one.outcome.receipt.map(kernel::ReceiptId::as_uuid)).collect();
    let conversions: Vec<Option<Uuid>> =
        lines.iter().map(|one| one.conversion.map(ConversionId::as_uuid)).collect();
    let differences: Vec<Option<String>> =
        lines.iter().map(|one| one.outcome.difference.map(|difference| difference.to_string())).collect();
    let update = sql_query(
        "WITH given AS (
            SELECT * FROM unnest($3, $4, $5, $6, $7, $8)
                AS given (line, bucket, code, receipt, conversion_id, difference)
        ), counted AS (
            INSERT INTO reconciliation_counts (tenant_id, reconciliation_id, bucket, code, lines)
            SELECT $1, $2, bucket, code, count(*) FROM given GROUP BY bucket, code
            ON CONFLICT (tenant_id, reconciliation_id, bucket, code)
                DO UPDATE SET lines = reconciliation_counts.lines + excluded.lines
        )
        UPDATE reconciliation_lines AS kept SET bucket = given.bucket, code = given.code, receipt = given.receipt,
            conversion_id = given.conversion_id, difference = given.difference
        FROM given WHERE kept.tenant_id = $1 AND kept.reconciliation_id = $2 AND kept.line = given.line",
    )
    .bind::<SqlUuid, _>(claimed.tenant.as_uuid())
    .bind::<SqlUuid, _>(claimed.id)
    .bind::<Array<BigInt>, _>(numbers)
    .bind::<Array<Text>, _>(buckets)
    .bind::<Array<Text>, _>(codes)
    .bind::<Array<Nullable<SqlUuid>>, _>(receipts)
    .bind::<Array<Nullable<SqlUuid>>, _>(conversions)
    .bind::<Array<Nullable<Text>>, _>(differences);
    kept(update).execute(connection).await.map(drop)
}

/// Notes how far it is.
///
/// # Errors
/// The database's.
pub async fn move_on(
    connection: &mut AsyncPgConnection,
    claimed: &Claimed,
    after: Option<ClickId>,
    compared: usize,
) -> QueryResult<()> {
    let update = sql_query(
        "UPDATE reconciliations SET after = $3, compared = compared + $4
        WHERE tenant_id = $1 AND reconciliation_id = $2",
    )
    .bind::<SqlUuid, _>(claimed.tenant.as_uuid())
    .bind::<SqlUuid, _>(claimed.id)
    .bind::<Nullable<SqlUuid>, _>(after.map(ClickId::as_uuid))
    .bind::<BigInt, _>(i64::try_from(compared).unwrap_or(i64::MAX));
    kept(update).execute(connection).await.map(drop)
}

/// Every line has been compared.
///
/// # Errors
/// The database's.
pub async fn finish(connection: &mut AsyncPgConnection, claimed: &Claimed) -> QueryResult<()> {
    let update = sql_query(
        "UPDATE reconciliations SET finished_at = now() WHERE tenant_id = $1 AND reconciliation_id = $2",
    )
    .bind::<SqlUuid, _>(claimed.tenant.as_uuid())
    .bind::<SqlUuid, _>(claimed.id);
    kept(update).execute(connection).await.map(drop)
}
