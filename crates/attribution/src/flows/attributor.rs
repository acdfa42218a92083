//! What every flow works with.

use std::{
    fmt,
    sync::{Arc, atomic::AtomicBool},
};

use kernel::{Clock, IdSource};
use postgres_kit::Pool;
use signing::Keyring;
use tokio::sync::Notify;

use super::{input_lag::InputLag, meters::Meters};

/// The database, the keys of the click ids, and the effects. Cheap to clone.
#[derive(Clone)]
pub struct Attributor {
    pub(crate) pool: Pool,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) input: Arc<InputLag>,
    pub(crate) meters: Arc<Meters>,
    /// Whether input is read as it comes, here and by all other replicas: the sweep says so.
    pub(crate) calm: Arc<AtomicBool>,
    /// Rung when there are journeys to judge again.
    pub(crate) rejudge: Arc<Notify>,
    /// Rung when there is somebody to forget.
    pub(crate) erase: Arc<Notify>,
}

impl Attributor {
    /// With a database, the server keys of the click ids, a clock and a source of ids.
    #[must_use]
    pub fn new(pool: Pool, keyring: Keyring, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) -> Self {
        Self {
            pool,
            keyring: Arc::new(keyring),
            clock,
            ids,
            input: Arc::new(InputLag::default()),
            meters: Arc::new(Meters::new(&telemetry::meter())),
            calm: Arc::new(AtomicBool::new(false)),
            rejudge: Arc::new(Notify::new()),
            erase: Arc::new(Notify::new()),
        }
    }
}

impl fmt::Debug for Attributor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Attributor").finish_non_exhaustive()
    }
}
