//! How many endpoints are held, for the on-call person: a pause lasts until somebody ends it, so it must stay in sight.

use std::time::Duration;

use postgres_kit::{DbError, Pool};

use crate::{
    metrics::Metrics,
    store::endpoint_conditions::{self, Held},
};

/// How often they are counted: an alarm looks at minutes.
const PERIOD: Duration = Duration::from_secs(5);

/// Counts for ever.
pub async fn keep_watching(pool: Pool, metrics: Metrics) {
    loop {
        match held(&pool).await {
            Ok(held) => metrics.endpoints_held(held),
            // Whoever needs the database says so; the gauges simply stand still.
            Err(error) => tracing::debug!(error = telemetry::chain(&error), "can not count held endpoints"),
        }
        tokio::time::sleep(PERIOD).await;
    }
}

async fn held(pool: &Pool) -> Result<Held, DbError> {
    Ok(endpoint_conditions::held(&mut *pool.get().await?).await?)
}
