//! Keeps the rule of [`domain::input_lag`](crate::domain::input_lag) up to date: what this process reads, what attribution says of its
//! own input, whether the broker is there, and, through the table `replicas`, what the other replicas say.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::{Clock, IdSource, Timestamp};
use postgres_kit::{DbError, Pool, replicas};
use uuid::Uuid;

use crate::{
    domain::input_lag::{self, Doubt, Input},
    metrics::Metrics,
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
    /// Whether another replica lags, as of the last look; nothing when that failed.
    others_lag: Option<bool>,
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
        let known = Known { input: Input::default(), is_told: false, others_lag: Some(false) };
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
            self.compare(pool, true).await?;
            self.shared.known().is_told = true;
        }
        Ok(in_hand)
    }

    fn begin(&self, heard_until: Timestamp) -> (InHand, bool) {
        let now = self.shared.clock.now();
        let mut known = self.shared.known();
        known.input.is_connected(now, true);
        let is_late = known.input.begins(now, heard_until);
        self.shared.metrics.input_lag(input_lag::lag_micros(now, heard_until));
        (InHand { shared: Arc::clone(&self.shared), is_late }, is_late && !known.is_told)
    }

    /// attribution says that it has read its input until then.
    pub fn hears(&self, heard_until: Timestamp) {
        let now = self.shared.clock.now();
        self.shared.known().input.hears(now, heard_until);
    }

    /// Looks again, and says here and to the others what was found.
    ///
    /// # Errors
    /// [`DbError`] when the others could not be asked; then nothing is to be released.
    pub async fn look(&self, pool: &Pool, is_connected: bool) -> Result<Option<Doubt>, DbError> {
        let now = self.shared.clock.now();
        let (lags, silence) = {
            let mut known = self.shared.known();
            known.input.is_connected(now, is_connected);
            (known.input.lags(now, self.shared.quiet_seconds), known.input.silence_micros(now))
        };
        if !lags {
            self.shared.metrics.input_lag(silence.unwrap_or_default());
        }
        let compared = self.compare(pool, lags).await;
        self.shared.known().others_lag = compared.as_ref().ok().copied();
        compared?;
        let is_news = {
            let mut known = self.shared.known();
            // A late batch may have come meanwhile, and what it told was just overwritten.
            let lags_now = known.input.lags(now, self.shared.quiet_seconds);
            known.is_told = lags_now;
            lags_now && !lags
        };
        if is_news {
            self.compare(pool, true).await?;
        }
        Ok(self.doubt())
    }

    async fn compare(&self, pool: &Pool, lags: bool) -> Result<bool, DbError> {
        let mut connection = pool.get().await?;
        Ok(replicas::compare(&mut connection, self.shared.replica, lags).await?)
    }

    /// The clock that lags are measured by.
    pub(super) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Why time may not release now: by what this process has in hand at this moment, and by what the others said at the last look.
    #[must_use]
    pub fn doubt(&self) -> Option<Doubt> {
        let now = self.shared.clock.now();
        let known = self.shared.known();
        match known.others_lag {
            Some(others_lag) => known.input.doubt(now, self.shared.quiet_seconds, others_lag),
            None => Some(Doubt::Unknown),
        }
    }

    /// Which holds may be released: those that were over by then.
    #[must_use]
    pub fn released_until(&self) -> Timestamp {
        let patience = input_lag::patience_seconds(self.doubt());
        self.shared.clock.now().saturating_add_seconds(patience.saturating_neg())
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
