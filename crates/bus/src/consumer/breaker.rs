//! Tells bad items from a bad day.
//!
//! A handler that says `Poison` is believed about an item, not about a queue: a database that fails in a way nobody has
//! listed, or a release that meets the wrong schema, refuses every item alike, and burying them one after another would
//! move the whole queue into the graves. What tells the two apart is a neighbour: an item is buried when something else
//! went through after its refusal. One bad item among good ones is therefore buried at once.
//!
//! When [`SUSPICIOUS_RUN`] single items in a row are refused and nothing went through between them, the refused ones of
//! the batch are kept aside and tried again every [`WAIT`], and before that with what comes meanwhile, as long as it has
//! its place in the batch: where good items follow bad ones the queue stands still for a [`REST`]. After a success each is
//! tried once more, and buried if it is refused again; [`TRIES`] waits without any bury all the same, so that a batch of
//! nothing but poison is out of the way after ten minutes. At most one less than the run is buried for nothing when a bad
//! day begins, and none when it ends for good. A day on which some kinds of items go through is no bad day but bad items,
//! as far as can be seen from here: the others are buried as they come. The run is counted across batches, and the tries in each: a bad day that goes on
//! costs at most one batch in ten minutes, and those can be replayed.

use std::time::Duration;

/// This many refused in a row are no longer believed to be the items' fault.
pub(crate) const SUSPICIOUS_RUN: usize = 3;
/// How often the refused items of one batch are tried again alone before they are buried without a success.
pub(crate) const TRIES: u8 = 10;
/// The wait before each of these tries.
pub(crate) const WAIT: Duration = Duration::from_mins(1);
/// The shortest wait before a try with what has come meanwhile.
pub(crate) const REST: Duration = Duration::from_secs(1);

/// What a consumer remembers from batch to batch.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    in_a_row: usize,
}

impl Breaker {
    /// Something went through.
    pub(crate) const fn success(&mut self) {
        self.in_a_row = 0;
    }

    /// A single item was refused.
    pub(crate) const fn refused(&mut self) {
        self.in_a_row = self.in_a_row.saturating_add(1);
    }

    /// Whether it is more likely a bad day than a bad item.
    pub(crate) const fn is_open(&self) -> bool {
        self.in_a_row >= SUSPICIOUS_RUN
    }
}
