//! Groups waiting items by route. No broker, no clock: time comes in as a value.
//!
//! A message costs the broker about as much as twenty items, and everybody who hears it as well. So under load the messages of a
//! route leave a moment apart and take along what comes meanwhile. Whoever calls alone, one call after the other, never waits for
//! company: the message before held one item, and so there is none to be expected.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;

use crate::{publisher::item::Item, settings::BusSettings, topology::Route};

/// Key of `FactBatch.items`: field 1, length-delimited.
const ITEMS_KEY: u8 = 0x0A;

/// With so many items a message waits for no more: what it costs by itself is then less than what they cost.
const ENOUGH: usize = 16;

/// What one message may hold, and how long it waits for that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) items: usize,
    pub(crate) bytes: usize,
    /// Between two messages of a route under load.
    pub(crate) wait: Duration,
}

impl Limits {
    pub(crate) const fn of(settings: &BusSettings) -> Self {
        Self { items: settings.group_items, bytes: settings.group_bytes, wait: settings.group_wait() }
    }
}

/// Items of one route that leave as one message.
#[derive(Debug)]
pub(crate) struct Group<W> {
    pub(crate) route: Route,
    /// An encoded `FactBatch`.
    pub(crate) body: Vec<u8>,
    /// Sum of the items' own bytes, without framing.
    pub(crate) item_bytes: usize,
    /// How many items.
    pub(crate) items: usize,
    /// Whom to answer: one for each item, batch or group that was added.
    pub(crate) waiters: Vec<W>,
    /// When its first item came.
    pub(crate) since: Instant,
    /// Came as a group, from the spool: no item is added, and it does not go back there.
    pub(crate) is_whole: bool,
}

impl<W> Group<W> {
    fn open(route: Route, since: Instant) -> Self {
        Self { route, body: Vec::new(), item_bytes: 0, items: 0, waiters: Vec::new(), since, is_whole: false }
    }

    fn has_room(&self, items: usize, bytes: usize, limits: Limits) -> bool {
        !self.is_whole
            && self.items.saturating_add(items) <= limits.items
            && self.body.len().saturating_add(bytes) <= limits.bytes
    }

    fn count(&mut self, items: usize, item_bytes: usize, waiter: W) {
        self.items = self.items.saturating_add(items);
        self.item_bytes = self.item_bytes.saturating_add(item_bytes);
        self.waiters.push(waiter);
    }
}

/// Appends an item to an encoded `FactBatch`.
pub(crate) fn frame(body: &mut Vec<u8>, item: &Item) {
    body.reserve(framed_len(item));
    body.push(ITEMS_KEY);
    prost::encoding::encode_varint(length(item), body);
    body.extend_from_slice(item.as_bytes());
}

fn length(item: &Item) -> u64 {
    u64::try_from(item.len()).unwrap_or(u64::MAX)
}

/// Bytes an item takes in a `FactBatch`: key, length, itself.
pub(crate) fn framed_len(item: &Item) -> usize {
    prost::encoding::encoded_len_varint(length(item)).saturating_add(1).saturating_add(item.len())
}

/// Items that were framed where they were made.
#[derive(Debug)]
pub(crate) struct FramedBatch {
    /// An encoded `FactBatch`.
    pub(crate) body: Vec<u8>,
    /// How many.
    pub(crate) items: usize,
    /// Their own bytes, without framing.
    pub(crate) item_bytes: usize,
}

/// Waiting groups, oldest first. The last group of a route takes its items until it is full.
#[derive(Debug)]
pub(crate) struct Groups<W> {
    limits: Limits,
    waiting: VecDeque<Group<W>>,
    items: usize,
    /// Of each route whose last message had company in it: from when on its next one may leave. Routes are as many as the program
    /// has kinds of facts.
    paced: HashMap<Route, Instant>,
}

/// Which group leaves next.
#[derive(Debug)]
pub(crate) enum Next<W> {
    /// This one, now.
    Leaves(Group<W>),
    /// One, at this moment or when it has enough.
    At(Instant),
    /// None waits.
    Nothing,
}

