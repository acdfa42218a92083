//! Users and AppsFlyer at both public doors at once, at a steady pace, while something breaks: each journey is a click, its
//! level and its Install. New ones come whether those before are served or not, as users do. Every call is written down with
//! its answer and how long it took; what is refused is tried again, so every journey that begins is finished.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use test_kit::{FakeAppsFlyer, Postback, click_id_of, http_client};
use tokio::{
    task::{JoinHandle, JoinSet},
    time::interval,
};

use crate::{guide::Guide, load::Journal};

/// Between two new users, whether the ones before are served or not: 25 journeys, and 75 calls, a second.
const PACE: Duration = Duration::from_millis(40);
/// Users under way at once; more do not come before one is done.
const USERS_MAX: usize = 600;
/// Before a refused call is made again.
const AGAIN: Duration = Duration::from_millis(500);

/// One of the two public doors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Door {
    /// ingest's.
    Postbacks,
    /// the tracker's.
    Clicks,
}

impl Door {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Postbacks, Self::Clicks];

    /// What an accepted call is answered.
    pub const fn accepts_with(self) -> u16 {
        match self {
            Self::Postbacks => 200,
            Self::Clicks => 302,
        }
    }
}

/// One call.
#[derive(Debug, Clone, Copy)]
pub struct Called {
    /// Where.
    pub door: Door,
    /// When it began.
    pub at: Instant,
    /// Until it was answered, or failed.
    pub took: Duration,
    /// What it was answered; `None` when the connection broke.
    pub status: Option<u16>,
    /// Whether a refusal said when to come again.
    pub retry_after: bool,
}

impl Called {
    /// Whether it was accepted.
    pub fn is_accepted(&self) -> bool {
        self.status == Some(self.door.accepts_with())
    }
}

/// A crowd at work.
#[derive(Debug)]
pub struct Crowd {
    stop: Arc<AtomicBool>,
    calls: Arc<Mutex<Vec<Called>>>,
    running: JoinHandle<Journal>,
}

#[derive(Clone)]
struct User {
    guide: Guide,
    apps_flyer: FakeAppsFlyer,
    browser: reqwest::Client,
    calls: Arc<Mutex<Vec<Called>>>,
}

impl Crowd {
    /// Begins. `name` tells its journeys from another crowd's.
    pub fn start(guide: &Guide, name: &str) -> Self {
        let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let person = User {
            guide: guide.clone(),
            apps_flyer: guide.apps_flyer(),
            browser: http_client(),
            calls: Arc::clone(&calls),
        };
        let stopped = Arc::clone(&stop);
        let name = name.to_owned();
        let running = tokio::spawn(async move {
            let mut whole = Journal::default();
            let mut under_way = JoinSet::new();
            let mut ticks = interval(PACE);
            let mut number = 0_usize;
            while !stopped.load(Ordering::Relaxed) {
                tokio::select! {
                    _ = ticks.tick(), if under_way.len() < USERS_MAX => {
                        let (person, name) = (person.clone(), format!("{name}-{number}"));
                        number += 1;
                        under_way.spawn(async move { person.journey(&name).await });
                    }
                    Some(ended) = under_way.join_next() => whole.add(ended.expect("a user does not panic")),
                }
            }
            while let Some(ended) = under_way.join_next().await {
                whole.add(ended.expect("a user does not panic"));
            }
            whole
        });
        Self { stop, calls, running }
    }

    /// All calls so far.
    ///
    /// # Panics
    /// When a user has panicked.
    pub fn calls(&self) -> Vec<Called> {
        self.calls.lock().expect("nobody panics while holding it").clone()
    }

    /// Calls that began after `since` and are answered.
    pub fn calls_since(&self, since: Instant) -> Vec<Called> {
        self.calls().into_iter().filter(|call| call.at >= since).collect()
    }

    /// How many calls a door has accepted.
    pub fn accepted(&self, door: Door) -> usize {
        self.calls().iter().filter(|call| call.door == door && call.is_accepted()).count()
    }

