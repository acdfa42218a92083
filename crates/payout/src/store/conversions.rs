//! Conversions as they stand.

use std::collections::HashMap;

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{AdvertiserId, ClickId, ConversionId, Micros, OfferEventId, OfferId, PublisherId, TenantId};
use postgres_kit::{kept, text::without_nul};
use telemetry::TraceContext;
use terms::{AppliedRate, Breakdown, Rate, Reported};
use uuid::Uuid;

use super::{
    column::{
        Moment, column, currency_from_sql, from_sql, money_from_sql, revision_from_sql, revision_to_sql,
        to_sql, unreadable,
    },
    words,
};
use crate::domain::{
    conversion::{Conversion, Counted, Occasion, Reason, Subject},
    ledger::Books,
    limits::Taking,
    standing::Standing,
};

/// Names a conversion.
pub type Key = (TenantId, ConversionId);

/// A conversion and the trace that its consequences belong to.
#[derive(Debug, Clone)]
pub struct Stored {
    /// As it stands.
    pub conversion: Conversion,
    /// Of the postback behind its verdict.
    pub trace: TraceContext,
}

/// A conversion to write, with the verdict it answers.
#[derive(Debug, Clone, Copy)]
pub struct Write<'a> {
    /// As it shall stand.
    pub conversion: &'a Conversion,
    /// The encoded verdict.
    pub verdict: &'a [u8],
    /// Of the postback behind it.
    pub trace: &'a TraceContext,
}

/// The columns of [`Row`].
macro_rules! columns {
    () => {
        "conversions.tenant_id, conversions.conversion_id, gk_click_id, advertiser_id, publisher_id, offer_id, \
         offer_event_id, received_at, event_id, occurrence, status, status_by, status_revision, verdict_revision, reason_code, reason, hold_ends_at, \
         currency, revenue_micros, payout_micros, reward_points, rate_from, rate_e12, reported_currency, \
         reported_micros, reported_usd_micros, books, books_since, traceparent, tracestate, counted, taken_at, \
         taken_micros, taken_currency, unpaid_for"
    };
}
pub(super) use columns;

