//! What was measured in one round, and of one contestant in all of them.

use std::{fmt, time::Duration};

use super::numbers::{grouped, median};
use crate::{flow::WorkedOff, machine::CpuUse};

/// One round of one contestant.
#[derive(Debug, Clone)]
pub struct Sample {
    /// How many were done.
    pub events: u64,
    /// In which time.
    pub wall: Duration,
    /// At which price.
    pub cpu: CpuUse,
}

/// Whoever is measured, with all its rounds.
#[derive(Debug, Clone)]
pub struct Contestant {
    /// In the table.
    pub name: &'static str,
    /// One for each round.
    pub samples: Vec<Sample>,
}

impl Sample {
    /// Of a backlog that was worked off.
    pub fn new(events: u64, worked: WorkedOff) -> Self {
        Self { events, wall: worked.wall, cpu: worked.cpu }
    }

    /// Events in a second.
    pub fn rate(&self) -> f64 {
        self.events as f64 / self.wall.as_secs_f64().max(f64::EPSILON)
    }

    fn micros(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / self.events.max(1) as f64
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/s, {:.0} µs CPU each", grouped(self.rate()), self.micros(self.cpu.total()))
    }
}

impl Contestant {
    /// Nothing measured yet.
    pub const fn new(name: &'static str) -> Self {
        Self { name, samples: Vec::new() }
    }

    /// The middle of its rounds, in events a second.
    pub fn rate(&self) -> f64 {
        median(self.rates())
    }

    /// The slowest and the fastest round.
    pub fn spread(&self) -> (f64, f64) {
        let lowest = self.rates().fold(f64::INFINITY, f64::min);
        (if lowest.is_finite() { lowest } else { 0.0 }, self.rates().fold(0.0, f64::max))
    }

    /// Median CPU microseconds of one event, by process.
    pub fn micros_by_process(&self) -> Vec<(&'static str, f64)> {
        let names = self.samples.first().map(|sample| sample.cpu.by_process.as_slice()).unwrap_or_default();
        names
            .iter()
            .enumerate()
            .map(|(at, (name, _time))| {
                let times = self
                    .samples
                    .iter()
                    .filter_map(|sample| Some(sample.micros(sample.cpu.by_process.get(at)?.1)));
                (*name, median(times))
            })
            .collect()
    }

    /// Median of a share of the machine.
    pub fn share(&self, of: impl Fn(&CpuUse) -> f64) -> f64 {
        median(self.samples.iter().map(|sample| of(&sample.cpu)))
    }

    /// For the end.
    pub fn line(&self) -> String {
        let (lowest, highest) = self.spread();
        format!(
            "    {:<24} {:>10}  {:>9} … {:<9} {}",
            self.name,
            grouped(self.rate()),
            grouped(lowest),
            grouped(highest),
            self.price()
        )
    }

    /// CPU microseconds of one event, and which process they went to.
    pub fn price(&self) -> String {
        let by_process = self.micros_by_process();
        let total: f64 = by_process.iter().map(|(_name, micros)| micros).sum();
        let parts: Vec<String> =
            by_process.iter().map(|(name, micros)| format!("{name} {micros:.0}")).collect();
        format!("{total:>7.0} = {}", parts.join(" + "))
    }

    fn rates(&self) -> impl Iterator<Item = f64> + '_ {
        self.samples.iter().map(Sample::rate)
    }
}
