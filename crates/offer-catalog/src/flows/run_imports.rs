//! Working imports off in the background: whatever is killed and however many replicas work, each row has its effect once.
//!
//! A row is claimed, has its effect and gets its outcome in one transaction. Imports of one provider follow each other in the
//! order in which they were whole; those of different providers go on beside each other, some rows of each in turn.

use std::time::Duration;

use kernel::TenantId;
use postgres_kit::{Retries, transact};
use process::Supervisor;
use uuid::Uuid;

use super::{Catalog, FlowError, apply_scheduled::is_over_by_itself, import_row};
use crate::{
    domain::{
        import::{Import, ImportState, Outcome, RowOffer},
        problems::FieldProblem,
    },
    failpoints,
    store::{import_rows, imports},
};

/// Reads a row as it came.
pub type ReadRow = fn(&str) -> Result<RowOffer, Vec<FieldProblem>>;

/// Rows of one provider at a time; then it is the next one's turn.
const ROWS_AT_A_TIME: i64 = 50;
/// Imports of one look.
const IMPORTS_MAX: i64 = 20;
/// Tasks of a replica that work on rows: each holds a connection, and people want some as well.
/// They begin at different ends of the same rows, so they seldom reach for the same one.
const WORKERS: [(&str, Direction); 2] =
    [("imports-forwards", Direction::Forwards), ("imports-backwards", Direction::Backwards)];
/// Between two looks for imports that are too old.
const FORGET_EVERY: Duration = Duration::from_mins(10);

/// From where rows are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forwards,
    Backwards,
}

impl Catalog {
    /// Keeps working imports off until the service stops.
    pub fn keep_importing(&self, every: Duration, read: ReadRow, supervisor: &Supervisor) {
        for (name, direction) in WORKERS {
            let (catalog, stop) = (self.clone(), supervisor.soft());
            supervisor.spawn(name, async move {
                let mut is_failing = false;
                while !stop.is_cancelled() {
                    match catalog.work_on_imports(direction, read, || stop.is_cancelled()).await {
                        Ok(is_more) => {
                            if std::mem::take(&mut is_failing) {
                                tracing::info!("imports go on");
                            }
                            if is_more {
                                continue;
                            }
                        }
                        Err(error) if is_failing => {
                            tracing::debug!(error = telemetry::chain(&error), "imports still do not go on");
                        }
                        Err(error) => {
                            is_failing = true;
                            tracing::warn!(
                                error = telemetry::chain(&error),
                                "imports do not go on; trying again"
                            );
                        }
                    }
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = catalog.imports_came() => {}
                        () = tokio::time::sleep(every) => {}
                    }
                }
            });
        }
        self.keep_forgetting_imports(supervisor);
    }

    /// Works on some rows of every import whose turn it is; answers whether there was something to do.
    async fn work_on_imports(
        &self,
        direction: Direction,
        read: ReadRow,
        is_stopping: impl Fn() -> bool + Send + Sync,
    ) -> Result<bool, FlowError> {
        let heads = transact(self.pool(), Retries::default(), async |conn| {
            Ok::<_, FlowError>(imports::heads(conn, IMPORTS_MAX).await?)
        })
        .await?;
        let mut did_something = false;
        for (tenant, id) in heads {
            let Some(import) = self.import_in_turn(tenant, id).await? else { continue };
            let mut rows = transact(self.pool(), Retries::default(), async |conn| {
                Ok::<_, FlowError>(import_rows::open(conn, &import, 0, ROWS_AT_A_TIME).await?)
            })
            .await?;
            if rows.is_empty() {
                did_something |= self.finish_import(&import).await?;
                continue;
            }
            if direction == Direction::Backwards {
                rows.reverse();
            }
            for row in rows {
                if is_stopping() {
                    return Ok(false);
                }
                did_something |= self.work_on_row(&import, row, read).await?;
            }
        }
        Ok(did_something)
    }

    async fn import_in_turn(&self, tenant: TenantId, id: Uuid) -> Result<Option<Import>, FlowError> {
        transact(self.pool(), Retries::default(), async |conn| {
            let Some(import) = imports::find(conn, tenant, id).await? else { return Ok(None) };
            if import.finished_at.is_some() {
                return Ok(None);
            }
            if import.state == ImportState::Waiting {
                imports::move_to(conn, &import, ImportState::Running, None).await?;
            }
            Ok::<_, FlowError>(Some(import))
        })
        .await
    }

    /// Whether this replica brought the row to its end.
    async fn work_on_row(&self, import: &Import, row: i32, read: ReadRow) -> Result<bool, FlowError> {
        let done = transact(self.pool(), Retries::default(), async |conn| {
            let Some(body) = import_rows::claim(conn, import, row).await? else { return Ok(false) };
            let offer = read(&body).map_err(FlowError::Invalid)?;
            // Large, and on the heap for that: it holds the whole of a change.
            let (outcome, id) = Box::pin(self.import_row(conn, import, offer)).await?;
            if !import_rows::settle(conn, import, row, outcome, Some(id), &[]).await? {
                return Err(import_row::named_twice());
            }
            failpoints::import_row();
            Ok::<_, FlowError>(true)
        })
        .await;
        match done {
            Err(error) if !is_over_by_itself(&error) => {
                let problems = import_row::problems(error);
                let problems = &problems;
                transact(self.pool(), Retries::default(), async |conn| {
                    import_rows::settle(conn, import, row, Outcome::Failed, None, problems).await?;
                    Ok(true)
                })
                .await
            }
            done => done,
        }
    }

    fn keep_forgetting_imports(&self, supervisor: &Supervisor) {
        let catalog = self.clone();
        supervisor.spawn_support("imports-sweep", async move {
            loop {
                let forgotten = transact(catalog.pool(), Retries::default(), async |conn| {
                    Ok::<_, FlowError>(imports::forget_old(conn).await?)
                });
                match forgotten.await {
                    Ok(0) => tokio::time::sleep(FORGET_EVERY).await,
                    Ok(count) => tracing::info!(imports.count = count, "old imports forgotten"),
                    Err(error) => {
                        tracing::warn!(error = telemetry::chain(&error), "can not forget old imports");
                        tokio::time::sleep(FORGET_EVERY).await;
                    }
                }
            }
        });
    }
}
