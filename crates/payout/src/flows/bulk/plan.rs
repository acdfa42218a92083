//! The dry run: what the lines of a file would do, by the same rules and at one desk, without a lock. Only the plan is written.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use diesel_async::AsyncPgConnection;
use kernel::{ClickId, ConversionId, IdSource, TenantId, TokenId};
use postgres_kit::{DbError, Failure, Pool, Retries, transact};
use uuid::Uuid;

use crate::{
    domain::{
        bulk::{Line, Planned, Summary, Wish, token, why_not, wish},
        conversion::{Change, Conversion},
        standing::Decision,
    },
    flows::{
        counting,
        decide::Asked,
        decide_many::{Journeys, NotDone, judge, moves_successors},
        price_again::price_before_deciding,
        tell,
    },
    store::{
        self, bulk,
        bulk_lines::{self, NewLine, Outcome},
        conversions::{Key, Stored},
        steps, tenants,
    },
};

/// How long a plan may be applied: a day later nobody remembers what was looked at.
const HOURS: i32 = 24;
/// Conversions of the clicks of one file: five for each of its lines, all of them in memory at once.
pub const CONVERSIONS_MAX: usize = 50_000;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Its clicks have more than [`CONVERSIONS_MAX`] conversions.
    #[error("the clicks of the file have more conversions than one plan may hold")]
    TooMany,
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl From<diesel::result::Error> for PlanError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Failure for PlanError {
    fn database(&self) -> Option<&DbError> {
        match self {
            Self::Store(error) => Some(error),
            Self::TooMany => None,
        }
    }
}

/// Plans the lines of a file and returns the plan's id.
///
/// # Errors
/// [`PlanError`]; then nothing is stored.
pub async fn plan(
    pool: &Pool,
    ids: &Arc<dyn IdSource>,
    tenant: TenantId,
    by: TokenId,
    lines: &[Line],
) -> Result<Uuid, PlanError> {
    let id = ids.uuid_v7();
    transact(pool, Retries::default(), async |connection| {
        bulk::remove_expired(connection, tenant).await?;
        let planned = look(connection, tenant, by, lines).await?;
        let token = token(planned.lines.iter().filter_map(decided));
        let summary = serde_json::to_string(&planned.summary)
            .map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))?;
        bulk::add(connection, (tenant, id), by, &token, &summary, HOURS).await?;
        bulk_lines::add(connection, (tenant, id), &planned.lines).await?;
        Ok(id)
    })
    .await
}

fn decided(line: &NewLine<'_>) -> Option<Planned> {
    let (conversion, revision) = line.seen.filter(|_| line.outcome == Outcome::Planned)?;
    Some((conversion, revision, line.decision?))
}

struct Plan<'a> {
    lines: Vec<NewLine<'a>>,
    summary: Summary,
}

async fn look<'a>(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    by: TokenId,
    lines: &'a [Line],
) -> Result<Plan<'a>, PlanError> {
    let clicks: BTreeSet<ClickId> = lines.iter().map(|line| line.click).collect();
    let clicks: Vec<ClickId> = clicks.into_iter().collect();
    let limit = i64::try_from(CONVERSIONS_MAX).unwrap_or(i64::MAX).saturating_add(1);
    let stored = bulk::conversions_of(connection, tenant, &clicks, limit).await?;
    if stored.len() > CONVERSIONS_MAX {
        return Err(PlanError::TooMany);
    }
    let mut lines = named(lines, &stored);
    let asked: Vec<(usize, Asked)> =
        lines.iter().enumerate().filter_map(|(at, line)| Some((at, asked(line, tenant, by)?))).collect();
    let (positions, asked): (Vec<usize>, Vec<Asked>) = asked.into_iter().unzip();
    let rates = tenants::rates(connection, &[tenant]).await?;
    let prices = price_before_deciding(connection, &asked, &stored, &rates).await?;

    let of = |asked: &Asked| stored.get(&asked.key()).map(|stored| &stored.conversion);
    let moving = asked.iter().filter(|asked| moves_successors(asked.decision));
    let clicks: BTreeSet<_> = moving.filter_map(of).map(|one| (tenant, one.subject.click)).collect();
    let placed = steps::of_clicks(connection, &clicks.into_iter().collect::<Vec<_>>(), None).await?;
    let offers = asked.iter().filter_map(of).map(|one| (tenant, one.subject.offer)).collect();
    let offers = counting::look(connection, offers).await?;
    let now = store::now(connection).await?;
    let subjects = asked.iter().filter_map(of).map(|one| one.subject);
    let mut desk = counting::desk(connection, &offers, subjects, asked.iter().filter_map(of), now).await?;
    let rate = |from, to| rates.find(tenant, from, to);
    let journeys = Journeys { placed: &placed, begun: None };
    let judged = judge(&asked, (&stored, &prices), journeys, &rate, &mut desk, now);

    let mut summary = Summary {
        lines: lines
            .iter()
            .map(|line| line.line)
            .collect::<HashSet<_>>()
            .len()
            .try_into()
            .unwrap_or(u64::MAX),
        successors: judged.successors.len().try_into().unwrap_or(u64::MAX),
        ..Summary::default()
    };
    for (at, outcome) in positions.iter().zip(&judged.outcomes) {
        let Some(line) = lines.get_mut(*at) else { continue };
        match outcome {
            Ok(_) => {}
            Err(NotDone::Refused(refused)) => {
                line.outcome = Outcome::Refused;
                line.detail = why_not(refused);
            }
            Err(NotDone::NotFound | NotDone::Moved) => line.outcome = Outcome::NotFound,
        }
    }
    for line in &lines {
        match (line.outcome, line.decision) {
            (Outcome::Planned, Some(decision)) => summary.decided(decision),
            (Outcome::Refused, _) => {
                // What is missing is another amount for each.
                let sentence =
                    line.detail.split_once(": ").map_or(line.detail.as_str(), |(sentence, _)| sentence);
                summary.was_refused(sentence);
            }
            (Outcome::Unchanged, _) => summary.unchanged = summary.unchanged.saturating_add(1),
            (Outcome::NamedTwice, _) => summary.named_twice = summary.named_twice.saturating_add(1),
            (
                Outcome::NotFound | Outcome::Applied | Outcome::Moved | Outcome::Failed | Outcome::Planned,
                _,
            ) => summary.not_found = summary.not_found.saturating_add(1),
        }
    }
    let changes: Vec<&Change> = judged.outcomes.iter().flatten().chain(&judged.successors).collect();
    summary.add_money(changes.iter().filter_map(|change| {
        let subject = &change.conversion.subject;
        Some((&stored.get(&(tenant, subject.conversion))?.conversion, *change))
    }));
    let news: Vec<&Conversion> =
        changes.iter().filter(|change| change.is_told).map(|change| &change.conversion).collect();
    summary.postbacks = tell::due(connection, &news).await?.len().try_into().unwrap_or(u64::MAX);
    Ok(Plan { lines, summary })
}

