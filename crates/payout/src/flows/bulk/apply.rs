//! Works plans off in the background, in steps that each are one transaction: any replica takes the next one, and a step that
//! was cut off is as if it had never begun. Plans take turns, and one whose step does not succeed is put off: none waits for
//! another.
//!
//! Mostly whole clicks, because what a rejection holds depends on what else of its click the same file decides. Of a click with
//! very many lines some are decided at a time, as if all were at once ([`Part`]).

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use diesel_async::AsyncPgConnection;
use kernel::{IdSource, TokenId};
use postgres_kit::{DbError, Failure, Pool, Retries, sqlstate::Class, transact};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    domain::bulk::why_not,
    flows::{
        decide::Asked,
        decide_many::{NotDone, Part, carry_out_part},
    },
    store::{
        bulk::{self, BulkKey, Claimed},
        bulk_lines::{self, Due, Outcome},
        steps::Later,
    },
};

/// Lines of a step, beside what is left of the last one's click: its locks are held for some tens of milliseconds.
const STEP_LINES: u16 = 50;
/// Lines of a step in all: a click may have as many conversions as a user made purchases, and the locks of a step of so many
/// are still held for well below a second.
const STEP_LINES_MAX: u16 = 500;
/// How long a plan waits for its next turn when a step did not succeed, in seconds: whatever was in its way is mostly gone by
/// then, and it does not cost the other plans more than one try in so long.
const PUT_OFF_SECONDS: i32 = 10;
/// Between two looks when there is nothing to do: a person waits for it.
const POLL: Duration = Duration::from_millis(500);

/// Why a plan is not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The tenant has no such plan.
    #[error("there is no such plan")]
    NotFound,
    /// The token is not this plan's.
    #[error("the token is not the one that the dry run answered")]
    OtherToken,
    /// It is older than a day.
    #[error("the plan has expired: make a new dry run")]
    Expired,
    /// Somebody else was first.
    #[error("somebody else has applied this plan")]
    Applied,
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl From<diesel::result::Error> for ApplyError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Failure for ApplyError {
    fn database(&self) -> Option<&DbError> {
        match self {
            Self::Store(error) => Some(error),
            Self::NotFound | Self::OtherToken | Self::Expired | Self::Applied => None,
        }
    }
}

/// Hands a plan over to be worked off; again by the same caller changes nothing.
///
/// # Errors
/// [`ApplyError`].
pub async fn apply(pool: &Pool, key: BulkKey, by: TokenId, token: &[u8]) -> Result<(), ApplyError> {
    transact(pool, Retries::default(), async |connection| {
        let plan = bulk::find(connection, key).await?.ok_or(ApplyError::NotFound)?;
        if plan.token != token {
            return Err(ApplyError::OtherToken);
        }
        if bulk::begin(connection, key, by).await? {
            return Ok(());
        }
        let plan = bulk::find(connection, key).await?.ok_or(ApplyError::NotFound)?;
        match plan.applied_by {
            Some(first) if first == by.as_uuid() => Ok(()),
            Some(_) => Err(ApplyError::Applied),
            None => Err(ApplyError::Expired),
        }
    })
    .await
}

/// What a step found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// No plan that another replica has not in hand.
    Idle,
    /// Something was done.
    Done,
}

/// Works plans off until the process stops.
pub async fn keep_applying(pool: Pool, ids: Arc<dyn IdSource>, soft: CancellationToken) {
    let mut is_failing = false;
    while !soft.is_cancelled() {
        let begun = Instant::now();
        let rest = match step(&pool, &ids).await {
            Ok(found) => {
                if std::mem::take(&mut is_failing) {
                    tracing::info!("bulk statuses are applied again");
                }
                // Resting as long as it took leaves half of what it uses to live work.
                if found == Step::Done { begun.elapsed() } else { POLL }
            }
            Err(error) if is_failing => {
                tracing::debug!(error = telemetry::chain(&error), "bulk statuses can still not be applied");
                POLL
            }
            Err(error) => {
                is_failing = true;
                tracing::warn!(
                    error = telemetry::chain(&error),
                    "bulk statuses can not be applied; trying again"
                );
                POLL
            }
        };
        tokio::select! {
            () = soft.cancelled() => {}
            () = tokio::time::sleep(rest) => {}
        }
    }
}

