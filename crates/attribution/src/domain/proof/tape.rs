//! Random bytes, read one after the other: a case is written as plain code that asks for numbers, and proptest shrinks the
//! bytes. Zero always asks for the simplest thing.

use proptest::prelude::*;

#[derive(Debug, Clone)]
pub(super) struct Tape {
    bytes: Vec<u8>,
    place: usize,
}

/// A tape that is long enough for any case here.
pub(super) fn tape() -> impl Strategy<Value = Tape> {
    proptest::collection::vec(any::<u8>(), 700).prop_map(|bytes| Tape { bytes, place: 0 })
}

impl Tape {
    fn next(&mut self) -> u8 {
        self.place += 1;
        self.bytes.get(self.place - 1).copied().unwrap_or_default()
    }

    /// 0 … count - 1.
    pub(super) fn below(&mut self, count: usize) -> usize {
        usize::from(self.next()) % count
    }

    pub(super) fn number(&mut self, count: u32) -> u32 {
        u32::try_from(self.below(usize::try_from(count).unwrap())).unwrap()
    }

    pub(super) fn hours(&mut self, count: usize) -> i64 {
        i64::try_from(self.below(count)).unwrap()
    }

    /// True in so many of a hundred cases.
    pub(super) fn chance(&mut self, percent: u8) -> bool {
        u32::from(255 - self.next()) * 100 < u32::from(percent) * 256
    }

    pub(super) fn pick<T: Clone>(&mut self, among: &[T]) -> T {
        among[self.below(among.len())].clone()
    }

    pub(super) fn maybe<T>(&mut self, percent: u8, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.chance(percent).then(|| make(self))
    }
}
