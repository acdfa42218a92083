//! How much is on review, and since when, for the on-call person: time does not release it, so it must stay in sight.

use std::time::Duration;

use postgres_kit::{DbError, Pool};

use crate::{
    metrics::Metrics,
    store::reviews::{self, Waiting},
};

/// How often it is counted: an alarm looks at minutes.
const PERIOD: Duration = Duration::from_secs(5);

/// Counts for ever.
pub async fn keep_counting(pool: Pool, metrics: Metrics) {
    loop {
        match waiting(&pool).await {
            Ok(waiting) => metrics.on_review(&waiting),
            // Whoever needs the database says so; the gauges simply stand still.
            Err(error) => {
                tracing::debug!(error = telemetry::chain(&error), "can not count what is on review");
            }
        }
        tokio::time::sleep(PERIOD).await;
    }
}

async fn waiting(pool: &Pool) -> Result<Vec<Waiting>, DbError> {
    Ok(reviews::by_reason(&mut *pool.get().await?).await?)
}
