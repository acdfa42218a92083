//! What is known of endpoints from their answers: one row an endpoint that ever failed, locked while it is changed, so that
//! replicas count one run of failures together.

use std::collections::BTreeMap;

use diesel::{
    OptionalExtension as _, QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{EndpointId, PublisherId, TenantId, Timestamp, TokenId};
use postgres_kit::{kept, text::without_nul};
use uuid::Uuid;

use super::{
    column::{Moment, column, from_sql, to_sql},
    deliveries::EndpointKey,
    publishers::Publisher,
};
use crate::domain::delivery::{Breaker, Condition};

/// Locks, in the order of their keys, the conditions of endpoints that were heard from. One that never failed is left out
/// unless it did now: whoever answers well costs nothing.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn lock(
    connection: &mut AsyncPgConnection,
    heard: &BTreeMap<EndpointKey, IsNews>,
) -> QueryResult<BTreeMap<EndpointKey, Known>> {
    let heard: Vec<_> = heard.iter().collect();
    let lock = sql_query(
        "INSERT INTO endpoint_conditions AS conditions (tenant_id, endpoint_id)
        SELECT heard.tenant_id, heard.endpoint_id
        FROM unnest($1, $2, $3) AS heard (tenant_id, endpoint_id, is_news)
        LEFT JOIN endpoint_conditions AS known
            ON known.tenant_id = heard.tenant_id AND known.endpoint_id = heard.endpoint_id
        WHERE is_news OR known.failures > 0 OR known.gone > 0 OR known.open_until IS NOT NULL
            OR known.paused_at IS NOT NULL
        ORDER BY heard.tenant_id, heard.endpoint_id
        ON CONFLICT (tenant_id, endpoint_id) DO UPDATE SET failures = conditions.failures
        RETURNING tenant_id, endpoint_id, failures, open_until, failed_probes, probing, gone, paused_at, starts",
    )
    .bind::<Array<SqlUuid>, _>(column(&heard, |((tenant, _), _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(&heard, |((_, endpoint), _)| endpoint.as_uuid()))
    .bind::<Array<Bool>, _>(column(&heard, |(_, is_news)| is_news.0));
    let rows: Vec<Row> = kept(lock).load(connection).await?;
    Ok(rows.into_iter().map(|row| (row.key(), row.known())).collect())
}

/// What is known of an endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// From its answers.
    pub condition: Condition,
    /// How often it has started afresh: what was claimed before the last time says nothing.
    pub starts: i64,
}

/// Whether an endpoint answered something that an endpoint which never failed has not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IsNews(pub bool);

/// Writes conditions of rows that are locked.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn save(
    connection: &mut AsyncPgConnection,
    conditions: &[(EndpointKey, Condition)],
) -> QueryResult<()> {
    let columns: Vec<Columns> = column(conditions, |(_, condition)| Columns::of(*condition));
    let update = sql_query(
        "UPDATE endpoint_conditions AS conditions SET failures = new.failures, open_until = new.open_until,
            failed_probes = new.failed_probes, probing = new.probing, gone = new.gone, paused_at = new.paused_at
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS new (
            tenant_id, endpoint_id, failures, open_until, failed_probes, probing, gone, paused_at)
        WHERE conditions.tenant_id = new.tenant_id AND conditions.endpoint_id = new.endpoint_id",
    )
    .bind::<Array<SqlUuid>, _>(column(conditions, |((tenant, _), _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(conditions, |((_, endpoint), _)| endpoint.as_uuid()))
    .bind::<Array<Integer>, _>(column(&columns, |row| row.failures))
    .bind::<Array<Nullable<Timestamptz>>, _>(column(&columns, |row| row.open_until))
    .bind::<Array<Integer>, _>(column(&columns, |row| row.failed_probes))
    .bind::<Array<Bool>, _>(column(&columns, |row| row.probing))
    .bind::<Array<Integer>, _>(column(&columns, |row| row.gone))
    .bind::<Array<Nullable<Timestamptz>>, _>(column(&columns, |row| row.paused_at));
    kept(update).execute(connection).await.map(drop)
}

/// Remembers until when probes are under way, each unless its endpoint was heard from meanwhile.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn begin_probes(
    mut connection: &AsyncPgConnection,
    probes: &[(EndpointKey, Probe)],
) -> QueryResult<()> {
    if probes.is_empty() {
        return Ok(());
    }
    let update = sql_query(
        "UPDATE endpoint_conditions AS conditions SET open_until = probe.ends, probing = true
        FROM unnest($1, $2, $3, $4) AS probe (tenant_id, endpoint_id, was_due, ends)
        WHERE conditions.tenant_id = probe.tenant_id AND conditions.endpoint_id = probe.endpoint_id
            AND open_until = was_due",
    )
    .bind::<Array<SqlUuid>, _>(column(probes, |((tenant, _), _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(probes, |((_, endpoint), _)| endpoint.as_uuid()))
    .bind::<Array<Timestamptz>, _>(column(probes, |(_, probe)| to_sql(probe.was_due)))
    .bind::<Array<Timestamptz>, _>(column(probes, |(_, probe)| to_sql(probe.ends)));
    kept(update).execute(&mut connection).await.map(drop)
}

/// A probe that begins.
#[derive(Debug, Clone, Copy)]
pub struct Probe {
    /// Since when it might.
    pub was_due: Timestamp,
    /// When its lease ends.
    pub ends: Timestamp,
}

/// Who paused or resumed endpoints.
#[derive(Debug, Clone)]
pub enum Change<'a> {
    /// Their own answers.
    Paused,
    /// A person, with a reason.
    Resumed(TokenId, &'a str),
}

/// Writes down who paused or resumed endpoints whose rows are locked, and why.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn note(
    connection: &mut AsyncPgConnection,
    endpoints: &[EndpointKey],
    change: &Change<'_>,
) -> QueryResult<()> {
    let (word, by, token, reason) = match change {
        Change::Paused => ("paused", "answers", None, "410 ten times in a row"),
        Change::Resumed(token, reason) => ("resumed", "person", Some(token.as_uuid()), *reason),
    };
    let insert = sql_query(
        "WITH counted AS (
            UPDATE endpoint_conditions AS conditions SET pauses = pauses + 1
            FROM unnest($1, $2) AS changed (tenant_id, endpoint_id)
            WHERE conditions.tenant_id = changed.tenant_id AND conditions.endpoint_id = changed.endpoint_id
            RETURNING conditions.tenant_id, conditions.endpoint_id, pauses
        )
        INSERT INTO endpoint_pauses (tenant_id, endpoint_id, number, change, made_by, token_id, reason)
        SELECT tenant_id, endpoint_id, pauses, $3, $4, $5, $6 FROM counted",
    )
    .bind::<Array<SqlUuid>, _>(column(endpoints, |(tenant, _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(endpoints, |(_, endpoint)| endpoint.as_uuid()))
    .bind::<Text, _>(word)
    .bind::<Text, _>(by)
    .bind::<Nullable<SqlUuid>, _>(token)
    .bind::<Text, _>(without_nul(reason));
    kept(insert).execute(connection).await.map(drop)
}

/// The condition of a publisher's endpoint, locked; `None` when it has no such endpoint.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn lock_one(
    connection: &mut AsyncPgConnection,
    (tenant, endpoint): EndpointKey,
    publisher: PublisherId,
) -> QueryResult<Option<Condition>> {
    let select = sql_query(
        "SELECT count(*) AS count FROM postback_endpoints
        WHERE tenant_id = $1 AND endpoint_id = $2 AND publisher_id = $3",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(endpoint.as_uuid())
    .bind::<SqlUuid, _>(publisher.as_uuid());
    let known: Count = kept(select).get_result(connection).await?;
    if known.count == 0 {
        return Ok(None);
    }
    let lock = sql_query(
        "SELECT failures, open_until, failed_probes, probing, gone, paused_at FROM endpoint_conditions
        WHERE tenant_id = $1 AND endpoint_id = $2 FOR UPDATE",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(endpoint.as_uuid());
    let columns: Option<Columns> = kept(lock).get_result(connection).await.optional()?;
    Ok(Some(columns.map_or(Condition::FRESH, Columns::condition)))
}

/// Lets an endpoint whose row is locked start afresh.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn start_afresh(
    connection: &mut AsyncPgConnection,
    (tenant, endpoint): EndpointKey,
) -> QueryResult<()> {
    let update = sql_query(
        "UPDATE endpoint_conditions SET failures = 0, open_until = NULL, failed_probes = 0, probing = false, gone = 0,
            paused_at = NULL, starts = starts + 1
        WHERE tenant_id = $1 AND endpoint_id = $2",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(endpoint.as_uuid());
    kept(update).execute(connection).await.map(drop)
}

// The endpoints of a publisher whose template is another one than the new one.
macro_rules! moved {
    () => {
        "FROM unnest($3, $4) AS new (endpoint_id, url_template)
        JOIN postback_endpoints AS endpoints ON endpoints.tenant_id = $1 AND endpoints.publisher_id = $2
            AND endpoints.endpoint_id = new.endpoint_id AND endpoints.url_template <> new.url_template"
    };
}

/// Lets endpoints whose URL is about to change start afresh: what was known, and what is still to be heard of attempts that
/// are under way, is of another receiver. Called before their rows are written. One that never failed gets a row by it, on
/// which whoever records such an attempt waits for this transaction.
///
/// # Errors
/// diesel's, when the statement fails.
pub(super) async fn refresh_moved(
    connection: &mut AsyncPgConnection,
    publisher: &Publisher,
) -> QueryResult<()> {
    let rows = publisher.endpoints.as_slice();
    let ids = || column(rows, |row| row.endpoint.id.as_uuid());
    let templates = || column(rows, |row| without_nul(&row.url_template));
    let insert = sql_query(concat!(
        "INSERT INTO endpoint_conditions (tenant_id, endpoint_id)
        SELECT endpoints.tenant_id, endpoints.endpoint_id ",
        moved!(),
        " ORDER BY endpoints.tenant_id, endpoints.endpoint_id
        ON CONFLICT DO NOTHING"
    ))
    .bind::<SqlUuid, _>(publisher.tenant.as_uuid())
    .bind::<SqlUuid, _>(publisher.id.as_uuid())
    .bind::<Array<SqlUuid>, _>(ids())
    .bind::<Array<Text>, _>(templates());
    kept(insert).execute(connection).await?;
    let update = sql_query(concat!(
        "WITH moved AS (
            SELECT conditions.tenant_id, conditions.endpoint_id, paused_at IS NOT NULL AS was_paused ",
        moved!(),
        " JOIN endpoint_conditions AS conditions ON conditions.tenant_id = endpoints.tenant_id
                AND conditions.endpoint_id = endpoints.endpoint_id
            ORDER BY conditions.tenant_id, conditions.endpoint_id
            FOR UPDATE OF conditions
        ), fresh AS (
            UPDATE endpoint_conditions AS conditions SET failures = 0, open_until = NULL, failed_probes = 0,
                probing = false, gone = 0, paused_at = NULL, starts = starts + 1, pauses = pauses + was_paused::integer
            FROM moved
            WHERE conditions.tenant_id = moved.tenant_id AND conditions.endpoint_id = moved.endpoint_id
            RETURNING conditions.tenant_id, conditions.endpoint_id, pauses, was_paused
        )
        INSERT INTO endpoint_pauses (tenant_id, endpoint_id, number, change, made_by, reason)
        SELECT tenant_id, endpoint_id, pauses, 'resumed', 'catalog', 'its URL was changed' FROM fresh WHERE was_paused"
    ))
    .bind::<SqlUuid, _>(publisher.tenant.as_uuid())
    .bind::<SqlUuid, _>(publisher.id.as_uuid())
    .bind::<Array<SqlUuid>, _>(ids())
    .bind::<Array<Text>, _>(templates());
    kept(update).execute(connection).await.map(drop)
}

/// Endpoints of all tenants whose due work waits.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub struct Held {
    /// Paused.
    #[diesel(sql_type = BigInt)]
    pub paused: i64,
    /// With an open breaker, and not paused.
    #[diesel(sql_type = BigInt)]
    pub open: i64,
}

/// How many endpoints that are switched on are held.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn held(connection: &mut AsyncPgConnection) -> QueryResult<Held> {
    let select = sql_query(
        "SELECT count(*) FILTER (WHERE paused_at IS NOT NULL) AS paused,
            count(*) FILTER (WHERE paused_at IS NULL) AS open
        FROM endpoint_conditions AS conditions
        JOIN postback_endpoints AS endpoints USING (tenant_id, endpoint_id)
        WHERE (paused_at IS NOT NULL OR open_until IS NOT NULL) AND active",
    );
    kept(select).get_result(connection).await
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    endpoint_id: Uuid,
    #[diesel(embed)]
    columns: Columns,
    #[diesel(sql_type = BigInt)]
    starts: i64,
}

impl Row {
    fn known(self) -> Known {
        Known { starts: self.starts, condition: self.columns.condition() }
    }

    const fn key(&self) -> EndpointKey {
        (TenantId::from_uuid(self.tenant_id), EndpointId::from_uuid(self.endpoint_id))
    }
}

/// A condition as columns.
#[derive(Debug, Clone, QueryableByName)]
pub(super) struct Columns {
    #[diesel(sql_type = Integer)]
    failures: i32,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    open_until: Option<Moment>,
    #[diesel(sql_type = Integer)]
    failed_probes: i32,
    #[diesel(sql_type = Bool)]
    probing: bool,
    #[diesel(sql_type = Integer)]
    gone: i32,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    paused_at: Option<Moment>,
}

impl Columns {
    fn of(condition: Condition) -> Self {
        let whole = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
        let closed = Self {
            failures: 0,
            open_until: None,
            failed_probes: 0,
            probing: false,
            gone: whole(condition.gone),
            paused_at: condition.paused_at.map(to_sql),
        };
        match condition.breaker {
            Breaker::Closed { failures } => Self { failures: whole(failures), ..closed },
            Breaker::Open { until, failed_probes, probing } => Self {
                open_until: Some(to_sql(until)),
                failed_probes: whole(failed_probes),
                probing,
                ..closed
            },
        }
    }

    pub(super) fn condition(self) -> Condition {
        let count = |count: i32| u32::try_from(count).unwrap_or_default();
        let breaker = match self.open_until {
            None => Breaker::Closed { failures: count(self.failures) },
            Some(until) => Breaker::Open {
                until: from_sql(until),
                failed_probes: count(self.failed_probes),
                probing: self.probing,
            },
        };
        Condition { breaker, gone: count(self.gone), paused_at: self.paused_at.map(from_sql) }
    }
}
