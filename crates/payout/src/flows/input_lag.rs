//! Keeps the rule of [`domain::input_lag`](crate::domain::input_lag) up to date: what this process reads, whether the broker
//! is there, and, through the table `replicas`, what the other replicas say.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::{Clock, IdSource, Timestamp};
use postgres_kit::{DbError, Pool};
use uuid::Uuid;

use crate::{
    domain::input_lag::{self, Doubt, Input},
    metrics::Metrics,
    store::replicas,
};

/// This process's view of its input. Cheap to clone.
#[derive(Clone)]
pub struct InputLag {
    shared: Arc<Shared>,
}

struct Shared {
    replica: Uuid,
    clock: Arc<dyn Clock>,
    quiet_seconds: i64,
    metrics: Metrics,
    known: Mutex<Known>,
}

struct Known {
    input: Input,
    /// Whether the others know that this replica lags.
    is_told: bool,
    /// As of the last look.
    doubt: Option<Doubt>,
}

/// A batch that is being worked on. Done with when it is dropped.
#[must_use]
pub struct InHand {
    shared: Arc<Shared>,
    is_late: bool,
}

impl Drop for InHand {
    fn drop(&mut self) {
        if self.is_late {
            let now = self.shared.clock.now();
            self.shared.known().input.ends(now);
        }
    }
}

impl Shared {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InputLag {
    /// Before anything was read.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, ids: &dyn IdSource, quiet_seconds: u32, metrics: Metrics) -> Self {
        let known = Known { input: Input::default(), is_told: false, doubt: Some(Doubt::Disconnected) };
        Self {
            shared: Arc::new(Shared {
                replica: ids.uuid_v7(),
                clock,
                quiet_seconds: i64::from(quiet_seconds),
                metrics,
                known: Mutex::new(known),
            }),
        }
    }

    /// A batch was read; attribution had read its own input until `heard_until` when it said the oldest of it. The first
    /// late one is told to the other replicas before anything is done with it.
    ///
    /// # Errors
    /// [`DbError`] when the others could not be told.
    pub async fn reads(&self, pool: &Pool, heard_until: Timestamp) -> Result<InHand, DbError> {
        let (in_hand, is_news) = self.begin(heard_until);
        if is_news {
            let mut connection = pool.get().await?;
            replicas::compare(&mut connection, self.shared.replica, true).await?;
            self.shared.known().is_told = true;
        }
        Ok(in_hand)
    }

    fn begin(&self, heard_until: Timestamp) -> (InHand, bool) {
        let now = self.shared.clock.now();
        let mut known = self.shared.known();
        let is_late = known.input.begins(now, heard_until);
        self.shared.metrics.input_lag(input_lag::lag_micros(now, heard_until));
        (InHand { shared: Arc::clone(&self.shared), is_late }, is_late && !known.is_told)
    }

    /// Looks again, and says here and to the others what was found.
    ///
    /// # Errors
    /// [`DbError`] when the others could not be asked; then nothing is to be released.
    pub async fn look(&self, pool: &Pool, is_connected: bool) -> Result<Option<Doubt>, DbError> {
        let now = self.shared.clock.now();
        let lags = {
            let mut known = self.shared.known();
            known.input.is_connected(now, is_connected);
            known.doubt = Some(Doubt::Unknown);
            known.input.lags(now, self.shared.quiet_seconds)
        };
        if !lags {
            self.shared.metrics.input_lag(0);
        }
        let mut connection = pool.get().await?;
        let others_lag = replicas::compare(&mut connection, self.shared.replica, lags).await?;
        let (doubt, is_news) = {
            let mut known = self.shared.known();
            // A late batch may have come meanwhile, and what it told was just overwritten.
            let lags_now = known.input.lags(now, self.shared.quiet_seconds);
            known.is_told = lags_now;
            known.doubt = known.input.doubt(now, self.shared.quiet_seconds, others_lag);
            (known.doubt, lags_now && !lags)
        };
        if is_news {
            replicas::compare(&mut connection, self.shared.replica, true).await?;
        }
        Ok(doubt)
    }

    /// The clock that lags are measured by.
    pub(super) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// What the last look found.
    #[must_use]
    pub fn doubt(&self) -> Option<Doubt> {
        self.shared.known().doubt
    }

    /// This process ends in order: nobody has to wait for it.
    pub(super) async fn leave(&self, pool: &Pool) {
        let left = async {
            let mut connection = pool.get().await?;
            Ok::<_, DbError>(replicas::leave(&mut connection, self.shared.replica).await?)
        };
        if let Err(error) = left.await {
            tracing::debug!(error = telemetry::chain(&error), "the other replicas wait for two minutes");
        }
    }
}
