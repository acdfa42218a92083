//! Whether the database answers, for readiness: a replica without it can only say 503.

use std::time::Duration;

use process::{Condition, Supervisor};

use super::Catalog;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(2);

impl Catalog {
    /// Keeps a readiness condition true while the database answers.
    pub fn report_to(&self, condition: Condition, supervisor: &Supervisor) {
        let (pool, stop) = (self.pool().clone(), supervisor.soft());
        supervisor.spawn("database-watch", async move {
            loop {
                // One that nobody has taken for a second is verified with a query; one that somebody has says nothing new.
                condition.set(pool.get().await.is_ok());
                tokio::select! {
                    () = tokio::time::sleep(EVERY) => {}
                    () = stop.cancelled() => return,
                }
            }
        });
    }
}