/// Locks and returns those of `keys` that exist. Rows are locked in the order of their keys, so batches never wait for each
/// other in a circle.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn lock(mut connection: &AsyncPgConnection, keys: &[Key]) -> QueryResult<HashMap<Key, Stored>> {
    let select = sql_query(concat!(
        "SELECT ",
        columns!(),
        " FROM conversions JOIN unnest($1, $2) AS wanted (tenant_id, conversion_id)
            ON wanted.tenant_id = conversions.tenant_id AND wanted.conversion_id = conversions.conversion_id
        ORDER BY conversions.tenant_id, conversions.conversion_id FOR UPDATE OF conversions"
    ))
    .bind::<Array<SqlUuid>, _>(column(keys, |(tenant, _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(keys, |(_, conversion)| conversion.as_uuid()));
    let rows: Vec<Row> = kept(select).load(&mut connection).await?;
    rows.into_iter()
        .map(|row| Stored::try_from(row).map(|stored| (key(&stored.conversion.subject), stored)))
        .collect()
}

/// Inserts new conversions and returns how many were really new. Fewer than given: another replica was first with one of
/// them, and the whole decision has to be made again.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn insert(mut connection: &AsyncPgConnection, rows: &[Write<'_>]) -> QueryResult<usize> {
    let insert = sql_query(
        "INSERT INTO conversions (
            tenant_id, conversion_id, gk_click_id, advertiser_id, publisher_id, offer_id, offer_event_id, received_at,
            status, status_by, status_revision, verdict_revision, reason_code, reason, hold_ends_at,
            currency, revenue_micros, payout_micros, reward_points, rate_from, rate_e12,
            reported_currency, reported_micros, reported_usd_micros, books, books_since,
            verdict, traceparent, tracestate, event_id, occurrence, counted, taken_at, taken_micros, taken_currency,
            unpaid_for)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
            $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33,
            $34, $35, $36)
        ON CONFLICT (tenant_id, conversion_id) DO NOTHING",
    )
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.conversion.subject.tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.conversion.subject.conversion.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.conversion.subject.click.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.conversion.subject.advertiser.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.conversion.subject.publisher.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.conversion.subject.offer.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.conversion.subject.offer_event.as_uuid()))
    .bind::<Array<Timestamptz>, _>(column(rows, |row| to_sql(row.conversion.occasion.received_at)))
    .bind::<Array<Text>, _>(column(rows, |row| words::status(row.conversion.standing.status)))
    .bind::<Array<Text>, _>(column(rows, |row| words::actor(row.conversion.standing.by)))
    .bind::<Array<BigInt>, _>(column(rows, |row| revision_to_sql(row.conversion.status_revision)))
    .bind::<Array<BigInt>, _>(column(rows, |row| revision_to_sql(row.conversion.verdict_revision)))
    .bind::<Array<Text>, _>(column(rows, |row| without_nul(&row.conversion.reason.code)))
    .bind::<Array<Text>, _>(column(rows, |row| without_nul(&row.conversion.reason.text)))
    .bind::<Array<Timestamptz>, _>(column(rows, |row| to_sql(row.conversion.due_at)))
    .bind::<Array<Nullable<Text>>, _>(column(rows, |row| currency(row.conversion)))
    .bind::<Array<Nullable<BigInt>>, _>(column(rows, |row| row.conversion.money.map(|money| money.revenue.0)))
    .bind::<Array<Nullable<BigInt>>, _>(column(rows, |row| row.conversion.money.map(|money| money.payout.0)))
    .bind::<Array<BigInt>, _>(column(rows, |row| reward_points(row.conversion)))
    .bind::<Array<Nullable<Text>>, _>(column(rows, |row| rate_from(row.conversion)))
    .bind::<Array<Nullable<BigInt>>, _>(column(rows, |row| rate_e12(row.conversion)))
    .bind::<Array<Nullable<Text>>, _>(column(rows, |row| reported_currency(row.conversion)))
    .bind::<Array<Nullable<BigInt>>, _>(column(rows, |row| row.conversion.reported.amount.map(|money| money.amount.0)))
    .bind::<Array<Nullable<BigInt>>, _>(column(rows, |row| row.conversion.reported.usd.map(|usd| usd.0)))
    .bind::<Array<Text>, _>(column(rows, |row| books(row.conversion).0))
    .bind::<Array<Nullable<BigInt>>, _>(column(rows, |row| books(row.conversion).1))
    .bind::<Array<Binary>, _>(column(rows, |row| row.verdict))
    .bind::<Array<Text>, _>(column(rows, |row| row.trace.traceparent.as_str()))
    .bind::<Array<Text>, _>(column(rows, |row| row.trace.tracestate.as_str()))
    .bind::<Array<Text>, _>(column(rows, |row| without_nul(&row.conversion.occasion.event_id)))
    .bind::<Array<Text>, _>(column(rows, |row| without_nul(&row.conversion.occasion.occurrence)))
    .bind::<Array<Text>, _>(column(rows, |row| counted(row.conversion)))
    .bind::<Array<Nullable<Timestamptz>>, _>(column(rows, |row| taken_at(row.conversion)))
    .bind::<Array<Nullable<BigInt>>, _>(column(rows, |row| taken_micros(row.conversion)))
    .bind::<Array<Nullable<Text>>, _>(column(rows, |row| taken_currency(row.conversion)))
    .bind::<Array<Nullable<Text>>, _>(column(rows, |row| unpaid_for(row.conversion)));
    kept(insert).execute(&mut connection).await
}

