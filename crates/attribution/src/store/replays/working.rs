//! A replay is worked on, and what was found is written down.

use std::collections::BTreeSet;

use diesel::{
    OptionalExtension as _, QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Bool, Integer, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ClickId, TenantId};
use postgres_kit::kept;
use uuid::Uuid;

use crate::store::JourneyKey;

/// A replay that this transaction works on.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Whose.
    pub tenant: TenantId,
    /// Its id.
    pub id: Uuid,
    /// Writes nothing but its report.
    pub dry_run: bool,
    /// `recorded`, `newest`, `version` or `draft`.
    pub terms: String,
    /// The version that is meant; none of `newest` where each offer has its own.
    pub version: Option<u32>,
    /// The draft, as its fact.
    pub draft: Option<Vec<u8>>,
    /// Whether its clicks were named.
    pub names_clicks: bool,
    /// Whether it is known which journeys it is about.
    pub is_selected: bool,
    /// How many they are.
    pub selected: i64,
    /// The last click that was judged.
    pub after: Option<Uuid>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    replay_id: Uuid,
    #[diesel(sql_type = Bool)]
    dry_run: bool,
    #[diesel(sql_type = Text)]
    terms: String,
    #[diesel(sql_type = Nullable<Integer>)]
    version: Option<i32>,
    #[diesel(sql_type = Nullable<Binary>)]
    draft: Option<Vec<u8>>,
    #[diesel(sql_type = Bool)]
    names_clicks: bool,
    #[diesel(sql_type = Bool)]
    is_selected: bool,
    #[diesel(sql_type = BigInt)]
    selected: i64,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    after: Option<Uuid>,
}

/// Claims the order of a kind whose last step is longest ago, unless others work on them all: they take turns. One of an offer that is
/// still being judged again waits for that: what the catalog changed is no difference of the replay's.
///
/// # Errors
/// The database's.
pub async fn claim_next(connection: &mut AsyncPgConnection, dry_run: bool) -> QueryResult<Option<Claimed>> {
    let select = sql_query(
        "SELECT tenant_id, replay_id, dry_run, terms, version, draft, clicks IS NOT NULL AS names_clicks,
            selected_at IS NOT NULL AS is_selected, selected, after
        FROM replays
        WHERE finished_at IS NULL AND failure IS NULL AND dry_run = $1
            AND NOT EXISTS (SELECT FROM rejudgements AS again WHERE again.tenant_id = replays.tenant_id
                AND (again.offer_id IS NULL OR replays.offer_id IS NULL OR again.offer_id = replays.offer_id))
        ORDER BY stepped_at LIMIT 1
        FOR UPDATE SKIP LOCKED",
    )
    .bind::<Bool, _>(dry_run);
    let row: Option<Row> = kept(select).get_result(connection).await.optional()?;
    Ok(row.map(|row| Claimed {
        tenant: TenantId::from_uuid(row.tenant_id),
        id: row.replay_id,
        dry_run: row.dry_run,
        terms: row.terms,
        version: row.version.and_then(|version| u32::try_from(version).ok()),
        draft: row.draft,
        names_clicks: row.names_clicks,
        is_selected: row.is_selected,
        selected: row.selected,
        after: row.after,
    }))
}

/// The next clicks of a replay.
///
/// # Errors
/// The database's.
pub async fn next_clicks(
    connection: &mut AsyncPgConnection,
    claimed: &Claimed,
    limit: u16,
) -> QueryResult<BTreeSet<JourneyKey>> {
    #[derive(QueryableByName)]
    struct Click {
        #[diesel(sql_type = SqlUuid)]
        click_id: Uuid,
    }
    let select = sql_query(
        "SELECT click_id FROM replay_journeys WHERE tenant_id = $1 AND replay_id = $2 AND click_id > $3
        ORDER BY click_id LIMIT $4",
    )
    .bind::<SqlUuid, _>(claimed.tenant.as_uuid())
    .bind::<SqlUuid, _>(claimed.id)
    .bind::<SqlUuid, _>(claimed.after.unwrap_or(Uuid::nil()))
    .bind::<BigInt, _>(i64::from(limit));
    let rows: Vec<Click> = kept(select).load(connection).await?;
    Ok(rows.into_iter().map(|row| (claimed.tenant, ClickId::from_uuid(row.click_id))).collect())
}

