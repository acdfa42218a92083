//! Slots: how many attempts begin, and how many go on.
//!
//! More is claimed than there are slots for: it waits here for one, so that a slot that is free is taken at once and not after
//! the next claim. And an attempt that takes long gives its slot to another: endpoints that never answer go on in the background until
//! their time is over, or their breakers open, and hold up nobody. So nothing waits here for longer than a moment, which its lease
//! allows for.

use std::{
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::{
    sync::{Notify, Semaphore},
    time::timeout,
};

/// An attempt that takes longer gives its slot to another. Publishers that are well answer sooner, wherever they are.
const SLOW: Duration = Duration::from_millis(500);
/// So many times the slots is claimed at most: what is sent, what is slow, what waits for a slot …
const CLAIMED_MAX: usize = 4;
/// … and from so many on only for publishers with nothing under way, one delivery each: many that hang at once, or one with very many,
/// leave room for who is well.
const CLAIMED_FREELY: usize = 3;

/// What may be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::flows) struct Room {
    pub(in crate::flows) deliveries: usize,
    /// One for each publisher with nothing under way, and none for the others.
    pub(in crate::flows) is_scarce: bool,
}

/// The slots of one process.
pub(super) struct Slots {
    count: usize,
    free: Semaphore,
    waiting: AtomicUsize,
    more_room: Notify,
}

impl Slots {
    /// So many.
    pub(super) fn new(count: usize) -> Self {
        let count = count.clamp(1, Semaphore::MAX_PERMITS);
        Self { count, free: Semaphore::new(count), waiting: AtomicUsize::new(0), more_room: Notify::new() }
    }

    /// How much more may be claimed, when so much is claimed already: as much again as there are slots may wait for one.
    pub(super) fn room(&self, claimed: usize) -> Room {
        let ahead = self.free.available_permits().saturating_add(self.count);
        let ahead = ahead.saturating_sub(self.waiting.load(Ordering::Relaxed));
        let left = |times: usize| self.count.saturating_mul(times).saturating_sub(claimed);
        match left(CLAIMED_FREELY) {
            0 => Room { deliveries: ahead.min(left(CLAIMED_MAX)), is_scarce: true },
            freely => Room { deliveries: ahead.min(freely), is_scarce: false },
        }
    }

    /// Waits until there may be more room than there was: somebody has taken a slot, or given it away.
    pub(super) async fn grows(&self) {
        self.more_room.notified().await;
    }

    /// Says that one more will ask for a slot.
    pub(super) fn announce(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
    }

    /// Makes an announced attempt in a slot.
    pub(super) async fn hold<T>(&self, attempt: impl Future<Output = T>) -> T {
        // Nobody closes it; without a slot the attempt would be made all the same.
        let slot = self.free.acquire().await;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        self.more_room.notify_one();
        let mut attempt = pin!(attempt);
        match timeout(SLOW, &mut attempt).await {
            Ok(over) => over,
            Err(_slow) => {
                drop(slot);
                self.more_room.notify_one();
                attempt.await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    /// When each of so many attempts began that take so long each.
    async fn beginnings(slots: usize, attempts: usize, each: Duration) -> Vec<Duration> {
        let (slots, start) = (Slots::new(slots), Instant::now());
        let attempt = async || {
            slots.announce();
            let attempt = async {
                let begun = start.elapsed();
                tokio::time::sleep(each).await;
                begun
            };
            slots.hold(attempt).await
        };
        futures_util::future::join_all((0..attempts).map(|_| attempt())).await
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_begins_when_one_is_over() {
        let each = Duration::from_millis(100);
        assert_eq!(beginnings(2, 5, each).await, [0, 0, 1, 1, 2].map(|turn| each * turn));
    }

    #[tokio::test(start_paused = true)]
    async fn those_that_never_answer_give_their_slots_away() {
        let hour = Duration::from_hours(1);
        assert_eq!(beginnings(2, 5, hour).await, [0, 0, 1, 1, 2].map(|turn| SLOW * turn));
    }

    #[tokio::test]
    async fn as_much_as_there_are_slots_may_wait_for_one_and_all_are_bounded() {
        let slots = Slots::new(4);
        let room = |claimed| {
            let Room { deliveries, is_scarce } = slots.room(claimed);
            (deliveries, is_scarce)
        };
        assert_eq!(room(0), (8, false));
        (0..6).for_each(|_| slots.announce());
        assert_eq!((room(6), room(11)), ((2, false), (1, false)));
        assert_eq!((room(12), room(15), room(20)), ((2, true), (1, true), (0, true)));
    }
}
