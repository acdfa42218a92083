//! Double taps: the same link, member and `pub_click_id` within ten seconds are one click.
//!
//! Two halves take turns: what is new goes into one; when that is full or old, the other is forgotten and takes its place.
//! So memory is bounded and nothing is ever swept: under a flood a tap is remembered for less than ten seconds, which
//! costs a second click, no more.

use std::collections::HashMap;

use kernel::{ClickId, Timestamp};

/// How long a second tap is the first one.
pub const DOUBLE_TAP_MICROS: i64 = 10_000_000;

/// Clicks remembered in one half, each in some 60 bytes: six megabytes in all, ten seconds of 5,000 clicks a second.
pub const HALF_MAX: usize = 50_000;

/// Names a link, a member and a `pub_click_id`: a keyed hash of 128 bits, so that two never meet.
pub type TapKey = (u64, u64);

/// The clicks of the last seconds.
#[derive(Debug, Default)]
pub struct Taps {
    young: HashMap<TapKey, (Timestamp, ClickId)>,
    old: HashMap<TapKey, (Timestamp, ClickId)>,
    /// When the young half was begun.
    begun: Option<Timestamp>,
}

impl Taps {
    /// The click that a tap at `now` repeats.
    #[must_use]
    pub fn first(&self, key: TapKey, now: Timestamp) -> Option<ClickId> {
        let (at, click) = self.young.get(&key).or_else(|| self.old.get(&key))?;
        (0..=DOUBLE_TAP_MICROS).contains(&now.micros_since(*at)).then_some(*click)
    }

    /// Remembers a click that is durable.
    pub fn remember(&mut self, key: TapKey, click: ClickId, now: Timestamp) {
        let age = self.begun.map_or(i64::MAX, |begun| now.micros_since(begun));
        if self.young.len() >= HALF_MAX || age > DOUBLE_TAP_MICROS {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
            self.begun = Some(now);
        }
        self.young.insert(key, (now, click));
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn click(number: u128) -> ClickId {
        ClickId::from_uuid(Uuid::from_u128(number))
    }

    fn second(seconds: i64) -> Timestamp {
        Timestamp::from_micros(1_000_000_000).saturating_add_seconds(seconds)
    }

    #[test]
    fn a_second_tap_is_the_first_for_ten_seconds() {
        let mut taps = Taps::default();
        taps.remember((1, 1), click(1), second(0));
        assert_eq!(taps.first((1, 1), second(0)), Some(click(1)));
        assert_eq!(taps.first((1, 1), second(10)), Some(click(1)));
        assert_eq!(taps.first((1, 1), second(11)), None);
        assert_eq!(taps.first((1, 1), second(-1)), None, "a clock that went back knows no taps");
        assert_eq!(taps.first((1, 2), second(0)), None);
    }

    #[test]
    fn what_is_young_when_the_halves_change_is_still_remembered() {
        let mut taps = Taps::default();
        taps.remember((1, 1), click(1), second(0));
        taps.remember((2, 2), click(2), second(9));
        taps.remember((3, 3), click(3), second(11));
        assert_eq!(taps.first((2, 2), second(18)), Some(click(2)));
        assert_eq!(taps.first((3, 3), second(18)), Some(click(3)));
        taps.remember((2, 2), click(4), second(20));
        assert_eq!(taps.first((2, 2), second(21)), Some(click(4)), "the newer click counts");
    }

    #[test]
    fn a_flood_takes_no_more_memory() {
        let mut taps = Taps::default();
        for number in 0..3_u64 * 50_000 {
            taps.remember((number, 0), click(u128::from(number)), second(0));
        }
        assert!(taps.young.len() <= HALF_MAX && taps.old.len() <= HALF_MAX);
        assert_eq!(taps.first((149_999, 0), second(1)), Some(click(149_999)));
    }
}