/// How far a step came.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// The last click that was judged.
    pub last: Uuid,
    /// How many journeys.
    pub judged: usize,
    /// Those of them that could not be read.
    pub passed_over: usize,
}

/// Notes how far a step came.
///
/// # Errors
/// The database's.
pub async fn step_done(connection: &mut AsyncPgConnection, claimed: &Claimed, step: Step) -> QueryResult<()> {
    let update = sql_query(
        "UPDATE replays SET stepped_at = clock_timestamp(), after = $3, judged = judged + $4, passed_over = passed_over + $5
        WHERE tenant_id = $1 AND replay_id = $2",
    )
    .bind::<SqlUuid, _>(claimed.tenant.as_uuid())
    .bind::<SqlUuid, _>(claimed.id)
    .bind::<SqlUuid, _>(step.last)
    .bind::<BigInt, _>(i64::try_from(step.judged).unwrap_or(i64::MAX))
    .bind::<BigInt, _>(i64::try_from(step.passed_over).unwrap_or(i64::MAX));
    kept(update).execute(connection).await.map(drop)
}

/// Every journey is judged.
///
/// # Errors
/// The database's.
pub async fn finish(connection: &mut AsyncPgConnection, claimed: &Claimed) -> QueryResult<()> {
    let update = sql_query("UPDATE replays SET finished_at = now() WHERE tenant_id = $1 AND replay_id = $2")
        .bind::<SqlUuid, _>(claimed.tenant.as_uuid())
        .bind::<SqlUuid, _>(claimed.id);
    kept(update).execute(connection).await.map(drop)
}

/// It will never be finished, for this reason.
///
/// # Errors
/// The database's.
pub async fn fail(connection: &mut AsyncPgConnection, claimed: &Claimed, why: &str) -> QueryResult<()> {
    let update = sql_query("UPDATE replays SET failure = $3 WHERE tenant_id = $1 AND replay_id = $2")
        .bind::<SqlUuid, _>(claimed.tenant.as_uuid())
        .bind::<SqlUuid, _>(claimed.id)
        .bind::<Text, _>(why);
    kept(update).execute(connection).await.map(drop)
}

/// What differs, to be written.
#[derive(Debug, Clone, Default)]
pub struct DifferenceRow {
    /// The click.
    pub click: Uuid,
    /// Within the click, from 1.
    pub place: i32,
    /// Whose click.
    pub publisher: Option<Uuid>,
    /// The postback, or who holds the conversion.
    pub receipt: Uuid,
    /// The conversion.
    pub conversion: Option<Uuid>,
    /// The Event ID.
    pub event_id: String,
    /// Codes: now, under the chosen terms alone, once replayed for real.
    pub codes: [Option<&'static str>; 3],
    /// What it does to the conversion.
    pub effect: Option<&'static str>,
    /// Currency, revenue and payout: now, under the chosen terms alone.
    pub money: [Option<(String, i64, i64)>; 2],
}

fn column<T>(rows: &[DifferenceRow], of: impl Fn(&DifferenceRow) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

/// Writes lines.
///
/// # Errors
/// The database's.
pub async fn save_differences(
    connection: &mut AsyncPgConnection,
    claimed: &Claimed,
    rows: &[DifferenceRow],
) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let [before, under, after] =
        [0, 1, 2].map(|stage: usize| column(rows, |row| row.codes.get(stage).copied().flatten()));
    let money = |stage: usize| column(rows, |row| row.money.get(stage).cloned().flatten());
    let (was, becomes) = (money(0), money(1));
    let currency = |of: &[Option<(String, i64, i64)>]| -> Vec<Option<String>> {
        of.iter().map(|one| one.as_ref().map(|(currency, _, _)| currency.clone())).collect()
    };
    let revenue = |of: &[Option<(String, i64, i64)>]| -> Vec<Option<i64>> {
        of.iter().map(|one| one.as_ref().map(|(_, revenue, _)| *revenue)).collect()
    };
    let payout = |of: &[Option<(String, i64, i64)>]| -> Vec<Option<i64>> {
        of.iter().map(|one| one.as_ref().map(|(_, _, payout)| *payout)).collect()
    };
    let insert = sql_query(
        "INSERT INTO replay_differences (tenant_id, replay_id, click_id, place, publisher_id, receipt, conversion_id,
            event_id, code_before, code_under, code_after, effect, currency_before, revenue_before, payout_before,
            currency_under, revenue_under, payout_under)
        SELECT $1, $2, * FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
    )
    .bind::<SqlUuid, _>(claimed.tenant.as_uuid())
    .bind::<SqlUuid, _>(claimed.id)
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.click))
    .bind::<Array<Integer>, _>(column(rows, |row| row.place))
    .bind::<Array<Nullable<SqlUuid>>, _>(column(rows, |row| row.publisher))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.receipt))
    .bind::<Array<Nullable<SqlUuid>>, _>(column(rows, |row| row.conversion))
    .bind::<Array<Text>, _>(column(rows, |row| row.event_id.clone()))
    .bind::<Array<Nullable<Text>>, _>(before)
    .bind::<Array<Nullable<Text>>, _>(under)
    .bind::<Array<Nullable<Text>>, _>(after)
    .bind::<Array<Nullable<Text>>, _>(column(rows, |row| row.effect))
    .bind::<Array<Nullable<Text>>, _>(currency(&was))
    .bind::<Array<Nullable<BigInt>>, _>(revenue(&was))
    .bind::<Array<Nullable<BigInt>>, _>(payout(&was))
    .bind::<Array<Nullable<Text>>, _>(currency(&becomes))
    .bind::<Array<Nullable<BigInt>>, _>(revenue(&becomes))
    .bind::<Array<Nullable<BigInt>>, _>(payout(&becomes));
    kept(insert).execute(connection).await.map(drop)
}

