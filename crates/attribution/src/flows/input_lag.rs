//! Whether postbacks are read as they come. While they are not, nothing may be expired: what a postback waits for may
//! stand in the queue. Nor may payout be told that they are. Replicas share what they know here through the table `replicas`.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use kernel::{Clock, Timestamp};

/// A postback that was received longer ago has waited in a queue, or waits in hand.
const LAG_SECONDS: i64 = 60;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// What this process has in hand.
#[derive(Debug, Default)]
pub(crate) struct InputLag(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// How many batches there are by the receipt of their oldest postback: consumers read side by side.
    in_hand: BTreeMap<Timestamp, u32>,
    /// When a late one was done with, or given back.
    late_at: Option<Timestamp>,
}

/// A batch that is worked on. Done with when it is dropped.
#[must_use]
pub(crate) struct InHand<'a> {
    input: &'a InputLag,
    clock: &'a dyn Clock,
    oldest: Timestamp,
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.input.ends(self.oldest, self.clock.now());
    }
}

impl InputLag {
    /// A batch is read; its oldest postback was received at `oldest`.
    pub(crate) fn begins<'a>(&'a self, clock: &'a dyn Clock, oldest: Timestamp) -> InHand<'a> {
        let mut known = self.known();
        let batches = known.in_hand.entry(oldest).or_default();
        *batches = batches.saturating_add(1);
        InHand { input: self, clock, oldest }
    }

    fn ends(&self, oldest: Timestamp, now: Timestamp) {
        let mut known = self.known();
        if let Some(batches) = known.in_hand.get_mut(&oldest) {
            *batches = batches.saturating_sub(1);
            if *batches == 0 {
                known.in_hand.remove(&oldest);
            }
        }
        if is_late(oldest, now) {
            known.late_at = known.late_at.max(Some(now));
        }
    }

    /// Whether a late batch is in hand, or was within the last `quiet_seconds`. One that is stuck becomes late.
    pub(crate) fn is_lagging(&self, now: Timestamp, quiet_seconds: i64) -> bool {
        let known = self.known();
        let has_late = known.in_hand.keys().next().is_some_and(|oldest| is_late(*oldest, now));
        let quiet_micros = quiet_seconds.saturating_mul(MICROS_PER_SECOND);
        has_late || known.late_at.is_some_and(|at| now.micros_since(at) < quiet_micros)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_late(oldest: Timestamp, now: Timestamp) -> bool {
    now.micros_since(oldest) > LAG_SECONDS.saturating_mul(MICROS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(0).saturating_add_seconds(seconds)
    }

    /// A clock that stands.
    #[derive(Debug)]
    struct Standing(Timestamp);

    impl Clock for Standing {
        fn now(&self) -> Timestamp {
            self.0
        }
    }

    #[test]
    fn a_late_batch_holds_expiry_up_until_it_was_quiet_for_long_enough() {
        let lag = InputLag::default();
        assert!(!lag.is_lagging(at(0), 60), "nothing was read");
        drop(lag.begins(&Standing(at(1_000)), at(999)));
        assert!(!lag.is_lagging(at(1_001), 60), "read at once");
        drop(lag.begins(&Standing(at(1_002)), at(900)));
        assert!(lag.is_lagging(at(1_061), 60));
        assert!(!lag.is_lagging(at(1_062), 60));
    }

    #[test]
    fn a_batch_that_is_stuck_is_late_whatever_is_read_beside_it() {
        let lag = InputLag::default();
        let clock = Standing(at(5_000));
        let stuck = lag.begins(&clock, at(1_000));
        assert!(!lag.is_lagging(at(1_060), 60));
        drop(lag.begins(&Standing(at(1_061)), at(1_061)));
        assert!(lag.is_lagging(at(1_061), 60), "it has not been done with for a minute");
        assert!(lag.is_lagging(at(4_999), 60));
        drop(stuck);
        assert!(lag.is_lagging(at(5_059), 60));
        assert!(!lag.is_lagging(at(5_060), 60));
    }
}