/// Writes the newer state of conversions that this transaction has locked, with a newer verdict.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn update(mut connection: &AsyncPgConnection, rows: &[Write<'_>]) -> QueryResult<usize> {
    let update = sql_query(
        "UPDATE conversions SET
            received_at = new.received_at, verdict_revision = new.verdict_revision, hold_ends_at = new.hold_ends_at,
            reported_currency = new.reported_currency, reported_micros = new.reported_micros,
            reported_usd_micros = new.reported_usd_micros, verdict = new.verdict, traceparent = new.traceparent,
            tracestate = new.tracestate
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS new (
            tenant_id, conversion_id, received_at, verdict_revision, hold_ends_at, reported_currency, reported_micros,
            reported_usd_micros, verdict, traceparent, tracestate)
        WHERE conversions.tenant_id = new.tenant_id AND conversions.conversion_id = new.conversion_id",
    )
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.conversion.subject.tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.conversion.subject.conversion.as_uuid()))
    .bind::<Array<Timestamptz>, _>(column(rows, |row| to_sql(row.conversion.occasion.received_at)))
    .bind::<Array<BigInt>, _>(column(rows, |row| revision_to_sql(row.conversion.verdict_revision)))
    .bind::<Array<Timestamptz>, _>(column(rows, |row| to_sql(row.conversion.due_at)))
    .bind::<Array<Nullable<Text>>, _>(column(rows, |row| reported_currency(row.conversion)))
    .bind::<Array<Nullable<BigInt>>, _>(column(rows, |row| row.conversion.reported.amount.map(|money| money.amount.0)))
    .bind::<Array<Nullable<BigInt>>, _>(column(rows, |row| row.conversion.reported.usd.map(|usd| usd.0)))
    .bind::<Array<Binary>, _>(column(rows, |row| row.verdict))
    .bind::<Array<Text>, _>(column(rows, |row| row.trace.traceparent.as_str()))
    .bind::<Array<Text>, _>(column(rows, |row| row.trace.tracestate.as_str()));
    kept(update).execute(&mut connection).await
}

/// Writes the newer standing, money and books of conversions that this transaction has locked.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn change(mut connection: &AsyncPgConnection, rows: &[&Conversion]) -> QueryResult<usize> {
    let update = sql_query(
        "UPDATE conversions SET
            status = new.status, status_by = new.status_by, status_revision = new.status_revision,
            reason_code = new.reason_code, reason = new.reason, currency = new.currency,
            revenue_micros = new.revenue_micros, payout_micros = new.payout_micros,
            reward_points = new.reward_points, rate_from = new.rate_from, rate_e12 = new.rate_e12, books = new.books,
            books_since = new.books_since, counted = new.counted, taken_at = new.taken_at,
            taken_micros = new.taken_micros, taken_currency = new.taken_currency, unpaid_for = new.unpaid_for,
            changed_at = now()
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
            $17, $18, $19, $20) AS new (
            tenant_id, conversion_id, status, status_by, status_revision, reason_code, reason, currency,
            revenue_micros, payout_micros, reward_points, rate_from, rate_e12, books, books_since, counted, taken_at, taken_micros, taken_currency,
            unpaid_for)
        WHERE conversions.tenant_id = new.tenant_id AND conversions.conversion_id = new.conversion_id",
    )
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.subject.tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.subject.conversion.as_uuid()))
    .bind::<Array<Text>, _>(column(rows, |row| words::status(row.standing.status)))
    .bind::<Array<Text>, _>(column(rows, |row| words::actor(row.standing.by)))
    .bind::<Array<BigInt>, _>(column(rows, |row| revision_to_sql(row.status_revision)))
    .bind::<Array<Text>, _>(column(rows, |row| without_nul(&row.reason.code)))
    .bind::<Array<Text>, _>(column(rows, |row| without_nul(&row.reason.text)))
    .bind::<Array<Nullable<Text>>, _>(column(rows, |row| currency(row)))
    .bind::<Array<Nullable<BigInt>>, _>(column(rows, |row| row.money.map(|money| money.revenue.0)))
    .bind::<Array<Nullable<BigInt>>, _>(column(rows, |row| row.money.map(|money| money.payout.0)))
    .bind::<Array<BigInt>, _>(column(rows, |row| reward_points(row)))
    .bind::<Array<Nullable<Text>>, _>(column(rows, |row| rate_from(row)))
    .bind::<Array<Nullable<BigInt>>, _>(column(rows, |row| rate_e12(row)))
    .bind::<Array<Text>, _>(column(rows, |row| books(row).0))
    .bind::<Array<Nullable<BigInt>>, _>(column(rows, |row| books(row).1))
    .bind::<Array<Text>, _>(column(rows, |row| counted(row)))
    .bind::<Array<Nullable<Timestamptz>>, _>(column(rows, |row| taken_at(row)))
    .bind::<Array<Nullable<BigInt>>, _>(column(rows, |row| taken_micros(row)))
    .bind::<Array<Nullable<Text>>, _>(column(rows, |row| taken_currency(row)))
    .bind::<Array<Nullable<Text>>, _>(column(rows, |row| unpaid_for(row)));
    kept(update).execute(&mut connection).await
}