/// A line for each conversion that the file names, by click and then as in the file.
fn named<'a>(lines: &'a [Line], stored: &HashMap<Key, Stored>) -> Vec<NewLine<'a>> {
    let mut of_click: HashMap<ClickId, BTreeMap<ConversionId, &Conversion>> = HashMap::new();
    for stored in stored.values() {
        let subject = &stored.conversion.subject;
        of_click.entry(subject.click).or_default().insert(subject.conversion, &stored.conversion);
    }
    let mut seen: HashSet<ConversionId> = HashSet::new();
    let mut named = Vec::new();
    let mut ordered: Vec<&Line> = lines.iter().collect();
    ordered.sort_by_key(|line| line.click);
    for line in ordered {
        let all = of_click.get(&line.click).into_iter().flat_map(BTreeMap::values);
        let wanted: Vec<&Conversion> = all
            .copied()
            .filter(|one| line.event_id.is_empty() || line.event_id == one.occasion.event_id)
            .collect();
        if wanted.is_empty() {
            let detail = "the click has no such conversion here";
            named.push(new_line(line, None, None, Outcome::NotFound, detail));
        }
        let mut repeats = false;
        for conversion in wanted {
            let id = conversion.subject.conversion;
            let is_first = seen.insert(id);
            // Said once a line: lines that all name a click's thousand purchases would make a million of it.
            if !is_first && std::mem::replace(&mut repeats, true) {
                continue;
            }
            let (decision, outcome, detail) = match wish(line.wanted, conversion.standing.status) {
                _ if !is_first => {
                    (None, Outcome::NamedTwice, "an earlier line names this conversion: that one counts")
                }
                Wish::Decide(decision) => (Some(decision), Outcome::Planned, ""),
                Wish::Unchanged => (None, Outcome::Unchanged, ""),
                Wish::Impossible => {
                    (None, Outcome::Refused, "only a conversion on review can become Pending again")
                }
            };
            named.push(new_line(line, Some((id, conversion.status_revision)), decision, outcome, detail));
        }
    }
    named
}

fn new_line<'a>(
    line: &'a Line,
    seen: Option<(ConversionId, u64)>,
    decision: Option<Decision>,
    outcome: Outcome,
    detail: &str,
) -> NewLine<'a> {
    NewLine {
        line: line.number,
        click: line.click,
        event_id: &line.event_id,
        wanted: line.wanted,
        reason: &line.reason,
        seen,
        decision,
        outcome,
        detail: String::from(detail),
    }
}

fn asked(line: &NewLine<'_>, tenant: TenantId, token: TokenId) -> Option<Asked> {
    let (conversion, revision) = line.seen.filter(|_| line.outcome == Outcome::Planned)?;
    Some(Asked {
        tenant,
        conversion,
        token,
        decision: line.decision?,
        reason: String::from(line.reason),
        expected: Some(revision),
        bulk: None,
    })
}
