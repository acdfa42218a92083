//! The honest sentence: what a figure is limited by, from what was measured and not from what one hoped.

use super::{numbers::percent, sample::Contestant};
use crate::machine::cores;

/// From here on the machine has nothing left to give.
const FULL: f64 = 0.9;
/// From here on somebody else's work falsifies the figures.
const NOISE: f64 = 0.1;

/// What limits this contestant.
pub fn limit(contestant: &Contestant) -> String {
    let busy = contestant.share(|cpu| cpu.machine_busy);
    let others = contestant.share(crate::machine::CpuUse::others);
    let by_process = contestant.micros_by_process();
    let total: f64 = by_process.iter().map(|(_name, micros)| micros).sum::<f64>().max(f64::EPSILON);
    let (most, micros) =
        by_process.iter().copied().max_by(|(_a, a), (_b, b)| a.total_cmp(b)).unwrap_or(("nobody", 0.0));
    let of_it =
        format!("most of it is {most}: {micros:.0} of {total:.0} µs an event ({})", percent(micros / total));
    let mut sentence = if busy >= FULL {
        format!("CPU: all {} cores are {} busy; {of_it}.", cores(), percent(busy))
    } else {
        format!(
            "not CPU alone: the {} cores are {} busy, the rest is waiting for the disk and for one another; {of_it}.",
            cores(),
            percent(busy)
        )
    };
    if others >= NOISE {
        sentence.push_str(&format!(
            " Processes that have nothing to do with it took {} of the machine: alone it would be faster.",
            percent(others)
        ));
    }
    sentence
}
