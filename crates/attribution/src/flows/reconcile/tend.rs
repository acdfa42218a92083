//! The background of reconciliation: compare what is whole, give up what stays away, forget what is old.

use std::time::Duration;

use postgres_kit::DbError;
use process::Supervisor;
use telemetry::chain;
use tokio_util::sync::CancellationToken;

use super::Reconciler;
use crate::store::reconciliations;

/// Another replica may have taken a report in, and died.
const PERIOD: Duration = Duration::from_secs(10);
/// A body whose next part is not here after so long is not coming: its connection was given up long before.
const ABANDONED_SECONDS: i32 = 600;
/// What it then says.
const ABANDONED: &str = "it stopped arriving, or the service stopped while it arrived; please send it again";
/// Reports are AppsFlyer's and can be exported again; months of them would be larger than all else.
const KEPT_DAYS: i32 = 30;
/// Lines that are removed at once.
const FORGET_LINES: i64 = 10_000;

impl Reconciler {
    /// Starts the task.
    pub fn run(&self, supervisor: &Supervisor) {
        supervisor.spawn("reconcile", tend(self.clone(), supervisor.soft()));
    }

    async fn round(&self, soft: &CancellationToken) -> Result<(), DbError> {
        while !soft.is_cancelled() && self.step().await? {}
        let mut connection = self.pool.get().await?;
        let abandoned =
            reconciliations::fail_abandoned(&mut connection, ABANDONED_SECONDS, ABANDONED).await?;
        if abandoned > 0 {
            tracing::warn!(abandoned, "reports stopped arriving half-way");
        }
        while !soft.is_cancelled()
            && reconciliations::forget_old(&mut connection, KEPT_DAYS, FORGET_LINES).await? > 0
        {}
        Ok(())
    }
}

async fn tend(reconciler: Reconciler, soft: CancellationToken) {
    loop {
        tokio::select! {
            () = soft.cancelled() => return,
            () = reconciler.whole.notified() => {}
            () = tokio::time::sleep(PERIOD) => {}
        }
        if let Err(error) = reconciler.round(&soft).await {
            tracing::warn!(
                error = chain(&error),
                "a round of reconciliation failed; the next one tries again"
            );
        }
    }
}
