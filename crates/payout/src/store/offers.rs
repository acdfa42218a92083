//! The limits of offers and the state of their budgets. The row of an offer is the lock under which its conversions are
//! counted: rows are locked in the order of their keys, and before any conversion, so that nobody waits in a circle.

use std::collections::HashMap;

use diesel::{
    QueryResult, QueryableByName,
    pg::Pg,
    query_builder::{BoxedSqlQuery, SqlQuery},
    sql_query,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{Micros, OfferEventId, OfferId, TenantId};
use postgres_kit::kept;
use uuid::Uuid;

use super::{
    column::{
        Moment, column, currency_from_sql, from_sql, revision_from_sql, revision_to_sql, to_sql, unreadable,
    },
    words,
};
use crate::domain::limits::{Bounds, BudgetState, Cap, CapOf, Heard, OfferKey, Raised, Raises};

/// The catalog's word on an offer, as far as payout needs it.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Whose offer.
    pub key: OfferKey,
    /// Its limits.
    pub bounds: Bounds,
    /// Which of payout's raises are in its budgets.
    pub heard: Heard,
}

/// What was told of a budget last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ToldBudget {
    /// Counts what was told; 0: nothing.
    pub version: u64,
    /// The state.
    pub state: BudgetState,
}

/// An offer as it is locked.
#[derive(Debug, Clone)]
pub struct Locked {
    /// Its limits as the catalog says them.
    pub said: Bounds,
    /// What was raised here.
    pub raises: Raises,
    /// What everybody believes of its budget.
    pub told: ToldBudget,
}

impl Locked {
    /// The limits that count.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        self.said.raised(&self.raises)
    }
}

macro_rules! find {
    () => {
        "SELECT offers.tenant_id, offers.offer_id, version, currency, total_micros, daily_micros, least_micros,
            over_limit, budget_version, budget_state, budget_resumes_at, total_raise, raised_total_micros, daily_raise,
            raised_daily_micros
        FROM offers JOIN unnest($1, $2) AS wanted (tenant_id, offer_id)
            ON wanted.tenant_id = offers.tenant_id AND wanted.offer_id = offers.offer_id"
    };
}

const FIND: &str = find!();
const LOCK: &str = concat!(find!(), " ORDER BY offers.tenant_id, offers.offer_id FOR UPDATE OF offers");
const CAPS: &str = "SELECT caps.tenant_id, caps.offer_id, offer_event_id, by_publisher, period, bound
    FROM offer_caps AS caps JOIN unnest($1, $2) AS wanted (tenant_id, offer_id)
        ON wanted.tenant_id = caps.tenant_id AND wanted.offer_id = caps.offer_id
    ORDER BY offer_event_id, by_publisher, array_position(ARRAY['day', 'week', 'month', 'all_time'], period)";

/// Writes an offer unless a newer version of it is there, and says whether it did. One of the same version is written again.
/// What was raised here is left alone: see [`save_raises`].
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn apply(connection: &mut AsyncPgConnection, offer: &Offer) -> QueryResult<bool> {
    let Offer { key: (tenant, id), bounds, heard: _ } = offer;
    let upsert = sql_query(
        "INSERT INTO offers (
            tenant_id, offer_id, version, currency, total_micros, daily_micros, least_micros, over_limit)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (tenant_id, offer_id) DO UPDATE SET
            version = excluded.version, currency = excluded.currency, total_micros = excluded.total_micros,
            daily_micros = excluded.daily_micros, least_micros = excluded.least_micros,
            over_limit = excluded.over_limit
        WHERE offers.version <= excluded.version",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(id.as_uuid())
    .bind::<Integer, _>(i32::try_from(bounds.version).unwrap_or(i32::MAX))
    .bind::<Text, _>(bounds.currency.to_string())
    .bind::<Nullable<BigInt>, _>(bounds.total.map(|micros| micros.0))
    .bind::<Nullable<BigInt>, _>(bounds.daily.map(|micros| micros.0))
    .bind::<BigInt, _>(bounds.least.0)
    .bind::<Text, _>(bounds.action.word());
    if kept(upsert).execute(connection).await? == 0 {
        return Ok(false);
    }
    let delete = sql_query("DELETE FROM offer_caps WHERE tenant_id = $1 AND offer_id = $2")
        .bind::<SqlUuid, _>(tenant.as_uuid())
        .bind::<SqlUuid, _>(id.as_uuid());
    kept(delete).execute(connection).await?;
    let insert = sql_query(
        "INSERT INTO offer_caps (tenant_id, offer_id, offer_event_id, by_publisher, period, bound)
        SELECT $1, $2, * FROM unnest($3, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(id.as_uuid())
    .bind::<Array<SqlUuid>, _>(column(&bounds.caps, |cap| {
        words::or_nil(cap.of.event().map(OfferEventId::as_uuid))
    }))
    .bind::<Array<Bool>, _>(column(&bounds.caps, |cap| matches!(cap.of, CapOf::EventByPublisher(_))))
    .bind::<Array<Text>, _>(column(&bounds.caps, |cap| cap.period.word()))
    .bind::<Array<BigInt>, _>(column(&bounds.caps, |cap| i64::try_from(cap.bound).unwrap_or(i64::MAX)));
    kept(insert).execute(connection).await?;
    Ok(true)
}

/// Locks and returns those of `keys` that are known.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn lock(
    mut connection: &AsyncPgConnection,
    keys: &[OfferKey],
) -> QueryResult<HashMap<OfferKey, Locked>> {
    // The caps are read once the offers are locked: they change only with their offer.
    let rows: Vec<Row> = kept(named(LOCK, keys)).load(&mut connection).await?;
    offers(connection, keys, rows).await
}

/// Those of `keys` that are known, as they stand.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn find(
    connection: &mut AsyncPgConnection,
    keys: &[OfferKey],
) -> QueryResult<HashMap<OfferKey, Locked>> {
    let rows: Vec<Row> = kept(named(FIND, keys)).load(connection).await?;
    offers(connection, keys, rows).await
}

