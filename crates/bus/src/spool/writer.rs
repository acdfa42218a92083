//! The task that makes groups durable on this machine's own disk.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::mpsc,
    time::{Interval, MissedTickBehavior, interval},
};

use super::{
    folder::{Folder, FolderError},
    record,
    state::{Spool, SpoolError, SpoolShared},
};
use crate::{
    failpoints,
    metrics::Metrics,
    publisher::{PublishError, Shared, Waiter, tell},
    topology::Route,
};

/// Most groups that one `fdatasync` stands for.
const COMMIT_GROUPS: usize = 64;
/// How often a disk that failed, a full spool or a folder that could not be opened is tried again.
const TRY_EVERY: Duration = Duration::from_secs(1);

/// A group that the broker did not take, and whoever waits for it.
pub(crate) struct Job {
    pub(crate) route: Route,
    pub(crate) body: Bytes,
    /// Items in the body.
    pub(crate) items: usize,
    /// Their own bytes, held until they are answered.
    pub(crate) item_bytes: usize,
    pub(crate) waiters: Vec<Waiter>,
    /// What the publisher would have answered.
    pub(crate) instead_of: PublishError,
}

/// The task; support until the process ends.
pub(crate) struct Writer {
    shared: Arc<SpoolShared>,
    queue: mpsc::Receiver<Job>,
    publisher: Arc<Shared>,
    metrics: Arc<Metrics>,
}

impl Writer {
    /// The writer of `spool`; `queue` came with it.
    pub(crate) fn new(
        spool: &Spool,
        queue: mpsc::Receiver<Job>,
        publisher: Arc<Shared>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { shared: Arc::clone(&spool.shared), queue, publisher, metrics }
    }

    pub(crate) async fn run(mut self) {
        let mut tries = interval(TRY_EVERY);
        tries.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.open(&mut tries).await;
        let mut jobs = Vec::with_capacity(COMMIT_GROUPS);
        loop {
            tokio::select! {
                biased;
                taken = self.queue.recv_many(&mut jobs, COMMIT_GROUPS) => {
                    if taken == 0 {
                        return;
                    }
                    self.commit(std::mem::take(&mut jobs)).await;
                }
                _tick = tries.tick() => self.look().await,
                // There is room again: whoever calls now need not be refused until the next turn.
                () = self.shared.freed.notified(), if !self.shared.takes() => self.look().await,
            }
        }
    }

    /// Tries until the folder is this process's own. The last owner may still be on its way out.
    async fn open(&mut self, tries: &mut Interval) {
        let mut failures = 0_u32;
        loop {
            tries.tick().await;
            let shared = Arc::clone(&self.shared);
            let opened = blocking(move || {
                let folder = Folder::open(&shared.settings)?;
                let waits = folder.bytes();
                *shared.folder() = Some(folder);
                Ok(waits)
            })
            .await;
            match opened {
                Ok(bytes) => {
                    tracing::info!(spool.bytes = bytes, "the spool is open");
                    self.shared.set_takes(true);
                    self.shared.written.notify_one();
                    return;
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    if failures.is_power_of_two() {
                        tracing::error!(
                            error = telemetry::chain(&error),
                            "the spool can not be opened; until it is, what the broker does not take is refused"
                        );
                    }
                }
            }
        }
    }

    async fn commit(&mut self, jobs: Vec<Job>) {
        let mut records = Vec::new();
        for job in &jobs {
            let items = u32::try_from(job.items).unwrap_or(u32::MAX);
            // Names and sizes were looked at when the item was handed in.
            if record::write(&mut records, &job.route, items, &job.body).is_none() {
                tracing::error!("a group that no record can hold; its callers are refused");
                return self.refuse(jobs, SpoolError::Disk);
            }
        }
        let shared = Arc::clone(&self.shared);
        let outcome = blocking(move || match shared.folder().as_mut() {
            Some(folder) => folder.append(&records),
            None => Err(FolderError::InUse),
        })
        .await;
        match outcome {
            Ok(()) => {
                failpoints::spooled();
                self.shared.written.notify_one();
                for job in jobs {
                    self.metrics.spooled(job.items);
                    self.publisher.release(job.item_bytes);
                    tell(job.waiters, Ok(()));
                }
            }
            Err(error) => {
                let reason = SpoolError::from(&error);
                if self.shared.set_takes(false) {
                    tracing::error!(
                        error = telemetry::chain(&error),
                        "the spool takes nothing now; what the broker does not take is refused"
                    );
                }
                self.refuse(jobs, reason);
            }
        }
    }

    fn refuse(&self, jobs: Vec<Job>, reason: SpoolError) {
        for job in jobs {
            self.metrics.spool_refused(job.items, reason.reason());
            self.publisher.release(job.item_bytes);
            self.metrics.items_answered(job.items, Err(job.instead_of));
            tell(job.waiters, Err(job.instead_of));
        }
    }

    /// Looks whether a disk that failed takes something again, and counts what waits.
    async fn look(&mut self) {
        let shared = Arc::clone(&self.shared);
        let must_probe = !self.shared.takes();
        let looked = blocking(move || {
            let backlog = shared.backlog();
            let probed = match shared.folder().as_ref() {
                Some(folder) if must_probe => folder.probe(),
                _ => Ok(()),
            };
            probed.map(|()| backlog)
        })
        .await;
        match looked {
            Ok((bytes, age)) => {
                if must_probe && !self.shared.set_takes(true) {
                    tracing::info!("the spool takes items again");
                }
                self.metrics.spool_backlog(bytes, age);
            }
            Err(error) => {
                tracing::debug!(error = telemetry::chain(&error), "the spool still takes nothing");
            }
        }
    }
}

/// Runs what waits for a disk on a thread that may wait.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FolderError> + Send + 'static,
) -> Result<T, FolderError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|died| Err(FolderError::Io(std::io::Error::other(died))))
}
