//! Two thousand slow senders of each kind at once, and honest callers do not notice.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use system_tests::{
    ServiceName,
    flood::{Drip, Flood},
};
use test_kit::{Postback, eventually, http_client};
use tokio::task::JoinSet;

use crate::scene::Scene;

/// Of each kind: heads byte by byte, bodies byte by byte, and silence.
const EACH: usize = 2_000;
/// As shipped: `head_timeout_ms` and `body_timeout_ms` of `http-kit`.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// What a busy machine may be late.
const LATE: Duration = Duration::from_secs(15);
/// Honest callers at once: half of them with a connection of their own for each call.
const HONEST: usize = 4;

/// Calls again and again until told to stop; every answer must be `served`. Tells how long each call took.
struct Honest {
    stop: Arc<AtomicBool>,
    calls: Arc<Mutex<Vec<Duration>>>,
    running: JoinSet<()>,
}

impl Honest {
    fn start(url: impl Fn(usize) -> String + Send + Clone + 'static, served: u16) -> Self {
        let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let mut running = JoinSet::new();
        for caller in 0..HONEST {
            let (stop, calls, url) = (Arc::clone(&stop), Arc::clone(&calls), url.clone());
            running.spawn(async move {
                let kept = http_client();
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let client = if caller % 2 == 0 { kept.clone() } else { http_client() };
                    let start = Instant::now();
                    let answer = client.get(url(number * HONEST + caller)).send().await.expect("an answer");
                    assert_eq!(answer.status().as_u16(), served, "an honest call in the flood");
                    calls.lock().unwrap().push(start.elapsed());
                }
            });
        }
        Self { stop, calls, running }
    }

    fn count(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    async fn finish(self) -> Vec<Duration> {
        self.stop.store(true, Ordering::Relaxed);
        self.running.join_all().await;
        let mut calls = self.calls.lock().unwrap().clone();
        calls.sort();
        calls
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_senders_by_the_thousand_are_shed_and_honest_calls_go_on() {
    let mut scene = Scene::set(1).await;
    let apps_flyer = scene.guide.apps_flyer();
    let click = scene.clicks[0].clone();
    let postback = move |number: usize| {
        apps_flyer.url_of(&Postback::event(&click, &format!("flood_{number}"))).to_string()
    };
    let guide = scene.guide.clone();
    let visit = move |number: usize| guide.link_for(&format!("f-{number}"), &format!("fm-{number}"));
    flooded(&mut scene, ServiceName::Ingest, postback, 200).await;
    flooded(&mut scene, ServiceName::Tracker, visit, 302).await;
}

async fn flooded(
    scene: &mut Scene,
    service: ServiceName,
    url: impl Fn(usize) -> String + Send + Clone + 'static,
    served: u16,
) {
    let process = scene.stack.service(service);
    let (files, memory) = (process.open_files(), process.memory_kib());
    let honest = Honest::start(url.clone(), served);
    eventually("honest calls are served", Duration::from_secs(30), async || honest.count() > 50).await;

    let before = honest.count();
    let flood = Flood::start(&url(0), EACH).await;
    // The fault landed: the connections are there, all together, and honest calls are made meanwhile.
    let most = eventually("the flood is in", Duration::from_secs(20), async || {
        let grown = process.open_files().saturating_sub(files);
        if grown >= EACH { Ok(grown) } else { Err(grown) }
    })
    .await;
    let memory_in_flood = process.memory_kib();
    let during = honest.count();
    let shed = flood.shed().await;
    let served_in_flood = honest.count() - before;
    assert!(honest.count() > during, "no honest call was served while the flood was in");

    assert_eq!(shed.len(), 3 * EACH);
    for drip in [Drip::Head, Drip::Body, Drip::Nothing] {
        // A redirect reads no body: it is answered at once, and what is left of the body is waited for like a head.
        let (status, limit) = match (drip, service) {
            (Drip::Body, ServiceName::Tracker) => (405, HEAD_TIMEOUT),
            (Drip::Body, _) => (408, BODY_TIMEOUT),
            _ => (408, HEAD_TIMEOUT),
        };
        let mine: Vec<_> = shed.iter().filter(|shed| shed.drip == drip).collect();
        assert_eq!(mine.len(), EACH);
        let untold = mine.iter().filter(|shed| shed.status != Some(status)).count();
        assert_eq!(untold, 0, "{service:?}: {drip:?} heard something else than {status}");
        let longest = mine.iter().map(|shed| shed.held).max().unwrap_or_default();
        assert!(longest <= limit + LATE, "{service:?}: {drip:?} was held for {longest:?}");
        println!("{service:?}: {drip:?}: {EACH} shed, the last after {longest:?}");
    }
    eventually("files return to the start", Duration::from_secs(10), async || {
        let now = process.open_files();
        // Honest callers hold a few.
        if now <= files + 2 * HONEST { Ok(()) } else { Err((now, files)) }
    })
    .await;
    let calls = honest.finish().await;
    let at = |permille: usize| calls[(calls.len() - 1) * permille / 1_000];
    println!(
        "{service:?}: {served_in_flood} honest calls in the flood of up to {most} connections; of all {} calls p50 {:?}, \
         p99 {:?}, longest {:?}; memory {memory} KiB before, {memory_in_flood} in it, {} after",
        calls.len(),
        at(500),
        at(990),
        at(1_000),
        process.memory_kib()
    );
}
