//! How large a run is. `BENCH_SCALE=0.1` is quick; figures of a small run are less steady, not different in kind.

use std::time::Duration;

use anyhow::{Context, ensure};

/// Multiplies every size.
#[derive(Debug, Clone, Copy)]
pub struct Scale(f64);

impl Scale {
    /// From the environment; 1 when it says nothing.
    ///
    /// # Errors
    /// When it says something that is no size.
    pub fn from_env() -> anyhow::Result<Self> {
        let Some(text) = std::env::var_os("BENCH_SCALE") else { return Ok(Self(1.0)) };
        let text = text.to_string_lossy();
        let scale: f64 = text.parse().with_context(|| format!("BENCH_SCALE is {text:?}, not a number"))?;
        ensure!(scale > 0.0 && scale <= 100.0, "BENCH_SCALE must be above 0 and at most 100, is {scale}");
        Ok(Self(scale))
    }

    /// Whether sizes are what they should be, or more.
    pub fn is_whole(self) -> bool {
        self.0 >= 1.0
    }

    /// A number of events; never less than `least`, below which a figure is noise.
    pub fn events(self, full: u64, least: u64) -> u64 {
        ((full as f64 * self.0) as u64).max(least)
    }

    /// A time; never less than `least`.
    pub fn time(self, full: Duration, least: Duration) -> Duration {
        full.mul_f64(self.0).max(least)
    }

    /// Rounds: the full number from a tenth on, two below.
    pub fn rounds(self, full: usize) -> usize {
        if self.0 < 0.1 { full.min(2) } else { full }
    }
}

impl std::fmt::Display for Scale {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "BENCH_SCALE={}", self.0)
    }
}