impl<W> Groups<W> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, waiting: VecDeque::new(), items: 0, paced: HashMap::new() }
    }

    /// Items that wait.
    pub(crate) const fn items(&self) -> usize {
        self.items
    }

    pub(crate) fn add(&mut self, route: Route, item: &Item, waiter: W, now: Instant) {
        let group = self.group_for(route, 1, framed_len(item), now);
        frame(&mut group.body, item);
        group.count(1, item.len(), waiter);
        self.items = self.items.saturating_add(1);
    }

    /// Adds an encoded `FactBatch` of some items, whole: encoded batches behind each other are one batch.
    pub(crate) fn add_batch(&mut self, route: Route, batch: FramedBatch, waiter: W, now: Instant) {
        let FramedBatch { body, items, item_bytes } = batch;
        let group = self.group_for(route, items, body.len(), now);
        if group.body.is_empty() {
            group.body = body;
        } else {
            group.body.extend_from_slice(&body);
        }
        group.count(items, item_bytes, waiter);
        self.items = self.items.saturating_add(items);
    }

    /// Adds an encoded `FactBatch` that leaves as it is.
    pub(crate) fn add_whole(&mut self, route: Route, body: &Bytes, waiter: W, now: Instant) {
        let mut group = Group::open(route, now);
        group.is_whole = true;
        group.body = body.to_vec();
        group.count(1, body.len(), waiter);
        self.items = self.items.saturating_add(1);
        self.waiting.push_back(group);
    }

    /// The last group of the route when it has room, else a new one.
    fn group_for(&mut self, route: Route, items: usize, bytes: usize, now: Instant) -> &mut Group<W> {
        let last_of_route = self.waiting.iter().rposition(|group| group.route == route);
        let open = last_of_route.filter(|at| {
            self.waiting.get(*at).is_some_and(|group| group.has_room(items, bytes, self.limits))
        });
        let at = open.unwrap_or_else(|| {
            self.waiting.push_back(Group::open(route, now));
            self.waiting.len().saturating_sub(1)
        });
        #[expect(clippy::indexing_slicing, reason = "found or pushed just now")]
        &mut self.waiting[at]
    }

    /// Takes the group that has waited longest of those that may leave, to be sent.
    pub(crate) fn next(&mut self, now: Instant) -> Next<W> {
        let mut soonest = None;
        for at in 0..self.waiting.len() {
            let Some(group) = self.waiting.get(at) else { break };
            let leaves_at = self.leaves_at(at, group, now);
            if leaves_at <= now {
                return self.leave(at, now);
            }
            soonest = soonest.map_or(Some(leaves_at), |soonest: Instant| Some(soonest.min(leaves_at)));
        }
        soonest.map_or(Next::Nothing, Next::At)
    }

    fn leaves_at(&self, at: usize, group: &Group<W>, now: Instant) -> Instant {
        // Behind one that takes no more, by its bytes maybe, stands the next of its route.
        let is_full = || self.waiting.range(at.saturating_add(1)..).any(|later| later.route == group.route);
        if group.is_whole || group.items >= ENOUGH.min(self.limits.items) || is_full() {
            now
        } else {
            self.paced.get(&group.route).copied().unwrap_or(now)
        }
    }

    fn leave(&mut self, at: usize, now: Instant) -> Next<W> {
        let Some(group) = self.waiting.remove(at) else { return Next::Nothing };
        self.items = self.items.saturating_sub(group.items);
        if group.is_whole {
            // From the spool: it says nothing of what is said now.
        } else if group.items > 1 {
            self.paced.insert(group.route.clone(), now.checked_add(self.limits.wait).unwrap_or(now));
        } else {
            self.paced.remove(&group.route);
        }
        Next::Leaves(group)
    }

    /// Takes the group that has waited longest, to be given up.
    pub(crate) fn oldest(&mut self) -> Option<Group<W>> {
        let group = self.waiting.pop_front()?;
        self.items = self.items.saturating_sub(group.items);
        Some(group)
    }

    /// Takes the oldest group if its first item has waited too long.
    ///
    /// Its younger items are given up with it, a little early: none of them has been sent, so "failed" is the plain
    /// truth, and a broker that has taken nothing for so long would not take them either.
    pub(crate) fn next_overdue(&mut self, now: Instant, patience: Duration) -> Option<Group<W>> {
        let oldest = self.waiting.front()?;
        if now.saturating_duration_since(oldest.since) < patience {
            return None;
        }
        self.oldest()
    }
}

