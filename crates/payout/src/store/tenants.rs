//! Tenants' rate tables and zones.

use std::collections::HashMap;

use chrono_tz::Tz;
use diesel::{
    OptionalExtension as _, QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{Currency, TenantId};
use postgres_kit::kept;
use terms::Rate;
use uuid::Uuid;

use super::column::{column, currency_from_sql, revision_to_sql, unreadable, zone_from_sql};

/// The catalog's word on a tenant, as far as payout needs it.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Counts its changes; a lower one is ignored.
    pub version: u64,
    /// Whether it may do business.
    pub active: bool,
    /// Its periods follow this zone.
    pub zone: Tz,
    /// Its rate table: from, to, rate.
    pub rates: Vec<(Currency, Currency, Rate)>,
}

/// Rates by tenant, from and to.
#[derive(Debug, Default)]
pub struct Rates(HashMap<(TenantId, Currency, Currency), Rate>);

impl Rates {
    /// A tenant's rate.
    #[must_use]
    pub fn find(&self, tenant: TenantId, from: Currency, to: Currency) -> Option<Rate> {
        self.0.get(&(tenant, from, to)).copied()
    }
}

/// Writes a tenant unless a newer version is there.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn apply(connection: &mut AsyncPgConnection, tenant: &Tenant) -> QueryResult<()> {
    let upsert = sql_query(
        "INSERT INTO tenants (tenant_id, version, active, time_zone) VALUES ($1, $2, $3, $4)
        ON CONFLICT (tenant_id) DO UPDATE SET
            version = excluded.version, active = excluded.active, time_zone = excluded.time_zone, rates_at = now()
        WHERE tenants.version <= excluded.version",
    )
    .bind::<SqlUuid, _>(tenant.id.as_uuid())
    .bind::<BigInt, _>(revision_to_sql(tenant.version))
    .bind::<Bool, _>(tenant.active)
    .bind::<Text, _>(tenant.zone.name());
    if kept(upsert).execute(connection).await? == 0 {
        return Ok(());
    }
    let delete =
        sql_query("DELETE FROM currency_rates WHERE tenant_id = $1").bind::<SqlUuid, _>(tenant.id.as_uuid());
    kept(delete).execute(connection).await?;
    let insert = sql_query(
        "INSERT INTO currency_rates (tenant_id, from_currency, to_currency, rate_e12)
        SELECT $1, * FROM unnest($2, $3, $4) ON CONFLICT DO NOTHING",
    )
    .bind::<SqlUuid, _>(tenant.id.as_uuid())
    .bind::<Array<Text>, _>(column(&tenant.rates, |(from, _, _)| from.to_string()))
    .bind::<Array<Text>, _>(column(&tenant.rates, |(_, to, _)| to.to_string()))
    .bind::<Array<BigInt>, _>(column(&tenant.rates, |(_, _, rate)| rate.e12()));
    kept(insert).execute(connection).await.map(drop)
}

/// The rate tables of these tenants.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn rates(mut connection: &AsyncPgConnection, tenants: &[TenantId]) -> QueryResult<Rates> {
    let select = sql_query(
        "SELECT tenant_id, from_currency, to_currency, rate_e12 FROM currency_rates WHERE tenant_id = ANY($1)",
    )
    .bind::<Array<SqlUuid>, _>(column(tenants, |tenant| tenant.as_uuid()));
    let rows: Vec<Row> = kept(select).load(&mut connection).await?;
    let rates = rows.into_iter().map(|row| {
        let rate = Rate::from_e12(row.rate_e12).ok_or_else(|| unreadable("rate_e12", "not above 0"))?;
        let from = currency_from_sql(&row.from_currency)?;
        Ok(((TenantId::from_uuid(row.tenant_id), from, currency_from_sql(&row.to_currency)?), rate))
    });
    rates.collect::<QueryResult<_>>().map(Rates)
}

/// The zone of a tenant; UTC for one that is not known yet.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn zone(mut connection: &AsyncPgConnection, tenant: TenantId) -> QueryResult<Tz> {
    let select =
        sql_query("SELECT time_zone FROM tenants WHERE tenant_id = $1").bind::<SqlUuid, _>(tenant.as_uuid());
    let row: Option<ZoneRow> = kept(select).get_result(&mut connection).await.optional()?;
    row.map_or(Ok(Tz::UTC), |row| zone_from_sql(&row.time_zone))
}

#[derive(QueryableByName)]
struct ZoneRow {
    #[diesel(sql_type = Text)]
    time_zone: String,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = Text)]
    from_currency: String,
    #[diesel(sql_type = Text)]
    to_currency: String,
    #[diesel(sql_type = BigInt)]
    rate_e12: i64,
}
