//! The last verdict told about each conversion, with its revision.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ClickId, TenantId};
use postgres_kit::kept;
use uuid::Uuid;

use super::{JourneyKey, inconsistent, named};
use crate::domain::Conversion;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    click_id: Uuid,
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = Text)]
    verdict: String,
}

/// A revision and the verdict it was given to.
pub type KnownConversion = (u64, Conversion);

/// The conversions of these journeys.
///
/// # Errors
/// The database's, also for a row that this release can not read.
pub async fn load_of_journeys(
    mut connection: &AsyncPgConnection,
    keys: &BTreeSet<JourneyKey>,
) -> QueryResult<BTreeMap<JourneyKey, Vec<KnownConversion>>> {
    let (tenants, clicks): (Vec<Uuid>, Vec<Uuid>) =
        keys.iter().map(|(tenant, click)| (tenant.as_uuid(), click.as_uuid())).unzip();
    let select = sql_query(
        "SELECT tenant_id, click_id, revision, verdict::text AS verdict FROM conversions
        JOIN unnest($1, $2) AS wanted (tenant_id, click_id) USING (tenant_id, click_id)",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(clicks);
    let rows: Vec<Row> = kept(select).load(&mut connection).await?;
    let mut found: BTreeMap<JourneyKey, Vec<KnownConversion>> = BTreeMap::new();
    for row in rows {
        let key = (TenantId::from_uuid(row.tenant_id), ClickId::from_uuid(row.click_id));
        let wrong = |column: &str| inconsistent("conversions", column, named(key));
        let verdict = serde_json::from_str(&row.verdict).map_err(|_no_verdict| wrong("verdict"))?;
        let revision = u64::try_from(row.revision).map_err(|_negative| wrong("revision"))?;
        found.entry(key).or_default().push((revision, verdict));
    }
    Ok(found)
}

/// Writes verdicts that are told in this transaction.
///
/// # Errors
/// The database's.
pub async fn save(
    mut connection: &AsyncPgConnection,
    rows: &[(JourneyKey, u64, &Conversion)],
) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut verdicts = Vec::with_capacity(rows.len());
    for (_, _, conversion) in rows {
        let text = serde_json::to_string(conversion);
        verdicts.push(text.map_err(|error| diesel::result::Error::SerializationError(error.into()))?);
    }
    let tenants: Vec<Uuid> = rows.iter().map(|(key, _, _)| key.0.as_uuid()).collect();
    let clicks: Vec<Uuid> = rows.iter().map(|(key, _, _)| key.1.as_uuid()).collect();
    let ids: Vec<Uuid> = rows.iter().map(|(_, _, conversion)| conversion.id.as_uuid()).collect();
    let revisions: Vec<i64> =
        rows.iter().map(|(_, revision, _)| i64::try_from(*revision).unwrap_or(i64::MAX)).collect();
    let upsert = sql_query(
        "INSERT INTO conversions (tenant_id, click_id, conversion_id, revision, verdict)
        SELECT tenant_id, click_id, conversion_id, revision, verdict::jsonb
        FROM unnest($1, $2, $3, $4, $5) AS new (tenant_id, click_id, conversion_id, revision, verdict)
        ON CONFLICT (tenant_id, click_id, conversion_id) DO UPDATE SET revision = excluded.revision,
            verdict = excluded.verdict, told_at = now()",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(clicks)
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<BigInt>, _>(revisions)
    .bind::<Array<Text>, _>(verdicts);
    kept(upsert).execute(&mut connection).await.map(drop)
}
