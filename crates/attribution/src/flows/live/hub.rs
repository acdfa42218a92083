//! Who looks on: bounded in number, and each with a bounded queue of what it has not taken yet.

use std::{collections::BTreeMap, collections::BTreeSet, sync::Arc};

use kernel::{OfferId, PublisherId, TenantId};
use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::{
    domain::Code,
    store::live::{LiveStory, Position},
};

/// Streams of one tenant in one process. A screen on the wall and some people; more is a script that forgets to close.
pub const STREAMS_PER_TENANT: usize = 20;
/// Streams of one process: with their full queues they hold less than 100 MB.
pub const STREAMS_PER_PROCESS: usize = 200;
/// Decisions that a stream may have untaken, some 300 bytes each. When more come it loses its place here, and has to read on
/// from the database.
pub const QUEUE_DECISIONS: usize = 2_048;

/// Which decisions somebody wants to see; none: any.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// With this code only.
    pub code: Option<Code>,
    /// Of clicks of this offer only.
    pub offer: Option<OfferId>,
    /// Of clicks of this publisher only.
    pub publisher: Option<PublisherId>,
    /// With this Event ID only.
    pub event_id: Option<String>,
}

impl Wanted {
    /// Whether it is one of them.
    #[must_use]
    pub fn takes(&self, live: &LiveStory) -> bool {
        let story = &live.story;
        self.code.is_none_or(|code| code == story.code)
            && self.offer.is_none_or(|offer| story.offer == Some(offer))
            && self.publisher.is_none_or(|publisher| story.publisher == Some(publisher))
            && (self.event_id.is_none() || self.event_id == story.event_id)
    }
}

/// What a stream is told.
#[derive(Debug, Clone)]
pub enum Told {
    /// Everything after this position will be told, in its order. The first thing.
    Joined(Position),
    /// Something was decided.
    Decided(Arc<LiveStory>),
}

/// Why somebody may not look on now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// The tenant has as many streams here as it may have.
    Tenant,
    /// So has the process.
    Process,
}

#[derive(Debug)]
struct Stream {
    tenant: TenantId,
    wanted: Wanted,
    queue: Sender<Told>,
    has_joined: bool,
}

/// All streams of a process.
#[derive(Debug, Default)]
pub(super) struct Hub {
    next: u64,
    streams: BTreeMap<u64, Stream>,
}

impl Hub {
    /// One more: its number, and what it will be told.
    pub(super) fn add(&mut self, tenant: TenantId, wanted: Wanted) -> Result<(u64, Receiver<Told>), Full> {
        if self.streams.len() >= STREAMS_PER_PROCESS {
            return Err(Full::Process);
        }
        if self.streams.values().filter(|stream| stream.tenant == tenant).count() >= STREAMS_PER_TENANT {
            return Err(Full::Tenant);
        }
        // One more for `Joined`.
        let (queue, told) = mpsc::channel(QUEUE_DECISIONS.saturating_add(1));
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.streams.insert(number, Stream { tenant, wanted, queue, has_joined: false });
        Ok((number, told))
    }

    pub(super) fn remove(&mut self, number: u64) {
        self.streams.remove(&number);
    }

    pub(super) fn len(&self) -> usize {
        self.streams.len()
    }

    /// Those who are new begin at this position; whose decisions are to be read from there on.
    pub(super) fn join(&mut self, from: Position) -> Vec<TenantId> {
        for stream in self.streams.values_mut().filter(|stream| !stream.has_joined) {
            // A queue that nobody reads any more is removed by whoever read it.
            stream.has_joined = stream.queue.try_send(Told::Joined(from)).is_ok();
        }
        let joined = self.streams.values().filter(|stream| stream.has_joined);
        joined.map(|stream| stream.tenant).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Tells everybody what concerns them; how many had no room left and lost their place.
    pub(super) fn tell(&mut self, decided: &[Arc<LiveStory>]) -> usize {
        let before = self.streams.len();
        for live in decided {
            self.streams.retain(|_, stream| {
                let is_for_it =
                    stream.has_joined && stream.tenant == live.tenant && stream.wanted.takes(live);
                !is_for_it || stream.queue.try_send(Told::Decided(Arc::clone(live))).is_ok()
            });
        }
        before.saturating_sub(self.streams.len())
    }
}

#[cfg(test)]
mod tests {
    use kernel::{ReceiptId, Timestamp};
    use uuid::Uuid;

