//! Steps that are taken at once are taken in some order. Which ends there are.

use crate::conversion::{Conversion, Step};

/// Every end to which some order of `steps` leads, each at `now`, in which every decision fares as it did: `true` when it was
/// carried out. Steps of other kinds fare as they like.
#[must_use]
pub fn ends(steps: &[(Step, bool)], now: i64) -> Vec<Conversion> {
    let mut found = Vec::new();
    let mut left: Vec<usize> = (0..steps.len()).collect();
    walk(&Conversion::default(), steps, &mut left, now, &mut found);
    found
}

fn walk(
    at: &Conversion,
    steps: &[(Step, bool)],
    left: &mut Vec<usize>,
    now: i64,
    found: &mut Vec<Conversion>,
) {
    if left.is_empty() && !found.contains(at) {
        found.push(at.clone());
    }
    for index in 0..left.len() {
        let number = left.remove(index);
        if let Some((step, fared)) = steps.get(number) {
            let mut next = at.clone();
            let done = next.step(step, now);
            if done == *fared || !matches!(step, Step::Decision(_)) {
                walk(&next, steps, left, now, found);
            }
        }
        left.insert(index, number);
    }
}
