//! The lines of plans and what became of them.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Integer, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ClickId, ConversionId};
use postgres_kit::{kept, text::without_nul};
use uuid::Uuid;

use super::{
    bulk::BulkKey,
    column::{column, revision_from_sql, revision_to_sql, unreadable},
    words,
};
use crate::domain::{bulk::Wanted, standing::Decision};

/// What is, or was, done for a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It will be decided.
    Planned,
    /// It stands so already.
    Unchanged,
    /// The rules keep it from that.
    Refused,
    /// There is no such conversion.
    NotFound,
    /// An earlier line names the same conversion.
    NamedTwice,
    /// It was decided.
    Applied,
    /// It has changed since the dry run: skipped.
    Moved,
    /// It can not be read or written: skipped.
    Failed,
}

impl Outcome {
    /// The word in the table.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
            Self::NotFound => "not_found",
            Self::NamedTwice => "named_twice",
            Self::Applied => "applied",
            Self::Moved => "moved",
            Self::Failed => "failed",
        }
    }
}

/// A line of a plan, to write.
#[derive(Debug, Clone)]
pub struct NewLine<'a> {
    /// In the file.
    pub line: u32,
    /// Of which click.
    pub click: ClickId,
    /// As in the file.
    pub event_id: &'a str,
    /// What it shall be.
    pub wanted: Wanted,
    /// Why, for people.
    pub reason: &'a str,
    /// Which conversion, at which status revision.
    pub seen: Option<(ConversionId, u64)>,
    /// What is decided.
    pub decision: Option<Decision>,
    /// What is done.
    pub outcome: Outcome,
    /// Why, for people.
    pub detail: String,
}

/// Writes the lines of a plan in the order in which they are worked off.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn add(connection: &mut AsyncPgConnection, key: BulkKey, lines: &[NewLine<'_>]) -> QueryResult<()> {
    let positions: Vec<i32> = (1..).take(lines.len()).collect();
    let insert = sql_query(
        "INSERT INTO bulk_status_lines (
            tenant_id, bulk_id, position, line, gk_click_id, event_id, wanted, reason, conversion_id,
            status_revision, decision, outcome, detail)
        SELECT $1, $2, * FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind::<SqlUuid, _>(key.0.as_uuid())
    .bind::<SqlUuid, _>(key.1)
    .bind::<Array<Integer>, _>(positions)
    .bind::<Array<Integer>, _>(column(lines, |line| i32::try_from(line.line).unwrap_or(i32::MAX)))
    .bind::<Array<SqlUuid>, _>(column(lines, |line| line.click.as_uuid()))
    .bind::<Array<Text>, _>(column(lines, |line| without_nul(line.event_id)))
    .bind::<Array<Text>, _>(column(lines, |line| line.wanted.word()))
    .bind::<Array<Text>, _>(column(lines, |line| without_nul(line.reason)))
    .bind::<Array<Nullable<SqlUuid>>, _>(column(lines, |line| line.seen.map(|(id, _)| id.as_uuid())))
    .bind::<Array<Nullable<BigInt>>, _>(column(lines, |line| {
        line.seen.map(|(_, seen)| revision_to_sql(seen))
    }))
    .bind::<Array<Nullable<Text>>, _>(column(lines, |line| line.decision.map(words::decision)))
    .bind::<Array<Text>, _>(column(lines, |line| line.outcome.word()))
    .bind::<Array<Text>, _>(column(lines, |line| without_nul(&line.detail)));
    kept(insert).execute(connection).await.map(drop)
}

/// A line that is still to be decided.
#[derive(Debug, Clone)]
pub struct Due {
    /// Its place in the plan.
    pub position: i32,
    /// Of which click.
    pub click: ClickId,
    /// Which conversion.
    pub conversion: ConversionId,
    /// As the dry run saw it.
    pub revision: u64,
    /// What.
    pub decision: Decision,
    /// Why.
    pub reason: String,
}

/// The next lines of a plan: `limit` of them, and what is left of the last one's click; `most` in all.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn due(
    connection: &mut AsyncPgConnection,
    key: BulkKey,
    limit: u16,
    most: u16,
) -> QueryResult<Vec<Due>> {
    let select = sql_query(
        "WITH next AS (
            SELECT gk_click_id FROM bulk_status_lines
            WHERE tenant_id = $1 AND bulk_id = $2 AND outcome = 'planned' ORDER BY position LIMIT $3)
        SELECT position, gk_click_id, conversion_id, status_revision, decision, reason FROM bulk_status_lines
        WHERE tenant_id = $1 AND bulk_id = $2 AND outcome = 'planned'
            AND gk_click_id IN (SELECT gk_click_id FROM next)
        ORDER BY position LIMIT $4",
    )
    .bind::<SqlUuid, _>(key.0.as_uuid())
    .bind::<SqlUuid, _>(key.1)
    .bind::<BigInt, _>(i64::from(limit))
    .bind::<BigInt, _>(i64::from(most));
    let rows: Vec<DueRow> = kept(select).load(connection).await?;
    rows.into_iter().map(DueRow::read).collect()
}