const fn key(subject: &Subject) -> Key {
    (subject.tenant, subject.conversion)
}

fn currency(conversion: &Conversion) -> Option<String> {
    conversion.money.map(|money| money.currency.to_string())
}

fn reward_points(conversion: &Conversion) -> i64 {
    conversion.money.map_or(0, |money| money.reward_points)
}

fn rate_from(conversion: &Conversion) -> Option<String> {
    conversion.money.and_then(|money| money.rate).map(|applied| applied.from.to_string())
}

fn rate_e12(conversion: &Conversion) -> Option<i64> {
    conversion.money.and_then(|money| money.rate).map(|applied| applied.rate.e12())
}

fn reported_currency(conversion: &Conversion) -> Option<String> {
    conversion.reported.amount.map(|money| money.currency.to_string())
}

fn books(conversion: &Conversion) -> (&'static str, Option<i64>) {
    match conversion.books {
        Books::Empty => ("empty", None),
        Books::Reserved { since } => ("reserved", Some(revision_to_sql(since))),
        Books::Posted { since } => ("posted", Some(revision_to_sql(since))),
    }
}

const fn counted(conversion: &Conversion) -> &'static str {
    match conversion.counted {
        Counted::Nowhere => "nowhere",
        Counted::Waiting => "waiting",
        Counted::Taken(_) => "taken",
        Counted::Unpaid(_) => "unpaid",
    }
}

const fn taking(conversion: &Conversion) -> Option<Taking> {
    match conversion.counted {
        Counted::Taken(taking) => Some(taking),
        Counted::Nowhere | Counted::Waiting | Counted::Unpaid(_) => None,
    }
}

fn taken_at(conversion: &Conversion) -> Option<Moment> {
    taking(conversion).map(|taking| to_sql(taking.at))
}

fn taken_micros(conversion: &Conversion) -> Option<i64> {
    taking(conversion).map(|taking| taking.amount.amount.0)
}

fn taken_currency(conversion: &Conversion) -> Option<String> {
    taking(conversion).map(|taking| taking.amount.currency.to_string())
}

fn unpaid_for(conversion: &Conversion) -> Option<String> {
    match conversion.counted {
        Counted::Unpaid(limit) => limit.map(words::limit),
        Counted::Nowhere | Counted::Waiting | Counted::Taken(_) => None,
    }
}

/// One row of `conversions`, without its verdict.
#[derive(QueryableByName)]
pub(super) struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    conversion_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    gk_click_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    advertiser_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    publisher_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    offer_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    offer_event_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    received_at: Moment,
    #[diesel(sql_type = Text)]
    event_id: String,
    #[diesel(sql_type = Text)]
    occurrence: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Text)]
    status_by: String,
    #[diesel(sql_type = BigInt)]
    status_revision: i64,
    #[diesel(sql_type = BigInt)]
    verdict_revision: i64,
    #[diesel(sql_type = Text)]
    reason_code: String,
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = Timestamptz)]
    hold_ends_at: Moment,
    #[diesel(sql_type = Nullable<Text>)]
    currency: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    revenue_micros: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    payout_micros: Option<i64>,
    #[diesel(sql_type = BigInt)]
    reward_points: i64,
    #[diesel(sql_type = Nullable<Text>)]
    rate_from: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    rate_e12: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    reported_currency: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    reported_micros: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    reported_usd_micros: Option<i64>,
    #[diesel(sql_type = Text)]
    books: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    books_since: Option<i64>,
    #[diesel(sql_type = Text)]
    traceparent: String,
    #[diesel(sql_type = Text)]
    tracestate: String,
    #[diesel(sql_type = Text)]
    counted: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    taken_at: Option<Moment>,
    #[diesel(sql_type = Nullable<BigInt>)]
    taken_micros: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    taken_currency: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    unpaid_for: Option<String>,
}

