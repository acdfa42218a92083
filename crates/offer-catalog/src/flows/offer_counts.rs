//! Keeping the counts of offers few. Each change adds a row, so that nobody waits for anybody; here many become one again.

use std::time::Duration;

use postgres_kit::{Retries, transact};
use process::Supervisor;

use super::{Catalog, FlowError};
use crate::store::offer_list;

/// Between two looks: a busy tenant adds a few thousand rows in it, and their sum is still told in a millisecond.
const EVERY: Duration = Duration::from_secs(30);

impl Catalog {
    /// Keeps gathering the counts of offers.
    pub fn keep_counting(&self, supervisor: &Supervisor) {
        let catalog = self.clone();
        supervisor.spawn_support("offer-counts", async move {
            loop {
                tokio::time::sleep(EVERY).await;
                let gathered = transact(catalog.pool(), Retries::default(), async |conn| {
                    Ok::<_, FlowError>(offer_list::gather_counts(conn).await?)
                });
                if let Err(error) = gathered.await {
                    tracing::warn!(error = telemetry::chain(&error), "can not gather the counts of offers");
                }
            }
        });
    }
}