    /// Waits until both doors have accepted `more` calls each, from now on.
    ///
    /// # Panics
    /// When they do not within `deadline`.
    pub async fn goes_on(&self, more: usize, deadline: Duration) {
        let before = Door::BOTH.map(|door| self.accepted(door));
        test_kit::eventually("both doors go on accepting", deadline, async || {
            let done: Vec<_> =
                Door::BOTH.iter().zip(before).map(|(door, before)| self.accepted(*door) - before).collect();
            if done.iter().all(|done| *done >= more) { Ok(()) } else { Err(done) }
        })
        .await;
    }

    /// Lets everybody finish the journey in hand; returns what was promised and every call.
    ///
    /// # Panics
    /// When a user has panicked.
    pub async fn finish(self) -> (Journal, Vec<Called>) {
        self.stop.store(true, Ordering::Relaxed);
        let whole = self.running.await.expect("a user does not panic");
        let calls = self.calls.lock().expect("nobody panics while holding it").clone();
        (whole, calls)
    }
}

impl User {
    async fn journey(&self, name: &str) -> Journal {
        let mut journal = Journal::default();
        let click = self.click(name, &mut journal).await;
        for postback in [Postback::event(&click, "level_10"), Postback::install(&click)] {
            self.call_back(&click, &postback, &mut journal).await;
        }
        journal
    }

    async fn click(&self, name: &str, journal: &mut Journal) -> String {
        let link = self.guide.link_for(name, name);
        loop {
            let at = Instant::now();
            let answer = self.browser.get(&link).send().await.ok();
            let status = answer.as_ref().map(|answer| answer.status().as_u16());
            let header = |name: &str| answer.as_ref().and_then(|answer| answer.headers().get(name));
            self.note(Door::Clicks, at, status, header("retry-after").is_some());
            if status == Some(302) {
                let location = header("location").expect("a redirect leads somewhere");
                return click_id_of(location.to_str().expect("a link"));
            }
            journal.refused += 1;
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn call_back(&self, click: &str, postback: &Postback, journal: &mut Journal) {
        loop {
            let at = Instant::now();
            let asked = self.browser.get(self.apps_flyer.url_of(postback)).send().await;
            let Ok(answer) = asked else {
                self.note(Door::Postbacks, at, None, false);
                journal.refused += 1;
                tokio::time::sleep(AGAIN).await;
                continue;
            };
            let (status, retry_after) =
                (answer.status().as_u16(), answer.headers().contains_key("retry-after"));
            let body = answer.json::<BTreeMap<String, serde_json::Value>>().await.unwrap_or_default();
            self.note(Door::Postbacks, at, Some(status), retry_after);
            if status == 200 {
                let receipt = body["receipt"].as_str().expect("a receipt").to_owned();
                journal.accepted.insert(receipt, click.to_owned());
                return;
            }
            journal.refused += 1;
            tokio::time::sleep(AGAIN).await;
        }
    }

    fn note(&self, door: Door, at: Instant, status: Option<u16>, retry_after: bool) {
        let call = Called { door, at, took: at.elapsed(), status, retry_after };
        self.calls.lock().expect("nobody panics while holding it").push(call);
    }
}

/// One line about calls: how many, how they were answered, how long they took.
pub fn summary(calls: &[Called]) -> String {
    let mut lines = Vec::new();
    for door in Door::BOTH {
        let mut mine: Vec<_> = calls.iter().filter(|call| call.door == door).collect();
        mine.sort_by_key(|call| call.took);
        let mut answers: BTreeMap<Option<u16>, usize> = BTreeMap::new();
        for call in &mine {
            *answers.entry(call.status).or_default() += 1;
        }
        let at =
            |permille: usize| mine.get(mine.len().saturating_sub(1) * permille / 1_000).map(|call| call.took);
        lines.push(format!(
            "{door:?}: {} calls, answers {answers:?}, p50 {:?}, p99 {:?}, longest {:?}",
            mine.len(),
            at(500).unwrap_or_default(),
            at(990).unwrap_or_default(),
            at(1_000).unwrap_or_default()
        ));
    }
    lines.join("; ")
}