/// One click that can not be decided must not hold all others back: it is left out and says so.
async fn step(pool: &Pool, ids: &Arc<dyn IdSource>) -> Result<Step, DbError> {
    let tried = Mutex::new(None);
    let error = match work(pool, ids, (None, STEP_LINES), &tried).await {
        Ok(found) => return Ok(found),
        Err(error) => error,
    };
    let Some((key, _)) = take(&tried) else { return Err(error) };
    if error.class() != Class::Bug {
        return put_off(pool, key, error).await;
    }
    let error = match work(pool, ids, (Some(key), 1), &tried).await {
        Ok(found) => return Ok(found),
        Err(error) => error,
    };
    if error.class() != Class::Bug {
        return put_off(pool, key, error).await;
    }
    tracing::error!(
        error = telemetry::chain(&error),
        "a line of a bulk status can not be carried out: it is left out"
    );
    let Some((key, positions)) = take(&tried) else { return Err(error) };
    if positions.is_empty() {
        // Its lines can not even be read: a newer release wrote them.
        return put_off(pool, key, error).await;
    }
    transact(pool, Retries::default(), async |connection| leave_out(connection, key, &positions).await).await
}

/// The other plans go on meanwhile; when the database can not even note this, nothing goes on.
async fn put_off(pool: &Pool, key: BulkKey, error: DbError) -> Result<Step, DbError> {
    let noted = transact(pool, Retries::default(), async |connection| {
        Ok::<_, DbError>(bulk::put_off(connection, key, PUT_OFF_SECONDS).await?)
    });
    if noted.await.is_err() {
        return Err(error);
    }
    tracing::warn!(
        tenant.id = %key.0, bulk.id = %key.1, error = telemetry::chain(&error),
        "a step of a bulk status did not succeed: it is put off"
    );
    Ok(Step::Done)
}

/// A plan, and lines of it.
type Tried = Option<(BulkKey, Vec<i32>)>;

fn take(tried: &Mutex<Tried>) -> Tried {
    tried.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Carries out the next lines, of one plan or whose turn it is, and notes in `tried` which they are.
async fn work(
    pool: &Pool,
    ids: &Arc<dyn IdSource>,
    (named, limit): (Option<BulkKey>, u16),
    tried: &Mutex<Tried>,
) -> Result<Step, DbError> {
    transact(pool, Retries::default(), async |connection| {
        let Some(Claimed { key, by, begun }) = bulk::claim(connection, named).await? else {
            return Ok::<_, DbError>(Step::Idle);
        };
        *tried.lock().unwrap_or_else(PoisonError::into_inner) = Some((key, Vec::new()));
        // One more than are decided says whether the last click has more.
        let mut due = bulk_lines::due(connection, key, limit, STEP_LINES_MAX.saturating_add(1)).await?;
        let beyond = if due.len() > usize::from(STEP_LINES_MAX) { due.pop() } else { None };
        let cut = due.last().filter(|last| beyond.is_some_and(|beyond| beyond.click == last.click));
        let cut = cut.map(|last| (last.click, Later { plan: key, after: last.position }));
        if due.is_empty() {
            bulk::finish(connection, key).await?;
            tracing::info!(tenant.id = %key.0, bulk.id = %key.1, "a bulk status is worked off");
            return Ok(Step::Done);
        }
        *tried.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((key, due.iter().map(|line| line.position).collect()));
        let asked: Vec<Asked> = due.iter().map(|line| asked(line, key, by)).collect();
        let part = Part { begun, later: cut.map(|(_, later)| later) };
        let outcomes = carry_out_part(connection, ids.as_ref(), key.0, &asked, part).await?;
        let settled: Vec<(i32, Outcome, String)> = due
            .iter()
            .zip(outcomes)
            .map(|(line, outcome)| {
                let (outcome, detail) = match outcome {
                    Ok(()) => (Outcome::Applied, String::new()),
                    Err(NotDone::Moved) => {
                        (Outcome::Moved, String::from("it has changed since the dry run: look at it again"))
                    }
                    Err(NotDone::Refused(refused)) => (Outcome::Refused, why_not(&refused)),
                    Err(NotDone::NotFound) => (Outcome::NotFound, String::from("it is not there any more")),
                };
                (line.position, outcome, detail)
            })
            .collect();
        bulk_lines::settle(connection, key, &settled).await?;
        bulk::end_turn(connection, key, cut.map(|(click, _)| click)).await?;
        Ok(Step::Done)
    })
    .await
}

/// Marks the lines that could not be carried out. Under the plan's lock: another replica may just have tried them too.
async fn leave_out(
    connection: &mut AsyncPgConnection,
    key: BulkKey,
    positions: &[i32],
) -> Result<Step, DbError> {
    bulk::lock(connection, key).await?;
    let detail = "it can not be read or written: see the service's log";
    let settled: Vec<_> =
        positions.iter().map(|position| (*position, Outcome::Failed, String::from(detail))).collect();
    bulk_lines::settle(connection, key, &settled).await?;
    bulk::yield_turn(connection, key).await?;
    Ok(Step::Done)
}

fn asked(line: &Due, (tenant, bulk): BulkKey, token: TokenId) -> Asked {
    Asked {
        tenant,
        conversion: line.conversion,
        token,
        decision: line.decision,
        reason: line.reason.clone(),
        expected: Some(line.revision),
        bulk: Some(bulk),
    }
}
