//! Groups waiting items by route. No broker, no clock: time comes in as a value.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use crate::{publisher::item::Item, topology::Route};

/// Key of `FactBatch.items`: field 1, length-delimited.
const ITEMS_KEY: u8 = 0x0A;

/// What one message may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) items: usize,
    pub(crate) bytes: usize,
}

/// Items of one route that leave as one message.
#[derive(Debug)]
pub(crate) struct Group<W> {
    pub(crate) route: Route,
    /// An encoded `FactBatch`.
    pub(crate) body: Vec<u8>,
    /// Sum of the items' own bytes, without framing.
    pub(crate) item_bytes: usize,
    /// Whom to answer, one an item.
    pub(crate) waiters: Vec<W>,
    /// When its first item came.
    pub(crate) since: Instant,
}

impl<W> Group<W> {
    fn open(route: Route, since: Instant) -> Self {
        Self { route, body: Vec::new(), item_bytes: 0, waiters: Vec::new(), since }
    }

    fn has_room(&self, item: &Item, limits: Limits) -> bool {
        self.waiters.is_empty()
            || (self.waiters.len() < limits.items
                && self.body.len().saturating_add(framed_len(item)) <= limits.bytes)
    }

    fn add(&mut self, item: &Item, waiter: W) {
        self.body.reserve(framed_len(item));
        self.body.push(ITEMS_KEY);
        prost::encoding::encode_varint(length(item), &mut self.body);
        self.body.extend_from_slice(item.as_bytes());
        self.item_bytes = self.item_bytes.saturating_add(item.len());
        self.waiters.push(waiter);
    }
}

fn length(item: &Item) -> u64 {
    u64::try_from(item.len()).unwrap_or(u64::MAX)
}

/// Bytes an item takes in a `FactBatch`: key, length, itself.
fn framed_len(item: &Item) -> usize {
    prost::encoding::encoded_len_varint(length(item)).saturating_add(1).saturating_add(item.len())
}

/// Waiting groups, oldest first. The last group of a route takes its items until it is full.
#[derive(Debug)]
pub(crate) struct Groups<W> {
    limits: Limits,
    waiting: VecDeque<Group<W>>,
    items: usize,
}

impl<W> Groups<W> {
    pub(crate) const fn new(limits: Limits) -> Self {
        Self { limits, waiting: VecDeque::new(), items: 0 }
    }

    /// Items that wait.
    pub(crate) const fn items(&self) -> usize {
        self.items
    }

    pub(crate) fn add(&mut self, route: Route, item: &Item, waiter: W, now: Instant) {
        self.items = self.items.saturating_add(1);
        let last_of_route = self.waiting.iter_mut().rev().find(|group| group.route == route);
        if let Some(group) = last_of_route
            && group.has_room(item, self.limits)
        {
            group.add(item, waiter);
            return;
        }
        let mut group = Group::open(route, now);
        group.add(item, waiter);
        self.waiting.push_back(group);
    }

    /// Takes the group that has waited longest.
    pub(crate) fn next(&mut self) -> Option<Group<W>> {
        let group = self.waiting.pop_front()?;
        self.items = self.items.saturating_sub(group.waiters.len());
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
        self.next()
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
        ) {
            let mut groups = Groups::new(Limits { items, bytes });
            let now = Instant::now();
            for (number, (route, body)) in sent.iter().enumerate() {
                groups.add(ROUTES[*route].clone(), &Item::from(envelope(number, *body)), number, now);
            }
            prop_assert_eq!(groups.items(), sent.len());

            let mut seen = Vec::new();
            while let Some(group) = groups.next() {
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
            let mut groups = Groups::new(Limits { items, bytes: usize::MAX });
            for number in 0..count {
                groups.add(ROUTES[0].clone(), &Item::from(envelope(number, 3)), number, Instant::now());
            }
            prop_assert_eq!(groups.waiting.len(), count.div_ceil(items));
        }
    }

    #[test]
    fn only_an_overdue_group_is_given_up() {
        let mut groups = Groups::new(Limits { items: 10, bytes: 1_000 });
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
}