#[cfg(test)]
mod props {
    use contracts::envelope::{Envelope, FactBatch};
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;

    const ROUTES: [Route; 3] = [
        Route::new("ingest.events", "postback.received.v1"),
        Route::new("ingest.events", "credential.used.v1"),
        Route::new("tracker.events", "click.recorded.v1"),
    ];

    fn envelope(number: usize, body: usize) -> Envelope {
        Envelope {
            fact_id: number.to_be_bytes().to_vec(),
            body: vec![7_u8; body].into(),
            ..Envelope::default()
        }
    }

    proptest! {
        /// Every item leaves exactly once, in a message of its route that decodes, and no message is over a limit
        /// unless a single item is.
        #[test]
        fn groups_keep_limits_and_lose_nothing(
            sent in prop::collection::vec((0_usize..3, 0_usize..400), 0..300),
            items in 1_usize..40,
            bytes in 16_usize..2_000,
            wait in 0_u64..20,
        ) {
            let mut groups = Groups::new(Limits { items, bytes, wait: Duration::from_millis(wait) });
            let mut now = Instant::now();
            for (number, (route, body)) in sent.iter().enumerate() {
                groups.add(ROUTES[*route].clone(), &Item::from(envelope(number, *body)), number, now);
            }
            prop_assert_eq!(groups.items(), sent.len());

            let mut seen = Vec::new();
            loop {
                let group = match groups.next(now) {
                    Next::Leaves(group) => group,
                    Next::At(moment) => {
                        prop_assert!(now < moment && moment <= now + Duration::from_millis(wait));
                        now = moment;
                        continue;
                    }
                    Next::Nothing => break,
                };
                let batch = FactBatch::decode(group.body.as_slice()).expect("a group is a FactBatch");
                prop_assert_eq!(batch.items.len(), group.waiters.len());
                prop_assert!(group.waiters.len() <= items);
                prop_assert!(group.body.len() <= bytes || group.waiters.len() == 1);
                prop_assert_eq!(group.item_bytes, batch.items.iter().map(prost::Message::encoded_len).sum::<usize>());
                for (item, number) in batch.items.iter().zip(&group.waiters) {
                    prop_assert_eq!(item, &envelope(*number, sent[*number].1));
                    prop_assert_eq!(&ROUTES[sent[*number].0], &group.route);
                }
                seen.extend(group.waiters);
            }
            prop_assert_eq!(groups.items(), 0);
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..sent.len()).collect::<Vec<_>>());
        }

        /// Items of one route fill a message before the next one is opened.
        #[test]
        fn a_route_has_at_most_one_message_with_room(count in 0_usize..200, items in 1_usize..40) {
            let mut groups = Groups::new(Limits { items, bytes: usize::MAX, wait: Duration::ZERO });
            for number in 0..count {
                groups.add(ROUTES[0].clone(), &Item::from(envelope(number, 3)), number, Instant::now());
            }
            prop_assert_eq!(groups.waiting.len(), count.div_ceil(items));
        }
    }

    #[test]
    fn only_an_overdue_group_is_given_up() {
        let mut groups = Groups::new(Limits { items: 10, bytes: 1_000, wait: Duration::ZERO });
        let start = Instant::now();
        let patience = Duration::from_secs(5);
        groups.add(ROUTES[0].clone(), &Item::from(envelope(1, 1)), 1, start);
        groups.add(ROUTES[1].clone(), &Item::from(envelope(2, 1)), 2, start + Duration::from_secs(3));
        assert!(groups.next_overdue(start + Duration::from_secs(4), patience).is_none());
        let overdue = groups.next_overdue(start + Duration::from_secs(5), patience).unwrap();
        assert_eq!(overdue.waiters, [1]);
        assert!(groups.next_overdue(start + Duration::from_secs(5), patience).is_none());
        assert_eq!(groups.items(), 1);
    }

    const WAIT: Duration = Duration::from_millis(5);

    fn add(groups: &mut Groups<usize>, route: usize, count: usize, now: Instant) {
        for number in 0..count {
            groups.add(ROUTES[route].clone(), &Item::from(envelope(number, 1)), number, now);
        }
    }

    fn leaves(groups: &mut Groups<usize>, now: Instant) -> Option<usize> {
        match groups.next(now) {
            Next::Leaves(group) => Some(group.items),
            Next::At(_) | Next::Nothing => None,
        }
    }

    #[test]
    fn who_calls_alone_never_waits_for_company() {
        let mut groups = Groups::new(Limits { items: 512, bytes: 1_000_000, wait: WAIT });
        let now = Instant::now();
        for _ in 0..3 {
            add(&mut groups, 0, 1, now);
            assert_eq!(leaves(&mut groups, now), Some(1));
        }
    }

    #[test]
    fn under_load_messages_of_a_route_leave_a_moment_apart_or_with_enough() {
        let mut groups = Groups::new(Limits { items: 512, bytes: 1_000_000, wait: WAIT });
        let start = Instant::now();
        add(&mut groups, 0, 2, start);
        assert_eq!(leaves(&mut groups, start), Some(2), "nothing left before");

        add(&mut groups, 0, 1, start);
        assert!(matches!(groups.next(start), Next::At(at) if at == start + WAIT));
        add(&mut groups, 1, 1, start);
        assert_eq!(leaves(&mut groups, start), Some(1), "another route waits for itself only");
        add(&mut groups, 0, 3, start);
        assert_eq!(leaves(&mut groups, start + WAIT), Some(4), "what came meanwhile is taken along");

        add(&mut groups, 0, ENOUGH, start + WAIT);
        assert_eq!(leaves(&mut groups, start + WAIT), Some(ENOUGH), "enough waits for no more");
        add(&mut groups, 0, 1, start + WAIT * 2);
        assert_eq!(leaves(&mut groups, start + WAIT * 2), Some(1));
        add(&mut groups, 0, 1, start + WAIT * 2);
        assert_eq!(leaves(&mut groups, start + WAIT * 2), Some(1), "the load is over");
    }

    #[test]
    fn a_message_that_is_full_waits_for_no_company_and_is_not_overtaken() {
        let mut groups = Groups::new(Limits { items: 512, bytes: 100, wait: WAIT });
        let now = Instant::now();
        add(&mut groups, 0, 2, now);
        assert_eq!(leaves(&mut groups, now), Some(2));
        for number in 0..3 {
            groups.add(ROUTES[0].clone(), &Item::from(envelope(number, 60)), number, now);
        }
        assert_eq!((leaves(&mut groups, now), leaves(&mut groups, now)), (Some(1), Some(1)));
        assert_eq!(leaves(&mut groups, now), Some(1), "the one before it held one");
    }

    #[test]
    fn what_is_given_up_waits_for_nothing() {
        let mut groups = Groups::new(Limits { items: 512, bytes: 1_000_000, wait: WAIT });
        let now = Instant::now();
        add(&mut groups, 0, 2, now);
        assert_eq!(leaves(&mut groups, now), Some(2));
        add(&mut groups, 0, 1, now);
        assert_eq!(groups.oldest().map(|group| group.items), Some(1));
        assert_eq!(groups.items(), 0);
    }
}
