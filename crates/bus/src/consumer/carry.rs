//! Carries items to their end: each is handled or buried, whatever its neighbours do. Knows no broker.

use std::{any::Any, future::Future, ops::Range, panic::AssertUnwindSafe};

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

/// How a round over the items ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Round {
    /// Every item is handled or buried, but for those at these positions, which could be neither.
    Settled { buried: usize, unburied: Vec<usize> },
    /// What is left was refused, lastly for this reason, and nothing else went through: it is tried again in the next round.
    Doubtful(String),
    /// The service stops; the items are not settled.
    Stopped,
}

/// What came before the next round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// More items, which may go through where the others do not.
    Company,
    /// Nothing, for as long as a try is worth.
    Alone,
    Stop,
}

enum Attempt {
    Done,
    Paused(String),
    Refused(String),
}

/// Items that are tried together.
struct Part {
    items: Range<usize>,
    /// Whether it is one item that was refused while nothing went through, and now something has: if it is refused again it is to blame.
    is_last_try: bool,
}

impl Part {
    const fn of(items: Range<usize>) -> Self {
        Self { items, is_last_try: false }
    }
}

/// A single item that was refused, and why.
struct Refused {
    at: usize,
    reason: String,
}

/// Items on their way to their end. A refused item is kept aside until the breaker knows whom to blame.
pub(crate) struct Carrying {
    /// A stack of parts; the next to try lies on top.
    todo: Vec<Part>,
    aside: Vec<Refused>,
    /// Items that are tried, are tried again, or are at their end.
    known: usize,
    /// Items handed to the handler at once.
    most: usize,
    tries_left: u8,
    buried: usize,
    unburied: Vec<usize>,
}

impl Carrying {
    /// Of the first `items`, `most` at a time.
    pub(crate) fn new(items: usize, most: usize, order: Order) -> Self {
        let mut todo = parts(0, items, most);
        if order == Order::Forwards {
            todo.reverse();
        }
        let (aside, unburied) = (Vec::new(), Vec::new());
        Self { todo, aside, known: items, most, tries_left: TRIES, buried: 0, unburied }
    }

    /// Makes ready for the round after a doubt: what was refused first, so that the end of a bad day buries nobody, then the
    /// company that came, up to `items`.
    pub(crate) fn again(&mut self, items: usize, doubt: Doubt) {
        if doubt == Doubt::Alone {
            self.tries_left = self.tries_left.saturating_sub(1);
        }
        self.todo = parts(self.known, items, self.most);
        self.todo.reverse();
        self.try_again(false);
        self.known = items;
    }

    fn try_again(&mut self, is_last_try: bool) {
        let again = self.aside.drain(..).rev();
        self.todo.extend(again.map(|refused| Part { items: one(refused.at), is_last_try }));
    }

    /// Hands what is to do to the handler, until nothing is left or it is more likely a bad day than a bad item.
    pub(crate) async fn round<H: BatchHandler, P: Patience>(
        &mut self,
        handler: &H,
        items: &[Envelope],
        breaker: &mut Breaker,
        patience: &mut P,
    ) -> Round {
        while let Some(part) = self.todo.pop() {
            let Some(tried) = items.get(part.items.clone()) else { continue };
            match attempt(async { handler.handle(tried).await }).await {
                Attempt::Done => {
                    patience.over();
                    self.tries_left = TRIES;
                    if breaker.is_open() {
                        // The bad day may have ended just now, after they were refused.
                        self.try_again(true);
                    }
                    breaker.success();
                    if self.bury_all(handler, items, patience).await == Next::Stop {
                        return Round::Stopped;
                    }
                }
                Attempt::Paused(reason) => {
                    self.todo.push(part);
                    if patience.wait(&reason).await == Next::Stop {
                        return Round::Stopped;
                    }
                }
                Attempt::Refused(reason) if part.items.len() == 1 => {
                    self.aside.push(Refused { at: part.items.start, reason });
                    if !part.is_last_try {
                        breaker.refused();
                    } else if self.bury_all(handler, items, patience).await == Next::Stop {
                        return Round::Stopped;
                    }
                }
                Attempt::Refused(_) => {
                    let Range { start, end } = part.items;
                    let middle = start.saturating_add(part.items.len() / 2);
                    self.todo.push(Part::of(middle..end));
                    self.todo.push(Part::of(start..middle));
                }
            }
        }
        if breaker.is_open()
            && self.tries_left > 0
            && let Some(last) = self.aside.last()
        {
            return Round::Doubtful(last.reason.clone());
        }
        if self.bury_all(handler, items, patience).await == Next::Stop {
            return Round::Stopped;
        }
        Round::Settled { buried: self.buried, unburied: std::mem::take(&mut self.unburied) }
    }

