//! The proof of invariant 5: by an operator's command, and by itself again and again, for an alarm.

use std::time::Duration;

use postgres_kit::{DbError, Pool, Snapshot, sqlstate::Class, transact};
use tokio_util::sync::CancellationToken;

pub use crate::store::verify::Findings;
use crate::{metrics::Metrics, store::verify};

/// Not at once after a start: a process that is started over and over does not read everything each time.
const FIRST_AFTER: Duration = Duration::from_mins(5);

/// Proves the ledger over everything, in one snapshot.
///
/// # Errors
/// [`DbError`] when the database can not say.
pub async fn verify_ledger(pool: &Pool) -> Result<Findings, DbError> {
    transact(pool, Snapshot, async |connection| Ok(verify::verify(connection).await?)).await
}

/// Proves it every `period` until the process stops: each replica does, one at a time.
pub async fn keep_proving(pool: Pool, metrics: Metrics, period: Duration, soft: CancellationToken) {
    let mut pause = period.min(FIRST_AFTER);
    loop {
        tokio::select! {
            () = soft.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = period.min(FIRST_AFTER);
        match prove_alone(&pool).await {
            Ok(Some(findings)) => {
                pause = period;
                say(&findings, &metrics);
            }
            Ok(None) => tracing::debug!("another replica is proving the ledger"),
            Err(error) if error.class() == Class::Bug => {
                metrics.ledger_proved(1);
                tracing::error!(error = telemetry::chain(&error), "the ledger holds what can not be read");
            }
            Err(error) => {
                tracing::warn!(
                    error = telemetry::chain(&error),
                    "the ledger can not be proved now; later again"
                );
            }
        }
    }
}

async fn prove_alone(pool: &Pool) -> Result<Option<Findings>, DbError> {
    transact(pool, Snapshot, async |connection| {
        if verify::is_alone(connection).await? {
            return Ok(Some(verify::verify(connection).await?));
        }
        Ok(None)
    })
    .await
}

fn say(findings: &Findings, metrics: &Metrics) {
    metrics.ledger_proved(findings.difference_count);
    if findings.difference_count == 0 {
        tracing::info!(ledger.transfers = findings.transfers, "the ledger is right");
        return;
    }
    for difference in &findings.differences {
        tracing::error!(difference, "the ledger differs from itself");
    }
}
