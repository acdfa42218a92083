//! Waiting for a condition, never for a time.

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

/// First pause between two looks; doubled each time up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(5);
/// Longest pause between two looks.
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// One look at what is awaited: there, or not yet and then what was seen instead.
pub trait Observed {
    /// What comes of the waiting.
    type Value;

    /// The value, or words for what was seen.
    fn look(self) -> Result<Self::Value, String>;
}

impl<T> Observed for Option<T> {
    type Value = T;

    fn look(self) -> Result<T, String> {
        self.ok_or_else(|| String::from("nothing"))
    }
}

impl<T, E: Debug> Observed for Result<T, E> {
    type Value = T;

    fn look(self) -> Result<T, String> {
        self.map_err(|seen| format!("{seen:?}"))
    }
}

impl Observed for bool {
    type Value = ();

    fn look(self) -> Result<(), String> {
        self.then_some(()).ok_or_else(|| String::from("false"))
    }
}

/// Looks again and again until `look` sees what is awaited: `Some`, `Ok` or `true`. The last look is after `deadline`,
/// so a slow machine is not taken for a fault.
///
/// Say what you see and not only that it is wrong, and the failure explains itself:
///
/// ```
/// # async fn example(count: impl AsyncFn() -> usize) {
/// test_kit::eventually("all three facts are sent", std::time::Duration::from_secs(5), async || {
///     let left = count().await;
///     if left == 0 { Ok(()) } else { Err(format!("{left} left")) }
/// })
/// .await;
/// # }
/// ```
///
/// # Panics
/// When `deadline` passes, with `what` was awaited and what was seen last.
#[track_caller]
pub fn eventually<O: Observed>(
    what: &str,
    deadline: Duration,
    mut look: impl AsyncFnMut() -> O,
) -> impl Future<Output = O::Value> {
    let caller = std::panic::Location::caller();
    async move {
        let start = Instant::now();
        let mut pause = PAUSE_MIN;
        loop {
            let is_last = start.elapsed() >= deadline;
            let seen = match look().await.look() {
                Ok(value) => return value,
                Err(seen) => seen,
            };
            assert!(!is_last, "awaited for {deadline:?} at {caller}: {what}; last seen: {seen}");
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(PAUSE_MAX);
        }
    }
}
