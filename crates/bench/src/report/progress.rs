//! Lines while it runs: a benchmark that is silent for minutes looks like one that hangs.

use std::time::Instant;

/// The clock of the run.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    start: Instant,
}

impl Progress {
    /// Starts the clock.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// One line.
    pub fn say(&self, text: &str) {
        println!("[{:>4} s] {text}", self.start.elapsed().as_secs());
    }
}
