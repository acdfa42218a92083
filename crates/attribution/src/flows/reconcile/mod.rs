//! Reconciliation: takes AppsFlyer's reports in, and lays them beside what came here, in the background.
//!
//! A report is stored as it arrives and compared when it is whole: click by click, in bounded steps, each one transaction
//! that also notes how far it is. So a killed process loses a step, and any number of replicas share the work.

mod compare;
mod read;
mod receive;
mod tend;

use std::{fmt, sync::Arc};

use kernel::IdSource;
use postgres_kit::Pool;
use tokio::sync::Notify;

pub use receive::{NewReport, ReportWriter};

/// Works on reconciliations. Cheap to clone.
#[derive(Clone)]
pub struct Reconciler {
    pool: Pool,
    ids: Arc<dyn IdSource>,
    /// Rung when a report is whole.
    whole: Arc<Notify>,
}

impl Reconciler {
    /// Over a database and a source of ids.
    #[must_use]
    pub fn new(pool: Pool, ids: Arc<dyn IdSource>) -> Self {
        Self { pool, ids, whole: Arc::new(Notify::new()) }
    }
}

impl fmt::Debug for Reconciler {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Reconciler").finish_non_exhaustive()
    }
}
