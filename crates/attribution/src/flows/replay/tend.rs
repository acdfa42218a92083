//! The background of replay: work off what was ordered, forget what is old.

use std::time::Duration;

use postgres_kit::DbError;
use process::Supervisor;
use telemetry::chain;
use tokio_util::sync::CancellationToken;

use super::Replayer;
use crate::store::replays;

/// Another replica may have taken an order, and died; or an offer is being judged again, and the order waits for that.
const PERIOD: Duration = Duration::from_secs(2);
/// As reconciliations: what was found can be found again.
const KEPT_DAYS: i32 = 30;
/// Rows that are removed at once.
const FORGET_ROWS: i64 = 10_000;

impl Replayer {
    /// Starts the task.
    pub fn run(&self, supervisor: &Supervisor) {
        supervisor.spawn("replay", tend(self.clone(), supervisor.soft()));
    }

    async fn round(&self, soft: &CancellationToken) -> Result<(), DbError> {
        while !soft.is_cancelled() && self.step().await? {}
        let mut connection = self.attributor.pool.get().await?;
        while !soft.is_cancelled() && replays::forget_old(&mut connection, KEPT_DAYS, FORGET_ROWS).await? > 0
        {
        }
        Ok(())
    }
}

async fn tend(replayer: Replayer, soft: CancellationToken) {
    loop {
        tokio::select! {
            () = soft.cancelled() => return,
            () = replayer.ordered.notified() => {}
            () = tokio::time::sleep(PERIOD) => {}
        }
        if let Err(error) = replayer.round(&soft).await {
            tracing::warn!(error = chain(&error), "a round of replay failed; the next one tries again");
        }
    }
}
