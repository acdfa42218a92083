//! What the on-call person looks at: is the outbox flowing, has anything been buried, are there connections.

use std::time::Duration;

use diesel::{QueryableByName, sql_query, sql_types::BigInt};
use diesel_async::RunQueryDsl;
use opentelemetry::metrics::Gauge;
use process::Supervisor;

use crate::{
    error::DbError,
    pool::{Pool, PoolStatus},
};

/// How often the tables are looked at.
const PERIOD: Duration = Duration::from_secs(5);
/// Beyond this a depth is "at least": counting a long backlog would slow down what works it off.
const COUNTED_MAX: i64 = 100_000;

/// Starts recording.
pub(crate) fn watch(pool: Pool, supervisor: &Supervisor) {
    supervisor.spawn_support("postgres-gauges", async move {
        let gauges = Gauges::new();
        loop {
            gauges.record_pool(pool.status());
            match measure(&pool).await {
                Ok(measured) => gauges.record_tables(&measured),
                // The relay says it too; the gauges simply stand still.
                Err(error) => tracing::debug!(error = telemetry::chain(&error), "can not measure"),
            }
            tokio::time::sleep(PERIOD).await;
        }
    });
}

struct Gauges {
    outbox_depth: Gauge<i64>,
    outbox_oldest_age: Gauge<i64>,
    dead_items: Gauge<i64>,
    pool_open: Gauge<u64>,
    pool_waiting: Gauge<u64>,
}

impl Gauges {
    fn new() -> Self {
        let meter = telemetry::meter();
        let gauge = |name, description| meter.i64_gauge(name).with_description(description).build();
        let count = |name, description| meter.u64_gauge(name).with_description(description).build();
        Self {
            outbox_depth: gauge(
                "outbox_depth",
                "Facts that wait to be sent; 100000 means at least that many",
            ),
            outbox_oldest_age: gauge(
                "outbox_oldest_age_seconds",
                "How long the oldest fact in the outbox has waited",
            ),
            dead_items: gauge("dead_items", "Items that could not be handled and wait for a person"),
            pool_open: count("postgres_pool_open", "Connections of the pool"),
            pool_waiting: count("postgres_pool_waiting", "Callers that wait for a connection of the pool"),
        }
    }

    fn record_pool(&self, status: PoolStatus) {
        let whole = |count| u64::try_from(count).unwrap_or(u64::MAX);
        self.pool_open.record(whole(status.open), &[]);
        self.pool_waiting.record(whole(status.waiting), &[]);
    }

    fn record_tables(&self, measured: &Measured) {
        self.outbox_depth.record(measured.outbox_depth, &[]);
        self.outbox_oldest_age.record(measured.outbox_oldest_age_seconds, &[]);
        self.dead_items.record(measured.dead_items, &[]);
    }
}

#[derive(QueryableByName)]
struct Measured {
    #[diesel(sql_type = BigInt)]
    outbox_depth: i64,
    #[diesel(sql_type = BigInt)]
    outbox_oldest_age_seconds: i64,
    #[diesel(sql_type = BigInt)]
    dead_items: i64,
}

async fn measure(pool: &Pool) -> Result<Measured, DbError> {
    let mut connection = pool.get().await?;
    let measured = sql_query(
        "SELECT
            (SELECT count(*) FROM (SELECT FROM outbox LIMIT $1) AS waiting) AS outbox_depth,
            coalesce(
                (SELECT extract(epoch FROM clock_timestamp() - created_at) FROM outbox ORDER BY position LIMIT 1), 0
            )::bigint AS outbox_oldest_age_seconds,
            (SELECT count(*) FROM (SELECT FROM dead_items WHERE replayed_at IS NULL LIMIT $1) AS buried) AS dead_items",
    )
    .bind::<BigInt, _>(COUNTED_MAX)
    .get_result(&mut connection)
    .await?;
    Ok(measured)
}
