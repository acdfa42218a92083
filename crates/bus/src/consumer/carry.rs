//! Carries items to their end: each is handled or buried, whatever its neighbours do. Knows no broker.

use std::{any::Any, future::Future, panic::AssertUnwindSafe};

use contracts::envelope::Envelope;
use futures_util::FutureExt as _;

use crate::consumer::{
    BatchHandler, HandleError,
    breaker::{Breaker, TRIES},
};

/// Longest part of a panic's text that is kept as the reason of a burial.
const LONGEST_REASON: usize = 300;

/// What to do while nothing goes through.
pub(crate) trait Patience {
    /// Waits before the next try after a `Pause`.
    fn wait(&mut self, reason: &str) -> impl Future<Output = Next> + Send;
    /// Waits before refused items are tried again; `reason` is the last refusal.
    fn doubt(&mut self, reason: &str) -> impl Future<Output = Next> + Send;
    /// A try went through.
    fn over(&mut self);
}

/// After a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    TryAgain,
    Stop,
}

/// In which order the parts are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Forwards,
    Backwards,
}

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Carried {
    /// Every item is handled or buried, but for those at these positions, which could be neither.
    Settled { buried: usize, unburied: Vec<usize> },
    /// The service stops; the items are not settled.
    Stopped,
}

enum Attempt {
    Done,
    Paused(String),
    Refused(String),
}

/// A single item that was refused, with its position and why.
struct Refused<'a> {
    at: usize,
    item: &'a [Envelope; 1],
    reason: String,
}

/// Hands `items` to the handler, `most` at a time. A refused item is kept aside until `breaker` knows whom to blame.
pub(crate) async fn carry<H: BatchHandler, P: Patience>(
    handler: &H,
    items: &[Envelope],
    most: usize,
    order: Order,
    breaker: &mut Breaker,
    patience: &mut P,
) -> Carried {
    let mut todo = parts(items, most, order);
    let mut aside: Vec<Refused<'_>> = Vec::new();
    let mut tries_left = TRIES;
    let mut ended = Ended::default();
    loop {
        let Some((at, part)) = todo.pop() else {
            let Some(last) = aside.last() else { break };
            if breaker.is_open() && tries_left > 0 {
                tries_left = tries_left.saturating_sub(1);
                if patience.doubt(&last.reason).await == Next::Stop {
                    return Carried::Stopped;
                }
                todo.extend(aside.drain(..).rev().map(|refused| (refused.at, refused.item.as_slice())));
            } else if ended.bury_all(handler, &mut aside, patience).await == Next::Stop {
                return Carried::Stopped;
            }
            continue;
        };
        match attempt(async { handler.handle(part).await }).await {
            Attempt::Done => {
                patience.over();
                breaker.success();
                if ended.bury_all(handler, &mut aside, patience).await == Next::Stop {
                    return Carried::Stopped;
                }
            }
            Attempt::Paused(reason) => {
                todo.push((at, part));
                if patience.wait(&reason).await == Next::Stop {
                    return Carried::Stopped;
                }
            }
            Attempt::Refused(reason) => {
                if let Ok(item) = <&[Envelope; 1]>::try_from(part) {
                    breaker.refused();
                    aside.push(Refused { at, item, reason });
                } else {
                    let middle = part.len() / 2;
                    let (first, second) = part.split_at(middle);
                    todo.push((at.saturating_add(middle), second));
                    todo.push((at, first));
                }
            }
        }
    }
    Carried::Settled { buried: ended.buried, unburied: ended.unburied }
}

/// What became of the items that were refused.
#[derive(Default)]
struct Ended {
    buried: usize,
    unburied: Vec<usize>,
}

impl Ended {
    /// Buries what is aside.
    async fn bury_all<H: BatchHandler, P: Patience>(
        &mut self,
        handler: &H,
        aside: &mut Vec<Refused<'_>>,
        patience: &mut P,
    ) -> Next {
        for Refused { at, item: [item], reason } in aside.drain(..) {
            match bury(handler, item, &reason, patience).await {
                Some(true) => self.buried = self.buried.saturating_add(1),
                Some(false) => self.unburied.push(at),
                None => return Next::Stop,
            }
        }
        Next::TryAgain
    }
}

