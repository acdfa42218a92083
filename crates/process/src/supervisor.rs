//! Every task of a process: named, joined, cancelled. The only place that spawns.
//!
//! # The order of a stop
//!
//! 1. [`Supervisor::soft`] is cancelled: take no new work. Listeners stop accepting, consumers cancel.
//! 2. *Work* ([`Supervisor::spawn`]) ends by itself: open requests are answered, batches are committed and acknowledged.
//! 3. *Support* ([`Supervisor::spawn_support`]) is dropped: connections, publishers, relays that work leans on and that have
//!    no end of their own.
//! 4. After the time limit [`Supervisor::hard`] is cancelled and whatever is left is dropped at its next `.await`. Nothing
//!    acknowledged is lost by that (state and messages commit together), but the process says so and ends non-zero.
//!
//! So: a task that runs until it is told to stop is either work that watches `soft`, or support.
//!
//! # When a task dies
//!
//! A panic ends its task, is logged with the task's name, and leaves the others alone. A *critical* task
//! ([`Supervisor::spawn_critical`]) must not end before a stop begins: if it does, by panic or by returning, the process stops
//! in order and ends non-zero, so that whoever restarts processes restarts this one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

/// How long dropped tasks get to notice.
const DROP_LIMIT: Duration = Duration::from_secs(1);

/// Handle to all tasks of a process; cheap to clone.
#[derive(Clone, Default)]
pub struct Supervisor {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    soft: CancellationToken,
    work_done: CancellationToken,
    hard: CancellationToken,
    work: TaskTracker,
    support: TaskTracker,
    running: Mutex<BTreeMap<(Role, &'static str), usize>>,
    died: Died,
}

/// The first critical task that died, and a token that tells so.
#[derive(Default)]
struct Died {
    token: CancellationToken,
    task: Mutex<Option<&'static str>>,
}

/// Tasks that did not end in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("still running: {}", self.names.join(", "))]
pub struct StillRunning {
    /// Their names, each once.
    pub names: Vec<&'static str>,
}

/// What a task is for; see the head of this file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Work,
    Critical,
    Support,
}

impl Supervisor {
    /// A supervisor without tasks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs work: a drain waits for it, and it must end by itself after [`Supervisor::soft`].
    pub fn spawn<F>(&self, name: &'static str, work: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.run(name, Role::Work, work);
    }

    /// Runs work without which the process is useless: when it ends before a stop, the process stops and ends non-zero.
    pub fn spawn_critical<F>(&self, name: &'static str, work: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.run(name, Role::Critical, work);
    }

    /// Runs what other work leans on (connections, publishers, refreshers). It may loop for ever: it is dropped at an
    /// `.await` once all work has ended.
    pub fn spawn_support<F>(&self, name: &'static str, support: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.run(name, Role::Support, support);
    }

    /// Runs blocking work (file system, CPU) on a thread of its own. It can not be dropped: it must be short, or watch
    /// [`Supervisor::soft`].
    pub fn spawn_blocking<W>(&self, name: &'static str, work: W)
    where
        W: FnOnce() + Send + 'static,
    {
        let supervisor = self.clone();
        let started = supervisor.start(name, Role::Work);
        self.shared.work.spawn_blocking(move || {
            let outcome = std::panic::catch_unwind(AssertUnwindSafe(work));
            supervisor.end(started, outcome.is_err());
        });
    }

    /// Cancelled when the process is to take no more work.
    #[must_use]
    pub fn soft(&self) -> CancellationToken {
        self.shared.soft.clone()
    }

    /// Cancelled when time is up. Tasks are dropped then anyway; for what is not a task.
    #[must_use]
    pub fn hard(&self) -> CancellationToken {
        self.shared.hard.clone()
    }

    /// Stops taking work, waits for all work, then drops support. After `limit` everything left is dropped.
    ///
    /// # Errors
    /// [`StillRunning`] with the names of the work that did not end in time.
    pub async fn drain(&self, limit: Duration) -> Result<(), StillRunning> {
        let shared = &self.shared;
        shared.soft.cancel();
        shared.work.close();
        shared.support.close();
        let drained = tokio::time::timeout(limit, shared.work.wait()).await;
        let outcome = drained.map_err(|_elapsed| StillRunning { names: self.running_work() });
        shared.work_done.cancel();
        if outcome.is_err() {
            shared.hard.cancel();
        }
        let dropped = async { tokio::join!(shared.work.wait(), shared.support.wait()) };
        if tokio::time::timeout(DROP_LIMIT, dropped).await.is_err() {
            tracing::warn!(tasks = ?self.running(), "tasks are stuck between two awaits");
        }
        shared.hard.cancel();
        outcome
    }

    /// Names of the tasks that run now, each once.
    #[must_use]
    pub fn running(&self) -> Vec<&'static str> {
        self.names(|_any| true)
    }