fn named(statement: &'static str, keys: &[OfferKey]) -> BoxedSqlQuery<'static, Pg, SqlQuery> {
    sql_query(statement)
        .into_boxed()
        .bind::<Array<SqlUuid>, _>(column(keys, |(tenant, _)| tenant.as_uuid()))
        .bind::<Array<SqlUuid>, _>(column(keys, |(_, offer)| offer.as_uuid()))
}

async fn offers(
    mut connection: &AsyncPgConnection,
    keys: &[OfferKey],
    rows: Vec<Row>,
) -> QueryResult<HashMap<OfferKey, Locked>> {
    let mut offers = rows.into_iter().map(Row::read).collect::<QueryResult<HashMap<_, _>>>()?;
    let caps: Vec<CapRow> = kept(named(CAPS, keys)).load(&mut connection).await?;
    for row in caps {
        let key = (TenantId::from_uuid(row.tenant_id), OfferId::from_uuid(row.offer_id));
        let cap = row.read()?;
        if let Some(offer) = offers.get_mut(&key) {
            offer.said.caps.push(cap);
        }
    }
    Ok(offers)
}

/// Writes down what is told of budgets.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn tell_budgets(
    mut connection: &AsyncPgConnection,
    rows: &[(OfferKey, ToldBudget)],
) -> QueryResult<()> {
    let update = sql_query(
        "UPDATE offers SET budget_version = new.version, budget_state = new.state, budget_resumes_at = new.resumes_at
        FROM unnest($1, $2, $3, $4, $5) AS new (tenant_id, offer_id, version, state, resumes_at)
        WHERE offers.tenant_id = new.tenant_id AND offers.offer_id = new.offer_id",
    )
    .bind::<Array<SqlUuid>, _>(column(rows, |((tenant, _), _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(rows, |((_, offer), _)| offer.as_uuid()))
    .bind::<Array<BigInt>, _>(column(rows, |(_, told)| revision_to_sql(told.version)))
    .bind::<Array<Text>, _>(column(rows, |(_, told)| match told.state {
        BudgetState::Open => "open",
        BudgetState::Spent | BudgetState::SpentUntil(_) => "spent",
    }))
    .bind::<Array<Nullable<Timestamptz>>, _>(column(rows, |(_, told)| match told.state {
        BudgetState::SpentUntil(moment) => Some(to_sql(moment)),
        BudgetState::Open | BudgetState::Spent => None,
    }));
    kept(update).execute(&mut connection).await.map(drop)
}

/// Writes down what was raised of locked offers.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn save_raises(connection: &mut AsyncPgConnection, rows: &[(OfferKey, Raises)]) -> QueryResult<()> {
    let update = sql_query(
        "UPDATE offers SET total_raise = new.total_raise, raised_total_micros = new.total_micros,
            daily_raise = new.daily_raise, raised_daily_micros = new.daily_micros
        FROM unnest($1, $2, $3, $4, $5, $6)
            AS new (tenant_id, offer_id, total_raise, total_micros, daily_raise, daily_micros)
        WHERE offers.tenant_id = new.tenant_id AND offers.offer_id = new.offer_id",
    )
    .bind::<Array<SqlUuid>, _>(column(rows, |((tenant, _), _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(rows, |((_, offer), _)| offer.as_uuid()))
    .bind::<Array<BigInt>, _>(column(rows, |(_, raises)| revision_to_sql(raises.total.number)))
    .bind::<Array<Nullable<BigInt>>, _>(column(rows, |(_, raises)| raises.total.bound.map(|bound| bound.0)))
    .bind::<Array<BigInt>, _>(column(rows, |(_, raises)| revision_to_sql(raises.daily.number)))
    .bind::<Array<Nullable<BigInt>>, _>(column(rows, |(_, raises)| raises.daily.bound.map(|bound| bound.0)));
    kept(update).execute(connection).await.map(drop)
}

/// Up to `limit` offers whose day is over by the database's clock, those first that were due first.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn resuming(connection: &mut AsyncPgConnection, limit: u16) -> QueryResult<Vec<OfferKey>> {
    let select = sql_query(
        "SELECT tenant_id, offer_id FROM offers WHERE budget_resumes_at <= now()
        ORDER BY budget_resumes_at LIMIT $1",
    )
    .bind::<BigInt, _>(i64::from(limit));
    let rows: Vec<KeyRow> = kept(select).load(connection).await?;
    Ok(rows
        .into_iter()
        .map(|row| (TenantId::from_uuid(row.tenant_id), OfferId::from_uuid(row.offer_id)))
        .collect())
}

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    offer_id: Uuid,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    offer_id: Uuid,
    #[diesel(sql_type = Integer)]
    version: i32,
    #[diesel(sql_type = Text)]
    currency: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    total_micros: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    daily_micros: Option<i64>,
    #[diesel(sql_type = BigInt)]
    least_micros: i64,
    #[diesel(sql_type = Text)]
    over_limit: String,
    #[diesel(sql_type = BigInt)]
    budget_version: i64,
    #[diesel(sql_type = Text)]
    budget_state: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    budget_resumes_at: Option<Moment>,
    #[diesel(sql_type = BigInt)]
    total_raise: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    raised_total_micros: Option<i64>,
    #[diesel(sql_type = BigInt)]
    daily_raise: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    raised_daily_micros: Option<i64>,
}

impl Row {
    fn read(self) -> QueryResult<(OfferKey, Locked)> {
        let state = match (self.budget_state.as_str(), self.budget_resumes_at) {
            ("open", None) => BudgetState::Open,
            ("spent", None) => BudgetState::Spent,
            ("spent", Some(moment)) => BudgetState::SpentUntil(from_sql(moment)),
            (other, _) => return Err(unreadable("budget_state", other)),
        };
        let said = Bounds {
            version: u32::try_from(self.version).unwrap_or_default(),
            currency: currency_from_sql(&self.currency)?,
            total: self.total_micros.map(Micros),
            daily: self.daily_micros.map(Micros),
            least: Micros(self.least_micros),
            action: words::read_over_limit(&self.over_limit)?,
            caps: Vec::new(),
        };
        let told = ToldBudget { version: revision_from_sql(self.budget_version), state };
        let last = |number, bound: Option<i64>| Raised {
            number: revision_from_sql(number),
            bound: bound.map(Micros),
        };
        let raises = Raises {
            total: last(self.total_raise, self.raised_total_micros),
            daily: last(self.daily_raise, self.raised_daily_micros),
        };
        let key = (TenantId::from_uuid(self.tenant_id), OfferId::from_uuid(self.offer_id));
        Ok((key, Locked { said, raises, told }))
    }
}

#[derive(QueryableByName)]
struct CapRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    offer_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    offer_event_id: Uuid,
    #[diesel(sql_type = Bool)]
    by_publisher: bool,
    #[diesel(sql_type = Text)]
    period: String,
    #[diesel(sql_type = BigInt)]
    bound: i64,
}

impl CapRow {
    fn read(&self) -> QueryResult<Cap> {
        let event = OfferEventId::from_uuid(self.offer_event_id);
        let of = match (self.offer_event_id.is_nil(), self.by_publisher) {
            (true, _) => CapOf::Offer,
            (false, false) => CapOf::Event(event),
            (false, true) => CapOf::EventByPublisher(event),
        };
        Ok(Cap {
            of,
            period: words::read_period(&self.period)?,
            bound: u64::try_from(self.bound).unwrap_or_default(),
        })
    }
}
