//! The credential generations, whole, for every ingest: at every change and at every turn of the clock.
//!
//! Not through the outbox: the set is repeated anyway, an old one is worthless, and it concerns no single tenant. Every
//! replica broadcasts; sets of one version say the same. When the broker or the database is away, the next turn does it;
//! ingest keeps what it heard last. A failed turn is tried again every second, and the turns are
//! close enough for an ingest that just came back: a revocation is to hold everywhere within five seconds.

use std::{sync::Arc, time::Duration};

use bus::{Publisher, Route};
use contracts::{Stamp, catalog::CredentialGenerations, seal};
use kernel::{FactId, IdSource, Timestamp};
use process::Supervisor;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::flows::Catalog;

/// How soon a broadcast that failed is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Starts broadcasting until the service stops.
pub fn broadcast_generations(
    catalog: Catalog,
    publisher: Publisher,
    ids: Arc<dyn IdSource>,
    every: Duration,
    supervisor: &Supervisor,
) {
    let stop = supervisor.soft();
    supervisor.spawn("credential-generations", async move {
        let mut turns = interval(every);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_failing = false;
        loop {
            tokio::select! {
                _turn = turns.tick() => {}
                () = catalog.generations_changed() => {}
                () = sleep(AGAIN), if is_failing => {}
                () = stop.cancelled() => return,
            }
            match broadcast(&catalog, &publisher, ids.as_ref()).await {
                Ok(()) if is_failing => {
                    is_failing = false;
                    tracing::info!("credential generations are broadcast again");
                }
                Ok(()) => {}
                // Once at the beginning of an outage.
                Err(error) if !is_failing => {
                    is_failing = true;
                    tracing::warn!(
                        error = telemetry::chain(error.as_ref()),
                        "credential generations not broadcast; trying again every second"
                    );
                }
                Err(_still) => {}
            }
        }
    });
}

async fn broadcast(
    catalog: &Catalog,
    publisher: &Publisher,
    ids: &dyn IdSource,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let set = catalog.credential_generations().await?;
    let stamp = Stamp {
        fact_id: FactId::from_uuid(ids.uuid_v7()),
        tenant: None,
        recorded_at: Timestamp::from_micros(set.generated_at_micros),
        traceparent: String::new(),
        tracestate: String::new(),
    };
    publisher.publish(&Route::of::<CredentialGenerations>(), seal(stamp, &set)).await?;
    Ok(())
}