/// A stack of parts with the position of their first item; the next to try lies on top.
fn parts(items: &[Envelope], most: usize, order: Order) -> Vec<(usize, &[Envelope])> {
    let most = most.max(1);
    let starts = (0..items.len()).step_by(most);
    let mut parts: Vec<_> = starts.zip(items.chunks(most)).collect();
    if order == Order::Forwards {
        parts.reverse();
    }
    parts
}

/// `Some(true)` when buried, `Some(false)` when that is impossible, `None` when the service stops.
async fn bury<H: BatchHandler, P: Patience>(
    handler: &H,
    item: &Envelope,
    reason: &str,
    patience: &mut P,
) -> Option<bool> {
    loop {
        match attempt(async { handler.bury(item, reason).await }).await {
            Attempt::Done => {
                patience.over();
                return Some(true);
            }
            Attempt::Refused(refusal) => {
                tracing::error!(
                    item.fact = item.fact,
                    bus.reason = reason,
                    bus.refusal = refusal,
                    "an item can be neither handled nor buried"
                );
                return Some(false);
            }
            Attempt::Paused(pause) => {
                if patience.wait(&pause).await == Next::Stop {
                    return None;
                }
            }
        }
    }
}

async fn attempt(work: impl Future<Output = Result<(), HandleError>> + Send) -> Attempt {
    // Unwind safe: a transaction that panics is rolled back by its connection, and handlers keep no state between calls.
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(())) => Attempt::Done,
        Ok(Err(HandleError::Pause(reason))) => Attempt::Paused(reason),
        Ok(Err(HandleError::Poison(reason))) => Attempt::Refused(reason),
        Err(panic) => Attempt::Refused(panic_text(panic.as_ref())),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&'static str>().copied())
        .unwrap_or("no text");
    format!("the handler panicked: {}", text.chars().take(LONGEST_REASON).collect::<String>())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Mutex};

    use proptest::prelude::*;

    use super::*;

    /// Handles what it is told to handle, all or nothing, as a transaction does.
    #[derive(Default)]
    struct Scripted {
        poison: BTreeSet<u8>,
        panics: BTreeSet<u8>,
        unburiable: BTreeSet<u8>,
        pauses: Mutex<usize>,
        /// Calls that are refused whatever the items.
        bad_day: Mutex<usize>,
        handled: Mutex<Vec<u8>>,
        buried: Mutex<Vec<u8>>,
        calls: Mutex<usize>,
    }

    impl BatchHandler for Scripted {
        async fn handle(&self, items: &[Envelope]) -> Result<(), HandleError> {
            assert!(!items.is_empty());
            *self.calls.lock().unwrap() += 1;
            // Not held over the panic below, or the mutex would be poisoned too.
            let is_away = {
                let mut pauses = self.pauses.lock().unwrap();
                let is_away = *pauses > 0;
                *pauses = pauses.saturating_sub(1);
                is_away
            };
            if is_away {
                return Err(HandleError::Pause("the database is away".to_owned()));
            }
            {
                let mut bad_day = self.bad_day.lock().unwrap();
                if *bad_day > 0 {
                    *bad_day -= 1;
                    return Err(HandleError::Poison("not a bad item".to_owned()));
                }
            }
            let numbers: Vec<u8> = items.iter().map(|item| item.fact_id[0]).collect();
            assert!(!numbers.iter().any(|number| self.panics.contains(number)), "bad item");
            if numbers.iter().any(|number| self.poison.contains(number)) {
                return Err(HandleError::Poison("bad item".to_owned()));
            }
            self.handled.lock().unwrap().extend(numbers);
            Ok(())
        }

        async fn bury(&self, item: &Envelope, reason: &str) -> Result<(), HandleError> {
            assert!(reason.contains("bad item"), "{reason}");
            if self.unburiable.contains(&item.fact_id[0]) {
                return Err(HandleError::Poison("not even that".to_owned()));
            }
            self.buried.lock().unwrap().push(item.fact_id[0]);
            Ok(())
        }
    }

    #[derive(Default)]
    struct Waits {
        waited: usize,
        doubted: u8,
        stop_after: Option<usize>,
    }

    impl Patience for Waits {
        async fn wait(&mut self, _reason: &str) -> Next {
            self.waited += 1;
            if self.stop_after.is_some_and(|most| self.waited >= most) { Next::Stop } else { Next::TryAgain }
        }

        async fn doubt(&mut self, _reason: &str) -> Next {
            self.doubted += 1;
            if self.stop_after.is_some() { Next::Stop } else { Next::TryAgain }
        }

        fn over(&mut self) {}
    }

    fn items(count: u8) -> Vec<Envelope> {
        (0..count).map(|number| Envelope { fact_id: vec![number], ..Envelope::default() }).collect()
    }

    fn run(handler: &Scripted, count: u8, most: usize, order: Order, waits: &mut Waits) -> Carried {
        run_on(&mut Breaker::default(), handler, count, most, order, waits)
    }

    fn run_on(
        breaker: &mut Breaker,
        handler: &Scripted,
        count: u8,
        most: usize,
        order: Order,
        waits: &mut Waits,
    ) -> Carried {
        let items = items(count);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(carry(handler, &items, most, order, breaker, waits))
    }

    #[test]
    fn one_bad_item_costs_its_neighbours_nothing() {
        let handler = Scripted { panics: [5].into(), ..Scripted::default() };
        let carried = run(&handler, 8, 512, Order::Forwards, &mut Waits::default());
        assert_eq!(carried, Carried::Settled { buried: 1, unburied: vec![] });
        assert_eq!(*handler.buried.lock().unwrap(), [5]);
        assert_eq!(*handler.handled.lock().unwrap(), [0, 1, 2, 3, 4, 6, 7]);
        assert!(*handler.calls.lock().unwrap() <= 7, "halves, not one by one");
    }

    #[test]
    fn a_run_of_bad_items_between_good_ones_is_buried_without_a_wait() {
        let handler = Scripted { poison: (2..7).collect(), ..Scripted::default() };
        let mut waits = Waits::default();
        let carried = run(&handler, 8, 512, Order::Forwards, &mut waits);
        assert_eq!(carried, Carried::Settled { buried: 5, unburied: vec![] });
        assert_eq!(waits.doubted, 0);
    }

    #[test]
    fn nothing_but_refusals_buries_nobody_before_the_last_try() {
        let poison = || Scripted { poison: (0..20).collect(), ..Scripted::default() };
        let handler = poison();
        let mut waits = Waits { stop_after: Some(1), ..Waits::default() };
        assert_eq!(run(&handler, 20, 512, Order::Forwards, &mut waits), Carried::Stopped);
        assert!(handler.buried.lock().unwrap().is_empty());

        let handler = poison();
        let mut waits = Waits::default();
        let carried = run(&handler, 20, 512, Order::Forwards, &mut waits);
        assert_eq!(carried, Carried::Settled { buried: 20, unburied: vec![] });
        assert_eq!(waits.doubted, TRIES);
        assert_eq!(*handler.buried.lock().unwrap(), (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn a_bad_day_that_ends_leaves_only_bad_items_in_the_graves() {
        // Everything is refused at first: each of 8 items alone and all groups of them, twice.
        let handler = Scripted { poison: [3].into(), bad_day: Mutex::new(15 + 8), ..Scripted::default() };
        let mut waits = Waits::default();
        let carried = run(&handler, 8, 512, Order::Forwards, &mut waits);
        assert_eq!(carried, Carried::Settled { buried: 1, unburied: vec![] });
        assert_eq!(*handler.buried.lock().unwrap(), [3]);
        assert_eq!(*handler.handled.lock().unwrap(), [0, 1, 2, 4, 5, 6, 7]);
        assert_eq!(waits.doubted, 2);
    }

    #[test]
    fn a_run_is_counted_across_batches() {
        let handler = Scripted { poison: [0].into(), ..Scripted::default() };
        let (mut breaker, mut waits) = (Breaker::default(), Waits::default());
        let mut one = |waits: &mut Waits| run_on(&mut breaker, &handler, 1, 512, Order::Forwards, waits);
        one(&mut waits);
        one(&mut waits);
        assert_eq!((waits.doubted, handler.buried.lock().unwrap().len()), (0, 2));
        waits.stop_after = Some(1);
        assert_eq!(one(&mut waits), Carried::Stopped);
        assert_eq!(handler.buried.lock().unwrap().len(), 2);
    }

    #[test]
    fn a_pause_repeats_the_same_items_and_buries_nobody() {
        let handler = Scripted { pauses: Mutex::new(9), ..Scripted::default() };
        let mut waits = Waits::default();
        let carried = run(&handler, 3, 512, Order::Forwards, &mut waits);
        assert_eq!(carried, Carried::Settled { buried: 0, unburied: vec![] });
        assert_eq!(waits.waited, 9);
        assert_eq!(*handler.handled.lock().unwrap(), [0, 1, 2]);
    }

    #[test]
    fn a_stop_ends_a_pause() {
        let handler = Scripted { pauses: Mutex::new(9), ..Scripted::default() };
        let mut waits = Waits { stop_after: Some(2), ..Waits::default() };
        assert_eq!(run(&handler, 3, 512, Order::Forwards, &mut waits), Carried::Stopped);
        assert_eq!(waits.waited, 2);
    }

    #[test]
    fn backwards_is_backwards() {
        let handler = Scripted::default();
        run(&handler, 4, 1, Order::Backwards, &mut Waits::default());
        assert_eq!(*handler.handled.lock().unwrap(), [3, 2, 1, 0]);
    }

    #[test]
    fn a_long_panic_is_cut() {
        let text: Box<dyn Any + Send> = Box::new("é".repeat(1_000));
        assert_eq!(
            panic_text(text.as_ref()).chars().count(),
            "the handler panicked: ".len() + LONGEST_REASON
        );
    }

    proptest! {
        /// Whatever is bad and however it is cut, every item ends exactly once and where it belongs.
        #[test]
        fn every_item_ends_exactly_once(
            count in 0_u8..60,
            poison in prop::collection::btree_set(0_u8..60, 0..8),
            unburiable in prop::collection::btree_set(0_u8..60, 0..8),
            pauses in 0_usize..5,
            most in 1_usize..20,
            backwards: bool,
        ) {
            let handler = Scripted {
                poison: poison.clone(),
                unburiable: unburiable.clone(),
                pauses: Mutex::new(pauses),
                ..Scripted::default()
            };
            let order = if backwards { Order::Backwards } else { Order::Forwards };
            let carried = run(&handler, count, most, order, &mut Waits::default());
            let Carried::Settled { buried, mut unburied } = carried else { panic!("nobody said stop") };
            unburied.sort_unstable();
            let bad = |number: &u8| poison.contains(number) && *number < count;
            let wanted_unburied: Vec<usize> =
                (0..count).filter(|n| bad(n) && unburiable.contains(n)).map(usize::from).collect();
            let wanted_buried: Vec<u8> = (0..count).filter(|n| bad(n) && !unburiable.contains(n)).collect();
            let wanted_handled: Vec<u8> = (0..count).filter(|n| !bad(n)).collect();
            let mut handled = handler.handled.into_inner().unwrap();
            let mut in_grave = handler.buried.into_inner().unwrap();
            handled.sort_unstable();
            in_grave.sort_unstable();
            prop_assert_eq!(unburied, wanted_unburied);
            prop_assert_eq!(buried, wanted_buried.len());
            prop_assert_eq!(in_grave, wanted_buried);
            prop_assert_eq!(handled, wanted_handled);
        }
    }
}
