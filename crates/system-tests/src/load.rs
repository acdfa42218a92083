//! A steady stream of users and account managers while something breaks: every call is written down with its answer.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use test_kit::{FakeAppsFlyer, Postback};
use tokio::task::JoinHandle;

/// Installs and levels of prepared clicks, sent one after the other until stopped or done.
pub struct Load {
    stop: Arc<AtomicBool>,
    running: JoinHandle<Journal>,
}

/// What was sent and what was answered.
#[derive(Debug, Default)]
pub struct Journal {
    /// Receipts of everything that was answered 200, with the click.
    pub accepted: BTreeMap<String, String>,
    /// Calls that got another answer or none; each was sent again until it got a 200.
    pub refused: usize,
}

impl Load {
    /// Sends the two events of each click. A call that is not accepted is sent again, as AppsFlyer would, only sooner.
    pub fn start(apps_flyer: FakeAppsFlyer, clicks: Vec<String>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let running = tokio::spawn(async move {
            let mut journal = Journal::default();
            for click in clicks {
                for postback in [Postback::event(&click, "level_10"), Postback::install(&click)] {
                    journal.send(&apps_flyer, &click, &postback).await;
                }
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
            }
            journal
        });
        Self { stop, running }
    }

    /// Whether all was sent.
    pub fn is_done(&self) -> bool {
        self.running.is_finished()
    }

    /// Stops after the click in hand.
    pub async fn stop(self) -> Journal {
        self.stop.store(true, Ordering::Relaxed);
        self.finish().await
    }

    /// Waits until all was sent.
    pub async fn finish(self) -> Journal {
        self.running.await.expect("the load itself does not fail")
    }
}

impl Journal {
    async fn send(&mut self, apps_flyer: &FakeAppsFlyer, click: &str, postback: &Postback) {
        loop {
            match apps_flyer.try_send(postback).await {
                Ok(answered) if answered.status == 200 => {
                    self.accepted.insert(answered.receipt(), click.to_owned());
                    return;
                }
                Ok(_) | Err(_) => {
                    self.refused += 1;
                    // Whoever is down is not helped by a busy loop.
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            }
        }
    }

    /// Takes another one's entries over.
    pub fn add(&mut self, other: Self) {
        self.accepted.extend(other.accepted);
        self.refused += other.refused;
    }

    /// How many different clicks were accepted.
    pub fn clicks(&self) -> usize {
        self.accepted.values().collect::<std::collections::BTreeSet<_>>().len()
    }
}

/// Somebody who does the same thing again and again until stopped, and remembers what was promised each time.
pub struct Repeating {
    stop: Arc<AtomicBool>,
    running: JoinHandle<Vec<String>>,
}

impl Repeating {
    /// `act` returns what was promised, or nothing when it was refused.
    pub fn start<Running>(mut act: impl FnMut(usize) -> Running + Send + 'static) -> Self
    where
        Running: Future<Output = Option<String>> + Send,
    {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let running = tokio::spawn(async move {
            let mut promised = Vec::new();
            for number in 0.. {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                promised.extend(act(number).await);
                // A person's pace: the load that matters is the postbacks'.
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            promised
        });
        Self { stop, running }
    }

    /// Stops, and tells everything that was promised.
    pub async fn stop(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        self.running.await.expect("the load itself does not fail")
    }
}