/// Lines of a kind: its name, from, to, how many.
pub type CountRow = (&'static str, &'static str, &'static str, i64);

/// Adds to the counts.
///
/// # Errors
/// The database's.
pub async fn save_counts(
    connection: &mut AsyncPgConnection,
    claimed: &Claimed,
    rows: &[CountRow],
) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let upsert = sql_query(
        "INSERT INTO replay_counts (tenant_id, replay_id, kind, code_from, code_to, lines)
        SELECT $1, $2, * FROM unnest($3, $4, $5, $6)
        ON CONFLICT (tenant_id, replay_id, kind, code_from, code_to)
            DO UPDATE SET lines = replay_counts.lines + excluded.lines",
    )
    .bind::<SqlUuid, _>(claimed.tenant.as_uuid())
    .bind::<SqlUuid, _>(claimed.id)
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.0).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.1).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.2).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(rows.iter().map(|row| row.3).collect::<Vec<_>>());
    kept(upsert).execute(connection).await.map(drop)
}

/// Money of a publisher.
#[derive(Debug, Clone)]
pub struct SumRow {
    /// Whose clicks.
    pub publisher: Uuid,
    /// `before`, `under` or `after`.
    pub stage: &'static str,
    /// Empty: there is none.
    pub currency: String,
    /// Why it is not priced; empty when it is.
    pub unpriced: &'static str,
    /// How many conversions.
    pub conversions: i64,
    /// Micros.
    pub revenue: i64,
    /// Micros.
    pub payout: i64,
}

/// Adds to the sums.
///
/// # Errors
/// The database's.
pub async fn save_sums(
    connection: &mut AsyncPgConnection,
    claimed: &Claimed,
    rows: &[SumRow],
) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let upsert = sql_query(
        "INSERT INTO replay_sums AS known
            (tenant_id, replay_id, publisher_id, stage, currency, unpriced, conversions, revenue, payout)
        SELECT $1, $2, * FROM unnest($3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (tenant_id, replay_id, publisher_id, stage, currency, unpriced) DO UPDATE SET
            conversions = known.conversions + excluded.conversions, revenue = known.revenue + excluded.revenue,
            payout = known.payout + excluded.payout",
    )
    .bind::<SqlUuid, _>(claimed.tenant.as_uuid())
    .bind::<SqlUuid, _>(claimed.id)
    .bind::<Array<SqlUuid>, _>(rows.iter().map(|row| row.publisher).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.stage).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.currency.as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.unpriced).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(rows.iter().map(|row| row.conversions).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(rows.iter().map(|row| row.revenue).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(rows.iter().map(|row| row.payout).collect::<Vec<_>>());
    kept(upsert).execute(connection).await.map(drop)
}
