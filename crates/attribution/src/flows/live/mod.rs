//! The live feed: whoever looks on is told of every decision, whichever replica made it, in the order of `store::live`.
//!
//! The transactions that judge know nothing of it. Each process that somebody looks on at asks the database what was
//! decided since it asked last, for all tenants at once; nobody looks on, nobody asks.

mod hub;
mod poll;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use kernel::{TenantId, Timestamp};
use opentelemetry::metrics::{Counter, Gauge};
use postgres_kit::{DbError, Pool};
use process::Supervisor;
use tokio::sync::{Notify, mpsc::Receiver};
use tokio_util::sync::CancellationToken;

use self::hub::Hub;
pub use self::hub::{Full, STREAMS_PER_PROCESS, STREAMS_PER_TENANT, Told, Wanted};
use crate::store::live;
pub use crate::store::live::{LiveStory, Position};

/// How far back a stream can be taken up again without a gap. People come back after a coffee and proxies within seconds;
/// what is older is in the lists.
pub const RESUME_SECONDS: i64 = 900;
/// Postbacks received longer ago than this are not in the feed when they are decided anew: so long a postback waits for its
/// click, and nothing is looked for in the days before.
pub const RECEIVED_DAYS: i64 = 8;
/// Decisions read at once.
const PAGE_DECISIONS: i64 = 500;

/// The feed of a process. Cheap to clone.
#[derive(Clone)]
pub struct Feed {
    pool: Pool,
    shared: Arc<Shared>,
    soft: CancellationToken,
}

struct Shared {
    hub: Mutex<Hub>,
    /// Rung when somebody looks on.
    somebody: Notify,
    /// Everything decided before this moment has been told; microseconds.
    told_until: AtomicI64,
    streams: Gauge<u64>,
    overflows: Counter<u64>,
}

impl fmt::Debug for Feed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Feed")
    }
}

impl Feed {
    /// Over a pool; its task belongs to the supervisor and ends with the soft stop.
    #[must_use]
    pub fn run(pool: Pool, supervisor: &Supervisor) -> Self {
        let meter = telemetry::meter();
        let shared = Shared {
            hub: Mutex::default(),
            somebody: Notify::new(),
            told_until: AtomicI64::new(0),
            streams: meter
                .u64_gauge("attribution.live_streams")
                .with_description("Streams of the live feed that are open here")
                .build(),
            overflows: meter
                .u64_counter("attribution.live_overflows")
                .with_description("Times that more was decided than a stream of the live feed could take")
                .build(),
        };
        let feed = Self { pool, shared: Arc::new(shared), soft: supervisor.soft() };
        supervisor.spawn("live-feed", poll::poll(feed.clone()));
        feed
    }

    /// Looks on, from the next look at the database on.
    ///
    /// # Errors
    /// [`Full`] when there are too many already.
    pub fn look_on(&self, tenant: TenantId, wanted: Wanted) -> Result<Looking, Full> {
        let mut hub = self.hub();
        let (number, told) = hub.add(tenant, wanted)?;
        self.shared.streams.record(u64::try_from(hub.len()).unwrap_or(u64::MAX), &[]);
        drop(hub);
        self.shared.somebody.notify_one();
        Ok(Looking { feed: self.clone(), number, told })
    }

    /// A page of a tenant's decisions between two positions; the next one begins after its last. None left: empty.
    ///
    /// # Errors
    /// The database's.
    pub async fn between(
        &self,
        tenant: TenantId,
        after: Position,
        until: Position,
    ) -> Result<Vec<LiveStory>, DbError> {
        let mut connection = self.pool.get().await?;
        Ok(live::decided(&mut connection, &[tenant], after, until, RECEIVED_DAYS, PAGE_DECISIONS).await?)
    }

    /// Everything that was decided before this moment has been put into the queues.
    #[must_use]
    pub fn told_until(&self) -> Timestamp {
        Timestamp::from_micros(self.shared.told_until.load(Ordering::Acquire))
    }

    /// Cancelled when streams are to end.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.soft.clone()
    }

    fn hub(&self) -> MutexGuard<'_, Hub> {
        self.shared.hub.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among those who look on; given up when it is dropped.
#[derive(Debug)]
pub struct Looking {
    feed: Feed,
    number: u64,
    told: Receiver<Told>,
}

impl Looking {
    /// What is next; none: more came than its queue holds, and it has lost its place.
    pub async fn next(&mut self) -> Option<Told> {
        self.told.recv().await
    }

    /// What is there already.
    pub fn try_next(&mut self) -> Option<Told> {
        self.told.try_recv().ok()
    }

    /// Whose place it is.
    #[must_use]
    pub const fn feed(&self) -> &Feed {
        &self.feed
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        let mut hub = self.feed.hub();
        hub.remove(self.number);
        self.feed.shared.streams.record(u64::try_from(hub.len()).unwrap_or(u64::MAX), &[]);
    }
}
