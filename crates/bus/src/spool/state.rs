//! What the spool's tasks and the publisher share.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, mpsc};

use super::{
    folder::{Folder, FolderError},
    settings::SpoolSettings,
    writer::Job,
};

/// Groups that wait for the disk. Their bytes are bounded by the publisher; this bounds only the queue itself.
const QUEUE: usize = 256;

/// Why the spool did not take a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SpoolError {
    /// It holds as much as it may.
    #[error("the spool is full")]
    Full,
    /// The folder is not open: not reachable, or another process holds it.
    #[error("the spool folder is not open")]
    NotOpen,
    /// The disk did not take it.
    #[error("the spool's disk failed")]
    Disk,
    /// More waits for the disk than may.
    #[error("the spool's disk is too slow")]
    Slow,
}

impl SpoolError {
    /// One word, for a metric's label.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::NotOpen => "not_open",
            Self::Disk => "disk",
            Self::Slow => "slow",
        }
    }
}

impl From<&FolderError> for SpoolError {
    fn from(error: &FolderError) -> Self {
        match error {
            FolderError::Full => Self::Full,
            FolderError::InUse => Self::NotOpen,
            FolderError::Io(_) => Self::Disk,
        }
    }
}

/// Handle to a spool. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Spool {
    pub(super) shared: Arc<SpoolShared>,
    jobs: mpsc::Sender<Job>,
}

pub(super) struct SpoolShared {
    pub(super) settings: SpoolSettings,
    /// Whether the last thing the disk was asked for was done.
    takes: AtomicBool,
    /// Held only by blocking code, for one append, read or delete.
    folder: Mutex<Option<Folder>>,
    /// Something was written.
    pub(super) written: Notify,
    /// A file was drained and deleted.
    pub(super) freed: Notify,
}

impl Spool {
    /// A handle, and the writer's end of its queue. The folder is not open yet.
    pub(crate) fn new(settings: &SpoolSettings) -> (Self, mpsc::Receiver<Job>) {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let shared = SpoolShared {
            settings: settings.clone(),
            takes: AtomicBool::new(false),
            folder: Mutex::new(None),
            written: Notify::new(),
            freed: Notify::new(),
        };
        (Self { shared: Arc::new(shared), jobs }, queue)
    }

    /// Whether it takes a group now, as far as is known.
    pub(crate) fn takes(&self) -> bool {
        self.shared.takes()
    }

    /// Hands a group over, with whoever waits for it, or gives it back.
    pub(crate) fn hand_over(&self, job: Job) -> Result<(), Box<(Job, SpoolError)>> {
        if !self.takes() {
            return Err(Box::new((job, SpoolError::NotOpen)));
        }
        self.jobs.try_send(job).map_err(|refused| {
            Box::new(match refused {
                mpsc::error::TrySendError::Full(job) => (job, SpoolError::Slow),
                mpsc::error::TrySendError::Closed(job) => (job, SpoolError::NotOpen),
            })
        })
    }
}

impl SpoolShared {
    pub(super) fn takes(&self) -> bool {
        self.takes.load(Ordering::Acquire)
    }

    /// Says whether it takes anything; returns what was said before.
    pub(super) fn set_takes(&self, takes: bool) -> bool {
        self.takes.swap(takes, Ordering::AcqRel)
    }

    /// The folder, when it is open. Blocks.
    pub(super) fn folder(&self) -> MutexGuard<'_, Option<Folder>> {
        // Its own methods leave it whole whatever fails.
        self.folder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes and age of what waits. Blocks.
    pub(super) fn backlog(&self) -> (u64, Duration) {
        self.folder().as_ref().map_or((0, Duration::ZERO), |folder| (folder.bytes(), folder.oldest_age()))
    }
}
