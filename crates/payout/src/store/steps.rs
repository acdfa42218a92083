//! The conversions of clicks, as far as a decision on one of them needs to know the others.

use std::collections::HashMap;

use contracts::attribution::{ConversionVerdict, Verdict};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Integer, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ClickId, ConversionId, TenantId};
use postgres_kit::kept;
use prost::Message as _;
use uuid::Uuid;

use super::{
    bulk::BulkKey,
    column::{column, unreadable},
    conversions::Key,
    words,
};
use crate::domain::{
    conversion::{PeopleSaid, Step},
    standing::{Actor, Standing, Status},
};

/// Names a journey.
pub type ClickKey = (TenantId, ClickId);

/// A conversion in its journey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Which.
    pub key: Key,
    /// Of which click.
    pub click: ClickId,
    /// Where in the sequence.
    pub step: Step,
    /// Where it is, and who put it there.
    pub standing: Standing,
    /// Attribution's last verdict says that it is earned.
    pub is_qualified: bool,
}

impl Placed {
    /// Whether it is Rejected by a person's word.
    #[must_use]
    pub const fn is_rejected_by_person(&self) -> bool {
        matches!(self.standing, Standing { status: Status::Rejected | Status::Reversed, by: Actor::Person })
    }

    /// Whether a rejection before it could hold it, or let it go.
    #[must_use]
    pub const fn can_follow(&self) -> bool {
        matches!(self.standing.status, Status::Pending | Status::OnReview)
    }
}

/// The lines of a plan behind a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Later {
    /// Of which plan.
    pub plan: BulkKey,
    /// The last line before them.
    pub after: i32,
}

/// Every conversion of these clicks that somebody sees, as it stands; but for what can follow and will be decided by a later
/// line: it has its turn.
///
/// # Errors
/// diesel's, when the statement fails or a stored verdict does not decode.
pub async fn of_clicks(
    connection: &mut AsyncPgConnection,
    clicks: &[ClickKey],
    later: Option<Later>,
) -> QueryResult<Vec<Placed>> {
    if clicks.is_empty() {
        return Ok(Vec::new());
    }
    let select = sql_query(
        "SELECT tenant_id, conversion_id, gk_click_id, event_id, status, status_by, verdict FROM conversions
        JOIN unnest($1, $2) AS wanted (tenant_id, gk_click_id) USING (tenant_id, gk_click_id)
        WHERE status <> 'unreached' AND ($4 IS NULL OR status NOT IN ('pending', 'on_review')
            OR conversion_id NOT IN (
                SELECT conversion_id FROM bulk_status_lines
                WHERE tenant_id = $3 AND bulk_id = $4 AND position > $5 AND outcome = 'planned'
                    AND conversion_id IS NOT NULL))",
    )
    .bind::<Array<SqlUuid>, _>(column(clicks, |(tenant, _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(clicks, |(_, click)| click.as_uuid()))
    .bind::<Nullable<SqlUuid>, _>(later.map(|later| later.plan.0.as_uuid()))
    .bind::<Nullable<SqlUuid>, _>(later.map(|later| later.plan.1))
    .bind::<Nullable<Integer>, _>(later.map(|later| later.after));
    let rows: Vec<Row> = kept(select).load(connection).await?;
    rows.into_iter().map(Row::read).collect()
}

/// What people decided on these clicks, as far as it may hold something: those with a person's standing rejection only. One
/// look into an index of such rejections for each click, and for those with one its decisions, counted once.
///
/// # Errors
/// diesel's, when the statement fails or a stored verdict does not decode.
pub async fn people_said(
    mut connection: &AsyncPgConnection,
    clicks: &[ClickKey],
) -> QueryResult<HashMap<ClickKey, PeopleSaid>> {
    if clicks.is_empty() {
        return Ok(HashMap::new());
    }
    let select = sql_query(
        "WITH held AS MATERIALIZED (
            SELECT wanted.tenant_id, wanted.gk_click_id FROM unnest($1, $2) AS wanted (tenant_id, gk_click_id)
            WHERE EXISTS (
                SELECT FROM conversions AS rejected
                WHERE rejected.tenant_id = wanted.tenant_id AND rejected.gk_click_id = wanted.gk_click_id
                    AND rejected.status_by = 'person' AND rejected.status IN ('rejected', 'reversed'))
        ), counted AS MATERIALIZED (
            SELECT held.tenant_id, held.gk_click_id, (
                SELECT count(*) FROM conversions AS own
                JOIN conversion_decisions USING (tenant_id, conversion_id)
                WHERE own.tenant_id = held.tenant_id AND own.gk_click_id = held.gk_click_id) AS decisions
            FROM held
        )
        SELECT rejected.tenant_id, rejected.gk_click_id, rejected.event_id, rejected.verdict, counted.decisions
        FROM counted JOIN conversions AS rejected USING (tenant_id, gk_click_id)
        WHERE rejected.status_by = 'person' AND rejected.status IN ('rejected', 'reversed')",
    )
    .bind::<Array<SqlUuid>, _>(column(clicks, |(tenant, _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(clicks, |(_, click)| click.as_uuid()));
    let rows: Vec<RejectedRow> = kept(select).load(&mut connection).await?;
    let mut said: HashMap<ClickKey, PeopleSaid> = HashMap::new();
    for row in rows {
        let click = (TenantId::from_uuid(row.tenant_id), ClickId::from_uuid(row.gk_click_id));
        let number = decoded(&row.verdict)?.sequence_number;
        let one = said.entry(click).or_default();
        one.decisions = u32::try_from(row.decisions).unwrap_or(u32::MAX);
        one.rejected.push(Step { event_id: row.event_id, number });
    }
    Ok(said)
}

fn decoded(verdict: &[u8]) -> QueryResult<ConversionVerdict> {
    ConversionVerdict::decode(verdict).map_err(|error| unreadable("verdict", &error.to_string()))
}

#[derive(QueryableByName)]
struct RejectedRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    gk_click_id: Uuid,
    #[diesel(sql_type = Text)]
    event_id: String,
    #[diesel(sql_type = Binary)]
    verdict: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    decisions: i64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    conversion_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    gk_click_id: Uuid,
    #[diesel(sql_type = Text)]
    event_id: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Text)]
    status_by: String,
    #[diesel(sql_type = Binary)]
    verdict: Vec<u8>,
}

impl Row {
    fn read(self) -> QueryResult<Placed> {
        let verdict = decoded(&self.verdict)?;
        Ok(Placed {
            key: (TenantId::from_uuid(self.tenant_id), ConversionId::from_uuid(self.conversion_id)),
            click: ClickId::from_uuid(self.gk_click_id),
            step: Step { event_id: self.event_id, number: verdict.sequence_number },
            standing: Standing {
                status: words::read_status(&self.status)?,
                by: words::read_actor(&self.status_by)?,
            },
            is_qualified: verdict.reached && verdict.verdict() == Verdict::Qualified,
        })
    }
}