    /// Buries what is aside.
    async fn bury_all<H: BatchHandler, P: Patience>(
        &mut self,
        handler: &H,
        items: &[Envelope],
        patience: &mut P,
    ) -> Next {
        for Refused { at, reason } in self.aside.drain(..) {
            let Some(item) = items.get(at) else { continue };
            match bury(handler, item, &reason, patience).await {
                Some(true) => self.buried = self.buried.saturating_add(1),
                Some(false) => self.unburied.push(at),
                None => return Next::Stop,
            }
        }
        Next::TryAgain
    }
}

/// The items from `from` up to `end`, `most` at a time.
fn parts(from: usize, end: usize, most: usize) -> Vec<Part> {
    let most = most.max(1);
    let part = |start: usize| Part::of(start..start.saturating_add(most).min(end));
    (from..end).step_by(most).map(part).collect()
}

const fn one(at: usize) -> Range<usize> {
    at..at.saturating_add(1)
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
    use crate::consumer::breaker::SUSPICIOUS_RUN;

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
        reasons: Mutex<Vec<String>>,
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
                    return Err(HandleError::Poison("a bad day".to_owned()));
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
            self.reasons.lock().unwrap().push(reason.to_owned());
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
        /// Items that come while a bad day is thought likely, one with each doubt.
        company: u8,
        /// All that there were in the end.
        items: usize,
        stop_after: Option<usize>,
    }

    impl Patience for Waits {
        async fn wait(&mut self, _reason: &str) -> Next {
            self.waited += 1;
            if self.stop_after.is_some_and(|most| self.waited >= most) { Next::Stop } else { Next::TryAgain }
        }

        fn over(&mut self) {}
    }

    fn items(count: u8) -> Vec<Envelope> {
        (0..count).map(|number| Envelope { fact_id: vec![number], ..Envelope::default() }).collect()
    }

    fn run(handler: &Scripted, count: u8, most: usize, order: Order, waits: &mut Waits) -> Round {
        run_on(&mut Breaker::default(), handler, count, most, order, waits)
    }

    fn run_on(
        breaker: &mut Breaker,
        handler: &Scripted,
        count: u8,
        most: usize,
        order: Order,
        waits: &mut Waits,
    ) -> Round {
        let mut items = items(count);
        waits.items = items.len();
        let mut carrying = Carrying::new(items.len(), most, order);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        loop {
            let round = runtime.block_on(carrying.round(handler, &items, breaker, waits));
            let Round::Doubtful(_) = round else { return round };
            waits.doubted += 1;
            if waits.stop_after.is_some() {
                return Round::Stopped;
            }
            let doubt = if waits.company > 0 { Doubt::Company } else { Doubt::Alone };
            if doubt == Doubt::Company {
                waits.company -= 1;
                let number = u8::try_from(items.len()).unwrap();
                items.push(Envelope { fact_id: vec![number], ..Envelope::default() });
                waits.items = items.len();
            }
            carrying.again(items.len(), doubt);
        }
    }

    #[test]
    fn one_bad_item_costs_its_neighbours_nothing() {
        let handler = Scripted { panics: [5].into(), ..Scripted::default() };
        let carried = run(&handler, 8, 512, Order::Forwards, &mut Waits::default());
        assert_eq!(carried, Round::Settled { buried: 1, unburied: vec![] });
        assert_eq!(*handler.buried.lock().unwrap(), [5]);
        assert_eq!(*handler.reasons.lock().unwrap(), ["the handler panicked: bad item"]);
        assert_eq!(*handler.handled.lock().unwrap(), [0, 1, 2, 3, 4, 6, 7]);
        assert!(*handler.calls.lock().unwrap() <= 7, "halves, not one by one");
    }

    #[test]
    fn a_run_of_bad_items_between_good_ones_is_buried_without_a_wait() {
        let handler = Scripted { poison: (2..7).collect(), ..Scripted::default() };
        let mut waits = Waits::default();
        let carried = run(&handler, 8, 512, Order::Forwards, &mut waits);
        assert_eq!(carried, Round::Settled { buried: 5, unburied: vec![] });
        assert_eq!(waits.doubted, 0);
    }

    #[test]
    fn nothing_but_refusals_buries_nobody_before_the_last_try() {
        let poison = || Scripted { poison: (0..20).collect(), ..Scripted::default() };
        let handler = poison();
        let mut waits = Waits { stop_after: Some(1), ..Waits::default() };
        assert_eq!(run(&handler, 20, 512, Order::Forwards, &mut waits), Round::Stopped);
        assert!(handler.buried.lock().unwrap().is_empty());

        let handler = poison();
        let mut waits = Waits::default();
        let carried = run(&handler, 20, 512, Order::Forwards, &mut waits);
        assert_eq!(carried, Round::Settled { buried: 20, unburied: vec![] });
        assert_eq!(waits.doubted, TRIES);
        assert_eq!(*handler.buried.lock().unwrap(), (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn a_bad_day_that_ends_leaves_only_bad_items_in_the_graves() {
        // Everything is refused at first: each of 8 items alone and all groups of them, twice.
        let handler = Scripted { poison: [3].into(), bad_day: Mutex::new(15 + 8), ..Scripted::default() };
        let mut waits = Waits::default();
        let carried = run(&handler, 8, 512, Order::Forwards, &mut waits);
        assert_eq!(carried, Round::Settled { buried: 1, unburied: vec![] });
        assert_eq!(*handler.buried.lock().unwrap(), [3]);
        assert_eq!(*handler.handled.lock().unwrap(), [0, 1, 2, 4, 5, 6, 7]);
        assert_eq!(waits.doubted, 2);
    }

    #[test]
    fn a_bad_day_that_ends_half_way_through_a_try_buries_nobody() {
        for refused_again in 1..8 {
            let handler = Scripted { bad_day: Mutex::new(15 + refused_again), ..Scripted::default() };
            let mut waits = Waits::default();
            let carried = run(&handler, 8, 512, Order::Forwards, &mut waits);
            assert_eq!(carried, Round::Settled { buried: 0, unburied: vec![] });
            assert_eq!(waits.doubted, 1);
        }
    }

    #[test]
    fn whoever_is_refused_after_a_success_is_tried_as_often_as_anybody() {
        let handler =
            Scripted { poison: (1..4).collect(), bad_day: Mutex::new(7 + 4 + 4), ..Scripted::default() };
        let mut waits = Waits::default();
        let carried = run(&handler, 4, 512, Order::Forwards, &mut waits);
        assert_eq!(carried, Round::Settled { buried: 3, unburied: vec![] });
        assert_eq!(waits.doubted, 3 + TRIES, "three rounds of a bad day, and all tries of what is bad");
    }

    #[test]
    fn company_that_goes_through_buries_what_is_refused_beside_it() {
        let handler = Scripted { poison: (0..5).collect(), ..Scripted::default() };
        let mut waits = Waits { company: 2, ..Waits::default() };
        let carried = run(&handler, 4, 512, Order::Forwards, &mut waits);
        assert_eq!(carried, Round::Settled { buried: 5, unburied: vec![] });
        assert_eq!(waits.doubted, 2, "the first that came is no better");
        assert_eq!(*handler.buried.lock().unwrap(), [0, 1, 2, 3, 4]);
        assert_eq!(*handler.handled.lock().unwrap(), [5]);
    }

    #[test]
    fn company_after_a_bad_day_finds_nobody_to_bury() {
        // Each of 4 items alone and all groups of them, once.
        let handler = Scripted { bad_day: Mutex::new(7), ..Scripted::default() };
        let mut waits = Waits { company: 1, ..Waits::default() };
        let carried = run(&handler, 4, 512, Order::Forwards, &mut waits);
        assert_eq!(carried, Round::Settled { buried: 0, unburied: vec![] });
        assert_eq!(*handler.handled.lock().unwrap(), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn company_that_is_refused_too_uses_up_no_try() {
        let handler = Scripted { poison: (0..9).collect(), ..Scripted::default() };
        let mut waits = Waits { company: 5, ..Waits::default() };
        let carried = run(&handler, 4, 512, Order::Forwards, &mut waits);
        assert_eq!(carried, Round::Settled { buried: 9, unburied: vec![] });
        assert_eq!(waits.doubted, 5 + TRIES);
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
        assert_eq!(one(&mut waits), Round::Stopped);
        assert_eq!(handler.buried.lock().unwrap().len(), 2);
    }

    #[test]
    fn a_pause_repeats_the_same_items_and_buries_nobody() {
        let handler = Scripted { pauses: Mutex::new(9), ..Scripted::default() };
        let mut waits = Waits::default();
        let carried = run(&handler, 3, 512, Order::Forwards, &mut waits);
        assert_eq!(carried, Round::Settled { buried: 0, unburied: vec![] });
        assert_eq!(waits.waited, 9);
        assert_eq!(*handler.handled.lock().unwrap(), [0, 1, 2]);
    }

    #[test]
    fn a_stop_ends_a_pause() {
        let handler = Scripted { pauses: Mutex::new(9), ..Scripted::default() };
        let mut waits = Waits { stop_after: Some(2), ..Waits::default() };
        assert_eq!(run(&handler, 3, 512, Order::Forwards, &mut waits), Round::Stopped);
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
            refused_before in 0_u8..5,
            company in 0_u8..4,
        ) {
            let handler = Scripted {
                poison: poison.clone(),
                unburiable: unburiable.clone(),
                pauses: Mutex::new(pauses),
                ..Scripted::default()
            };
            let order = if backwards { Order::Backwards } else { Order::Forwards };
            let (mut breaker, mut waits) = (Breaker::default(), Waits { company, ..Waits::default() });
            (0..refused_before).for_each(|_| breaker.refused());
            let carried = run_on(&mut breaker, &handler, count, most, order, &mut waits);
            let Round::Settled { buried, mut unburied } = carried else { panic!("nobody said stop") };
            unburied.sort_unstable();
            let count = u8::try_from(waits.items).unwrap();
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

        /// A bad day that is shorter than the tries costs less than a run of good items, however it ends.
        #[test]
        fn a_bad_day_buries_few_that_are_good(
            count in 1_u8..60,
            poison in prop::collection::btree_set(0_u8..60, 0..8),
            bad_day in 0_usize..30,
            most in 1_usize..20,
            company in 0_u8..4,
        ) {
            let handler =
                Scripted { poison: poison.clone(), bad_day: Mutex::new(bad_day), ..Scripted::default() };
            let mut waits = Waits { company, ..Waits::default() };
            let carried = run(&handler, count, most, Order::Forwards, &mut waits);
            let Round::Settled { .. } = carried else { panic!("nobody said stop") };
            let (handled, buried) =
                (handler.handled.into_inner().unwrap(), handler.buried.into_inner().unwrap());
            prop_assert!(!handled.iter().any(|number| poison.contains(number)));
            let for_nothing = buried.iter().filter(|number| !poison.contains(number)).count();
            prop_assert!(for_nothing < SUSPICIOUS_RUN, "{for_nothing}");
            let mut all = [handled, buried].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..u8::try_from(waits.items).unwrap()).collect::<Vec<_>>());
        }
    }
}