    fn running_work(&self) -> Vec<&'static str> {
        self.names(|role| role != Role::Support)
    }

    fn names(&self, wanted: impl Fn(Role) -> bool) -> Vec<&'static str> {
        let running = locked(&self.shared.running);
        let names: BTreeSet<&'static str> =
            running.keys().filter(|(role, _name)| wanted(*role)).map(|(_role, name)| *name).collect();
        names.into_iter().collect()
    }

    /// Resolves when a critical task has died, with its name.
    pub async fn critical_death(&self) -> &'static str {
        self.shared.died.token.cancelled().await;
        locked(&self.shared.died.task).unwrap_or_default()
    }

    /// Counts a future that someone else polls as work.
    pub(crate) fn track<F: Future>(
        &self,
        name: &'static str,
        future: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        let started = self.start(name, Role::Work);
        self.shared.work.track_future(async move {
            let output = future.await;
            drop(started);
            output
        })
    }

    fn run<F>(&self, name: &'static str, role: Role, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let supervisor = self.clone();
        let started = self.start(name, role);
        let (tracker, end) = match role {
            Role::Work | Role::Critical => (&self.shared.work, self.shared.hard.clone()),
            Role::Support => (&self.shared.support, self.shared.work_done.clone()),
        };
        // Names the task in its log lines. No parent: not part of the request or command that happened to start it.
        let span = tracing::info_span!(target: telemetry::LOG_ONLY, parent: None, "task", task = name);
        tracker.spawn(
            async move {
                let outcome = end.run_until_cancelled_owned(AssertUnwindSafe(future).catch_unwind()).await;
                supervisor.end(started, matches!(outcome, Some(Err(_))));
            }
            .instrument(span),
        );
    }

    fn start(&self, name: &'static str, role: Role) -> Started {
        let mut running = locked(&self.shared.running);
        let count = running.entry((role, name)).or_default();
        *count = count.saturating_add(1);
        drop(running);
        Started { name, role, shared: Arc::clone(&self.shared) }
    }

    fn end(&self, started: Started, panicked: bool) {
        let Started { name, role, .. } = started;
        drop(started);
        if panicked {
            tracing::error!(task = name, "a task ended in panic");
        }
        if role == Role::Critical && !self.shared.soft.is_cancelled() {
            tracing::error!(task = name, "a task that must not end has ended; the process stops");
            locked(&self.shared.died.task).get_or_insert(name);
            self.shared.died.token.cancel();
        }
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Supervisor").field("running", &self.running()).finish_non_exhaustive()
    }
}

/// Counts a task as running until dropped.
struct Started {
    name: &'static str,
    role: Role,
    shared: Arc<Shared>,
}

impl Drop for Started {
    fn drop(&mut self) {
        let mut running = locked(&self.shared.running);
        let task = (self.role, self.name);
        if let Some(count) = running.get_mut(&task) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                running.remove(&task);
            }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while holding one of these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn support_outlives_the_work_that_leans_on_it() {
        let supervisor = Supervisor::new();
        let (ask, mut asked) = tokio::sync::mpsc::channel::<tokio::sync::oneshot::Sender<()>>(1);
        supervisor.spawn_support("publisher", async move {
            while let Some(answer) = asked.recv().await {
                answer.send(()).unwrap();
            }
            std::future::pending::<()>().await;
        });
        let confirmed = Arc::new(AtomicBool::new(false));
        supervisor.spawn("consumer", {
            let (soft, confirmed) = (supervisor.soft(), Arc::clone(&confirmed));
            async move {
                soft.cancelled().await;
                let (answer, answered) = tokio::sync::oneshot::channel();
                ask.send(answer).await.unwrap();
                answered.await.unwrap();
                confirmed.store(true, Ordering::SeqCst);
            }
        });
        assert_eq!(supervisor.drain(LIMIT).await, Ok(()));
        assert!(confirmed.load(Ordering::SeqCst));
        assert!(supervisor.running().is_empty());
    }

    #[tokio::test]
    async fn what_does_not_end_is_named_once_and_dropped() {
        let supervisor = Supervisor::new();
        supervisor.spawn("stuck", std::future::pending());
        supervisor.spawn("stuck", std::future::pending());
        supervisor.spawn("quick", async {});
        let soon = Duration::from_millis(20);
        assert_eq!(supervisor.drain(soon).await, Err(StillRunning { names: vec!["stuck"] }));
        assert!(supervisor.running().is_empty(), "dropped");
    }

    #[tokio::test]
    async fn the_end_of_a_critical_task_is_a_death_by_panic_or_not_until_a_stop() {
        for body in [None, Some(())] {
            let supervisor = Supervisor::new();
            supervisor.spawn_critical("heart", async move { body.unwrap() });
            assert_eq!(supervisor.critical_death().await, "heart");
        }
        let supervisor = Supervisor::new();
        supervisor.spawn_critical("heart", supervisor.soft().cancelled_owned());
        assert_eq!(supervisor.drain(LIMIT).await, Ok(()));
        assert_eq!(supervisor.critical_death().now_or_never(), None);
    }

    #[tokio::test]
    async fn blocking_work_is_drained_and_may_panic() {
        let supervisor = Supervisor::new();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        supervisor.spawn_blocking("spool", move || wait.recv().unwrap());
        supervisor.spawn_blocking("fragile", || panic!("as asked"));
        assert!(supervisor.running().contains(&"spool"));
        go.send(()).unwrap();
        assert_eq!(supervisor.drain(LIMIT).await, Ok(()));
    }
}
