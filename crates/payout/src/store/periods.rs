//! Statement periods: a shared lock for whoever posts, an exclusive one for whoever closes.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::{
    OptionalExtension as _, QueryResult, QueryableByName, sql_query,
    sql_types::{Array, Bool, Date, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{TenantId, TokenId};
use postgres_kit::kept;
use uuid::Uuid;

use super::column::{Moment, column, from_sql, to_sql, zone_from_sql};
use crate::domain::statements::{Month, Period};

/// The periods that this transaction's transfers take; each is locked against closing until it ends.
#[derive(Debug, Clone, Default)]
pub struct Taken(BTreeMap<TenantId, Month>);

impl Taken {
    /// The column's value for a tenant's transfers.
    pub(super) fn of(&self, tenant: TenantId) -> Option<NaiveDate> {
        self.get(tenant).map(Month::first_day)
    }

    /// The period a tenant's transfers take.
    #[must_use]
    pub fn get(&self, tenant: TenantId) -> Option<Month> {
        self.0.get(&tenant).copied()
    }

    /// Adds one that was locked.
    pub fn add(&mut self, tenant: TenantId, month: Month) {
        self.0.insert(tenant, month);
    }
}

/// A period as people see it.
#[derive(Debug, Clone, QueryableByName)]
pub struct PeriodRow {
    #[diesel(sql_type = Date)]
    pub period: NaiveDate,
    #[diesel(sql_type = Text)]
    pub time_zone: String,
    #[diesel(sql_type = Timestamptz)]
    pub begins_at: Moment,
    #[diesel(sql_type = Timestamptz)]
    pub ends_at: Moment,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub closed_at: Option<Moment>,
    /// By the database's clock.
    #[diesel(sql_type = Bool)]
    pub is_over: bool,
}

impl PeriodRow {
    /// Which month.
    #[must_use]
    pub fn month(&self) -> Month {
        Month::of_day(self.period)
    }

    /// For the rules.
    ///
    /// # Errors
    /// When its zone is not known here.
    pub fn read(&self) -> QueryResult<Period> {
        Ok(Period {
            month: self.month(),
            zone: zone_from_sql(&self.time_zone)?,
            begins_at: from_sql(self.begins_at),
            ends_at: from_sql(self.ends_at),
        })
    }
}

/// The columns of [`PeriodRow`].
macro_rules! columns {
    () => {
        "period, time_zone, begins_at, ends_at, closed_at, ends_at <= now() AS is_over"
    };
}

/// Locks the period of this moment of each tenant, where it is there and open. A period that is being closed is waited for.
/// `FOR SHARE` writes no new version of the row: posting batches do not wait for each other.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn lock_current(mut connection: &AsyncPgConnection, tenants: &[TenantId]) -> QueryResult<Taken> {
    let select = sql_query(
        "SELECT tenant_id, period FROM statement_periods
        WHERE tenant_id = ANY($1) AND closed_at IS NULL AND begins_at <= now() AND ends_at > now()
        ORDER BY tenant_id FOR SHARE",
    )
    .bind::<Array<SqlUuid>, _>(column(tenants, |tenant| tenant.as_uuid()));
    let rows: Vec<Key> = kept(select).load(&mut connection).await?;
    let keys = rows.into_iter().map(|row| (TenantId::from_uuid(row.tenant_id), Month::of_day(row.period)));
    Ok(Taken(keys.collect()))
}

/// Locks one period against closing; `false` when it is closed, or not there.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn lock_open(
    mut connection: &AsyncPgConnection,
    tenant: TenantId,
    month: Month,
) -> QueryResult<bool> {
    let select = sql_query(
        "SELECT tenant_id, period FROM statement_periods
        WHERE tenant_id = $1 AND period = $2 AND closed_at IS NULL FOR SHARE",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Date, _>(month.first_day());
    let row: Option<Key> = kept(select).get_result(&mut connection).await.optional()?;
    Ok(row.is_some())
}

/// A tenant's periods, newest first.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn all(mut connection: &AsyncPgConnection, tenant: TenantId) -> QueryResult<Vec<PeriodRow>> {
    let select = sql_query(concat!(
        "SELECT ",
        columns!(),
        " FROM statement_periods WHERE tenant_id = $1 ORDER BY period DESC"
    ))
    .bind::<SqlUuid, _>(tenant.as_uuid());
    kept(select).load(&mut connection).await
}

/// Makes a period, unless another replica was first.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn add(mut connection: &AsyncPgConnection, tenant: TenantId, period: Period) -> QueryResult<()> {
    let insert = sql_query(
        "INSERT INTO statement_periods (tenant_id, period, time_zone, begins_at, ends_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Date, _>(period.month.first_day())
    .bind::<Text, _>(period.zone.name())
    .bind::<Timestamptz, _>(to_sql(period.begins_at))
    .bind::<Timestamptz, _>(to_sql(period.ends_at));
    kept(insert).execute(&mut connection).await.map(drop)
}

/// Locks a period for closing: waits for every transaction that posts into it, and nobody posts into it any more.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn lock_to_close(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    month: Month,
) -> QueryResult<Option<PeriodRow>> {
    let select = sql_query(concat!(
        "SELECT ",
        columns!(),
        " FROM statement_periods WHERE tenant_id = $1 AND period = $2 FOR UPDATE"
    ))
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Date, _>(month.first_day());
    kept(select).get_result(connection).await.optional()
}

/// Closes a locked period, for ever.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn close(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    month: Month,
    token: TokenId,
) -> QueryResult<PeriodRow> {
    let update = sql_query(concat!(
        "UPDATE statement_periods SET closed_at = now(), closed_by = $3
        WHERE tenant_id = $1 AND period = $2 RETURNING ",
        columns!()
    ))
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Date, _>(month.first_day())
    .bind::<SqlUuid, _>(token.as_uuid());
    kept(update).get_result(connection).await
}

#[derive(QueryableByName)]
struct Key {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = Date)]
    period: NaiveDate,
}