    use super::*;
    use crate::store::postback_list::ListedStory;

    const START: Position = Position::before(Timestamp::from_micros(0));

    fn tenant(number: u128) -> TenantId {
        TenantId::from_uuid(Uuid::from_u128(number))
    }

    fn decided(tenant: TenantId, revision: i32) -> Arc<LiveStory> {
        let at = Timestamp::from_micros(1);
        Arc::new(LiveStory {
            tenant,
            position: Position { at, receipt: Uuid::from_u128(7), revision },
            story: ListedStory {
                receipt: ReceiptId::from_uuid(Uuid::from_u128(7)),
                received_at: at,
                click: None,
                revision,
                code: Code::Qualified,
                offer: None,
                publisher: None,
                event_id: Some("Install".to_owned()),
            },
        })
    }

    #[test]
    fn a_tenant_and_a_process_have_so_many_streams_and_no_more() {
        let mut hub = Hub::default();
        let mut kept = Vec::new();
        for whose in 0..10 {
            for _ in 0..STREAMS_PER_TENANT {
                kept.push(hub.add(tenant(whose), Wanted::default()).unwrap());
            }
        }
        assert_eq!(kept.len(), STREAMS_PER_PROCESS);
        assert_eq!(hub.add(tenant(99), Wanted::default()).unwrap_err(), Full::Process);
        hub.remove(kept[STREAMS_PER_TENANT].0);
        assert_eq!(hub.add(tenant(0), Wanted::default()).unwrap_err(), Full::Tenant);
        assert!(hub.add(tenant(1), Wanted::default()).is_ok());
    }

    #[test]
    fn each_is_told_what_is_its_own_and_wanted_from_where_it_joined() {
        let mut hub = Hub::default();
        let (_, mut ours) = hub.add(tenant(1), Wanted::default()).unwrap();
        let (_, mut theirs) = hub.add(tenant(2), Wanted::default()).unwrap();
        let picky = Wanted { event_id: Some("level_10".to_owned()), ..Wanted::default() };
        let (_, mut picky) = hub.add(tenant(1), picky).unwrap();
        assert_eq!(hub.join(START), [tenant(1), tenant(2)]);
        let (_, mut late) = hub.add(tenant(1), Wanted::default()).unwrap();
        assert_eq!(hub.tell(&[decided(tenant(1), 1)]), 0);
        assert!(matches!(ours.try_recv(), Ok(Told::Joined(START))));
        assert!(matches!(ours.try_recv(), Ok(Told::Decided(live)) if live.position.revision == 1));
        for other in [&mut theirs, &mut picky] {
            assert!(matches!(other.try_recv(), Ok(Told::Joined(START))));
            assert!(other.try_recv().is_err());
        }
        assert!(late.try_recv().is_err(), "it has not joined yet");
    }

    #[test]
    fn whoever_has_no_room_left_loses_its_place_with_what_it_was_told_before() {
        let mut hub = Hub::default();
        let (_, mut slow) = hub.add(tenant(1), Wanted::default()).unwrap();
        let (_, mut quick) = hub.add(tenant(1), Wanted::default()).unwrap();
        hub.join(START);
        assert!(quick.try_recv().is_ok());
        let mut revision = 0;
        for _ in 0..QUEUE_DECISIONS {
            revision += 1;
            assert_eq!(hub.tell(&[decided(tenant(1), revision)]), 0);
            assert!(quick.try_recv().is_ok());
        }
        assert_eq!(hub.tell(&[decided(tenant(1), revision + 1)]), 1);
        assert_eq!(hub.len(), 1);
        let mut taken = 0;
        while slow.try_recv().is_ok() {
            taken += 1;
        }
        assert_eq!(taken, QUEUE_DECISIONS + 1);
        assert!(slow.is_closed() && !quick.is_closed());
    }
}
