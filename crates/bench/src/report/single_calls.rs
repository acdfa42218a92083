//! How long single calls take: one contestant's rounds, each with all its times.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::{
    Contestant, Sample,
    numbers::{fine_milliseconds, median},
};
use crate::machine::CpuUse;

/// Decimal digits that are kept of every time.
const DIGITS: u8 = 3;

/// The calls of one contestant, by round.
#[derive(Debug)]
pub struct SingleCalls {
    /// For the price of a call.
    contestant: Contestant,
    /// Nanoseconds, of each round.
    rounds: Vec<Histogram<u64>>,
}

impl SingleCalls {
    /// Nothing measured yet.
    pub const fn new(name: &'static str) -> Self {
        Self { contestant: Contestant::new(name), rounds: Vec::new() }
    }

    /// Whose they are.
    pub const fn name(&self) -> &'static str {
        self.contestant.name
    }

    /// One round: every call's time, all together, and at which price.
    ///
    /// # Errors
    /// When a time is beyond all reason.
    pub fn add(&mut self, times: &[Duration], wall: Duration, cpu: CpuUse) -> anyhow::Result<()> {
        let mut round = Histogram::new(DIGITS)?;
        for time in times {
            round.record(u64::try_from(time.as_nanos())?)?;
        }
        self.rounds.push(round);
        self.contestant.samples.push(Sample { events: times.len() as u64, wall, cpu });
        Ok(())
    }

    /// The middle of its rounds' medians.
    pub fn median(&self) -> Duration {
        let medians = self.rounds.iter().map(|round| round.value_at_quantile(0.5) as f64);
        Duration::from_nanos(median(medians) as u64)
    }

    /// A quantile of the calls of all rounds.
    pub fn quantile(&self, quantile: f64) -> Duration {
        let mut rounds = self.rounds.iter();
        let Some(mut all) = rounds.next().cloned() else { return Duration::ZERO };
        for round in rounds {
            // All have the same precision, and grow as they must: there is nothing to fail.
            all += round;
        }
        Duration::from_nanos(all.value_at_quantile(quantile))
    }

    /// Above the lines.
    pub fn head() -> String {
        format!(
            "    {:<24} {:>10}  {:>9} … {:<9} {:>9}  CPU µs each",
            "", "median", "fastest", "slowest", "p99"
        )
    }

    /// For the end. The spread is that of its rounds' medians.
    pub fn line(&self) -> String {
        let medians = self.rounds.iter().map(|round| round.value_at_quantile(0.5));
        let of = |nanos: Option<u64>| fine_milliseconds(Duration::from_nanos(nanos.unwrap_or_default()));
        format!(
            "    {:<24} {:>10}  {:>9} … {:<9} {:>9}  {}",
            self.contestant.name,
            fine_milliseconds(self.median()),
            of(medians.clone().min()),
            of(medians.max()),
            fine_milliseconds(self.quantile(0.99)),
            self.contestant.price()
        )
    }

    /// The last round, in words.
    pub fn last_words(&self) -> String {
        let median = self.rounds.last().map_or(0, |round| round.value_at_quantile(0.5));
        format!("{} {}", self.contestant.name, fine_milliseconds(Duration::from_nanos(median)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_that_of_the_rounds_and_a_quantile_that_of_all_calls() {
        let millis = |list: &[u64]| list.iter().copied().map(Duration::from_millis).collect::<Vec<_>>();
        let mut calls = SingleCalls::new("x");
        for round in [&[1, 2, 3][..], &[4, 5, 90], &[2, 3, 4]] {
            calls.add(&millis(round), Duration::from_secs(1), CpuUse::default()).unwrap();
        }
        let near = |time: Duration, millis: f64| (time.as_secs_f64() * 1e3 / millis - 1.0).abs() < 0.002;
        assert!(near(calls.median(), 3.0), "{:?}", calls.median());
        assert!(near(calls.quantile(1.0), 90.0), "{:?}", calls.quantile(1.0));
        assert!(near(calls.quantile(0.5), 3.0), "{:?}", calls.quantile(0.5));
    }
}
