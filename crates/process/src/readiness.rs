//! Whether this process wants traffic.
//!
//! Each part that can say no holds a named [`Condition`]; the process is ready when all hold and it is not stopping. A
//! process that stops is never ready again.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The conditions of one process.
#[derive(Debug, Clone, Default)]
pub struct Readiness {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    stopping: bool,
    conditions: BTreeMap<&'static str, bool>,
}

impl Readiness {
    /// Ready at once, until a condition is added.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a condition that does not hold yet. The same name again is the same condition, and its state is kept.
    #[must_use]
    pub fn condition(&self, name: &'static str) -> Condition {
        self.state().conditions.entry(name).or_insert(false);
        Condition { name, readiness: self.clone() }
    }

    /// Whether every condition holds and no stop has begun.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let state = self.state();
        !state.stopping && state.conditions.values().all(|holds| *holds)
    }

    /// Every condition by name, with `not_stopping` among them: the body of `/readyz`.
    #[must_use]
    pub fn explain(&self) -> Vec<(&'static str, bool)> {
        let state = self.state();
        let conditions = state.conditions.iter().map(|(name, holds)| (*name, *holds));
        conditions.chain([("not_stopping", !state.stopping)]).collect()
    }

    /// Not ready from now on, whatever the conditions say.
    pub fn stop(&self) {
        self.state().stopping = true;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nobody can panic while holding it, and a flag can not be half written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One reason to be ready or not.
#[derive(Debug, Clone)]
pub struct Condition {
    name: &'static str,
    readiness: Readiness,
}

impl Condition {
    /// Says whether it holds. A change is logged.
    pub fn set(&self, holds: bool) {
        let before = self.readiness.state().conditions.insert(self.name, holds);
        if before != Some(holds) {
            tracing::info!(condition = self.name, holds, "readiness changed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_when_every_condition_holds_and_never_after_a_stop() {
        let readiness = Readiness::new();
        let (broker, database) = (readiness.condition("broker"), readiness.condition("database"));
        broker.set(true);
        assert!(!readiness.is_ready());
        assert_eq!(readiness.explain(), [("broker", true), ("database", false), ("not_stopping", true)]);
        database.set(true);
        assert!(readiness.is_ready());
        assert!(readiness.condition("broker").readiness.is_ready(), "asking again changes nothing");
        readiness.stop();
        broker.set(true);
        assert!(!readiness.is_ready());
    }
}
