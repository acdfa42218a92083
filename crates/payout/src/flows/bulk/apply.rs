//! Works plans off in the background, in steps that each are one transaction: any replica takes the next one, and a step that
//! was cut off is as if it had never begun. Whole clicks only, because what a rejection holds depends on what else of its
//! click the same file decides.

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
        decide_many::{NotDone, carry_out},
    },
    store::{
        bulk::{self, BulkKey},
        bulk_lines::{self, Due, Outcome},
    },
};

/// Lines of a step, beside what is left of the last one's click: its locks are held for some tens of milliseconds.
const STEP_LINES: u16 = 50;
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
    match work(pool, ids, STEP_LINES, &tried).await {
        Err(error) if error.class() == Class::Bug => {}
        found => return found,
    }
    match work(pool, ids, 1, &tried).await {
        Err(error) if error.class() == Class::Bug => {
            tracing::error!(
                error = telemetry::chain(&error),
                "a line of a bulk status can not be carried out: it is left out"
            );
            let Some((key, positions)) = tried.lock().unwrap_or_else(PoisonError::into_inner).take() else {
                return Err(error);
            };
            transact(pool, Retries::default(), async |connection| {
                leave_out(connection, key, &positions).await
            })
            .await
        }
        found => found,
    }
}

/// A plan, and lines of it.
type Tried = Option<(BulkKey, Vec<i32>)>;

/// Carries out the next lines, and notes in `tried` which they are.
async fn work(
    pool: &Pool,
    ids: &Arc<dyn IdSource>,
    limit: u16,
    tried: &Mutex<Tried>,
) -> Result<Step, DbError> {
    transact(pool, Retries::default(), async |connection| {
        let Some((key, by)) = bulk::claim(connection).await? else { return Ok::<_, DbError>(Step::Idle) };
        let due = bulk_lines::due(connection, key, limit).await?;
        if due.is_empty() {
            bulk::finish(connection, key).await?;
            tracing::info!(tenant.id = %key.0, bulk.id = %key.1, "a bulk status is worked off");
            return Ok(Step::Done);
        }
        *tried.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((key, due.iter().map(|line| line.position).collect()));
        let asked: Vec<Asked> = due.iter().map(|line| asked(line, key, by)).collect();
        let outcomes = carry_out(connection, ids.as_ref(), key.0, &asked).await?;
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