/// Writes down what became of lines.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn settle(
    connection: &mut AsyncPgConnection,
    key: BulkKey,
    rows: &[(i32, Outcome, String)],
) -> QueryResult<()> {
    let update = sql_query(
        "UPDATE bulk_status_lines AS lines SET outcome = new.outcome, detail = new.detail
        FROM unnest($3, $4, $5) AS new (position, outcome, detail)
        WHERE lines.tenant_id = $1 AND lines.bulk_id = $2 AND lines.position = new.position
            AND lines.outcome = 'planned'",
    )
    .bind::<SqlUuid, _>(key.0.as_uuid())
    .bind::<SqlUuid, _>(key.1)
    .bind::<Array<Integer>, _>(column(rows, |(position, ..)| *position))
    .bind::<Array<Text>, _>(column(rows, |(_, outcome, _)| outcome.word()))
    .bind::<Array<Text>, _>(column(rows, |(.., detail)| without_nul(detail)));
    kept(update).execute(connection).await.map(drop)
}

/// How many lines of a plan stand how.
#[derive(Debug, Clone, QueryableByName)]
pub struct CountRow {
    #[diesel(sql_type = Text)]
    pub outcome: String,
    #[diesel(sql_type = BigInt)]
    pub count: i64,
}

/// How far a plan is.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn counts(connection: &mut AsyncPgConnection, key: BulkKey) -> QueryResult<Vec<CountRow>> {
    let select = sql_query(
        "SELECT outcome, count(*) AS count FROM bulk_status_lines
        WHERE tenant_id = $1 AND bulk_id = $2 GROUP BY outcome",
    )
    .bind::<SqlUuid, _>(key.0.as_uuid())
    .bind::<SqlUuid, _>(key.1);
    kept(select).load(connection).await
}

/// A line as people see it.
#[derive(Debug, Clone, QueryableByName)]
pub struct LineRow {
    #[diesel(sql_type = Integer)]
    pub position: i32,
    #[diesel(sql_type = Integer)]
    pub line: i32,
    #[diesel(sql_type = SqlUuid)]
    pub gk_click_id: Uuid,
    #[diesel(sql_type = Text)]
    pub event_id: String,
    #[diesel(sql_type = Text)]
    pub wanted: String,
    #[diesel(sql_type = Text)]
    pub reason: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub conversion_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    pub decision: Option<String>,
    #[diesel(sql_type = Text)]
    pub outcome: String,
    #[diesel(sql_type = Text)]
    pub detail: String,
}

/// Up to `limit` lines of a plan behind the one at `after`.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn page(
    connection: &mut AsyncPgConnection,
    key: BulkKey,
    after: i32,
    limit: u16,
) -> QueryResult<Vec<LineRow>> {
    let select = sql_query(
        "SELECT position, line, gk_click_id, event_id, wanted, reason, conversion_id, decision, outcome, detail
        FROM bulk_status_lines WHERE tenant_id = $1 AND bulk_id = $2 AND position > $3
        ORDER BY position LIMIT $4",
    )
    .bind::<SqlUuid, _>(key.0.as_uuid())
    .bind::<SqlUuid, _>(key.1)
    .bind::<Integer, _>(after)
    .bind::<BigInt, _>(i64::from(limit));
    kept(select).load(connection).await
}

#[derive(QueryableByName)]
struct DueRow {
    #[diesel(sql_type = Integer)]
    position: i32,
    #[diesel(sql_type = SqlUuid)]
    gk_click_id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    conversion_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<BigInt>)]
    status_revision: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    decision: Option<String>,
    #[diesel(sql_type = Text)]
    reason: String,
}

impl DueRow {
    fn read(self) -> QueryResult<Due> {
        let (Some(conversion), Some(revision), Some(decision)) =
            (self.conversion_id, self.status_revision, self.decision)
        else {
            return Err(unreadable("conversion_id", "nothing"));
        };
        Ok(Due {
            position: self.position,
            click: ClickId::from_uuid(self.gk_click_id),
            conversion: ConversionId::from_uuid(conversion),
            revision: revision_from_sql(revision),
            decision: words::read_decision(&decision)?,
            reason: self.reason,
        })
    }
}
