//! Replay: stored journeys judged again under chosen terms, in the background.
//!
//! An order first finds out which journeys it is about, page by page, then judges them some at a time: each step one
//! transaction that also notes how far it is. So a killed process loses a step, and any number of replicas share the work;
//! orders take turns. A dry run reads each step from one snapshot: it locks no journey, holds no catalog still, and writes
//! only what it reports. For real, a step holds its journeys as a batch of postbacks does, notes the chosen version as an
//! input of each, and has them judged.

mod order;
mod read;
mod reckon;
mod step;
mod tend;

use std::{fmt, sync::Arc};

use tokio::sync::Notify;

pub use crate::store::replays::{Count, DifferenceLine, Period, Selection, Shown, Sum};
pub use order::{Chosen, Order, OrderError};

use super::Attributor;

/// Works on replays. Cheap to clone.
#[derive(Clone)]
pub struct Replayer {
    attributor: Attributor,
    /// Rung when there is an order.
    ordered: Arc<Notify>,
}

impl Replayer {
    /// By the rules and over the database of an attributor.
    #[must_use]
    pub fn new(attributor: Attributor) -> Self {
        Self { attributor, ordered: Arc::new(Notify::new()) }
    }
}

impl fmt::Debug for Replayer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Replayer").finish_non_exhaustive()
    }
}