impl Row {
    fn money(&self) -> QueryResult<Option<Breakdown>> {
        let (Some(revenue), Some(payout), Some(code)) =
            (self.revenue_micros, self.payout_micros, &self.currency)
        else {
            return Ok(None);
        };
        let currency = currency_from_sql(code)?;
        let rate = match (&self.rate_from, self.rate_e12.and_then(Rate::from_e12)) {
            (Some(from), Some(rate)) => {
                Some(AppliedRate { from: currency_from_sql(from)?, to: currency, rate })
            }
            (None | Some(_), None | Some(_)) => None,
        };
        let (revenue, payout) = (Micros(revenue), Micros(payout));
        let margin =
            revenue.checked_sub(payout).ok_or_else(|| unreadable("payout_micros", "beyond revenue"))?;
        Ok(Some(Breakdown { currency, revenue, payout, margin, reward_points: self.reward_points, rate }))
    }

    fn counted(&self) -> QueryResult<Counted> {
        let taken = money_from_sql(self.taken_micros, self.taken_currency.as_deref())?.zip(self.taken_at);
        match (self.counted.as_str(), taken) {
            ("nowhere", None) => Ok(Counted::Nowhere),
            ("waiting", None) => Ok(Counted::Waiting),
            ("unpaid", None) => {
                self.unpaid_for.as_deref().map(words::read_limit).transpose().map(Counted::Unpaid)
            }
            ("taken", Some((amount, at))) => Ok(Counted::Taken(Taking { at: from_sql(at), amount })),
            (other, _) => Err(unreadable("counted", other)),
        }
    }

    fn books(&self) -> QueryResult<Books> {
        match (self.books.as_str(), self.books_since.map(revision_from_sql)) {
            ("empty", None) => Ok(Books::Empty),
            ("reserved", Some(since)) => Ok(Books::Reserved { since }),
            ("posted", Some(since)) => Ok(Books::Posted { since }),
            (other, _) => Err(unreadable("books", other)),
        }
    }
}

impl TryFrom<Row> for Stored {
    type Error = diesel::result::Error;

    fn try_from(row: Row) -> QueryResult<Self> {
        let conversion = Conversion {
            subject: Subject {
                tenant: TenantId::from_uuid(row.tenant_id),
                conversion: ConversionId::from_uuid(row.conversion_id),
                click: ClickId::from_uuid(row.gk_click_id),
                advertiser: AdvertiserId::from_uuid(row.advertiser_id),
                publisher: PublisherId::from_uuid(row.publisher_id),
                offer: OfferId::from_uuid(row.offer_id),
                offer_event: OfferEventId::from_uuid(row.offer_event_id),
            },
            standing: Standing {
                status: words::read_status(&row.status)?,
                by: words::read_actor(&row.status_by)?,
            },
            status_revision: revision_from_sql(row.status_revision),
            verdict_revision: revision_from_sql(row.verdict_revision),
            due_at: from_sql(row.hold_ends_at),
            money: row.money()?,
            reported: Reported {
                amount: money_from_sql(row.reported_micros, row.reported_currency.as_deref())?,
                usd: row.reported_usd_micros.map(Micros),
            },
            books: row.books()?,
            counted: row.counted()?,
            occasion: Occasion {
                event_id: row.event_id,
                occurrence: row.occurrence,
                received_at: from_sql(row.received_at),
            },
            reason: Reason { code: row.reason_code, text: row.reason },
        };
        Ok(Self {
            conversion,
            trace: TraceContext { traceparent: row.traceparent, tracestate: row.tracestate },
        })
    }
}
