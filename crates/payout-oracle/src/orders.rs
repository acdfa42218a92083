//! Steps that are taken at once are taken in some order. Which ends there are.

use std::collections::BTreeMap;

use crate::conversion::{Conversion, Step};

/// Every end to which some order of `steps` leads from `begin`, each at `now`, in which every decision fares as it did: `true` when
/// it was carried out. Steps of other kinds fare as they like. Rates are heard in the order in which they stand here, and when
/// time looks, whatever hold there is is over.
///
/// What was done and where that has led is all that counts, not in which order: so many steps are no more than so many sets of
/// them.
#[must_use]
pub fn ends(begin: &Conversion, steps: &[(Step, bool)], now: i64) -> Vec<Conversion> {
    // By what is left to do. Larger sets come first, for each step leads to a smaller one.
    let all: u32 = (0..steps.len()).fold(0, |set, number| set | bit(number));
    let mut reached: BTreeMap<u32, Vec<Conversion>> = BTreeMap::from([(all, vec![begin.clone()])]);
    while let Some((left, conversions)) = reached.pop_last() {
        if left == 0 {
            return conversions;
        }
        for (number, (step, fared)) in steps.iter().enumerate() {
            if left & bit(number) == 0 || is_too_early(steps, left, number) {
                continue;
            }
            let at = if matches!(step, Step::Time) { i64::MAX } else { now };
            let after = reached.entry(left & !bit(number)).or_default();
            for conversion in &conversions {
                let mut next = conversion.clone();
                let done = next.step(step, at);
                if (done == *fared || !matches!(step, Step::Decision(_))) && !after.contains(&next) {
                    after.push(next);
                }
            }
        }
    }
    Vec::new()
}

fn bit(number: usize) -> u32 {
    u32::try_from(number).ok().and_then(|number| 1_u32.checked_shl(number)).unwrap_or_default()
}

/// Whether older rates are left.
fn is_too_early(steps: &[(Step, bool)], left: u32, number: usize) -> bool {
    let is_rates = |step: &Step| matches!(step, Step::Rates(_));
    let mut before = steps.iter().enumerate().take(number);
    steps.get(number).is_some_and(|(step, _)| is_rates(step))
        && before.any(|(other, (step, _))| left & bit(other) != 0 && is_rates(step))
}
