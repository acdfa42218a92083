//! What a service is given to run with.

use std::{fmt, sync::Arc};

use kernel::{Clock, IdSource};

use crate::{
    readiness::Readiness,
    supervisor::Supervisor,
    system::{SystemClock, SystemIds},
};

/// The effects of a process, handed to a service once and passed on as parameters.
#[derive(Clone)]
pub struct Runtime {
    /// Starts and stops tasks.
    pub supervisor: Supervisor,
    /// Whether this process wants traffic.
    pub readiness: Readiness,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids and random bytes.
    pub ids: Arc<dyn IdSource>,
}

impl Runtime {
    /// The real clock and the real randomness.
    #[must_use]
    pub fn new() -> Self {
        Self {
            supervisor: Supervisor::new(),
            readiness: Readiness::new(),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
        }
    }
}

impl Default for Runtime {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Runtime")
            .field("supervisor", &self.supervisor)
            .field("readiness", &self.readiness)
            .finish_non_exhaustive()
    }
}
