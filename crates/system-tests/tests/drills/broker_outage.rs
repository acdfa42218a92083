//! RabbitMQ is killed under load and comes back after 75 s: no call is refused meanwhile, and everybody recovers without an
//! operator.

use std::time::{Duration, Instant};

use system_tests::{
    ServiceName,
    crowd::{Crowd, Door, summary},
};
use test_kit::{Nodes, eventually};

use crate::scene::{DOORS, Scene};

const SOON: Duration = Duration::from_secs(30);
/// Longer than every back-off and heartbeat: whoever gives up has given up by then.
const OUTAGE: Duration = Duration::from_secs(75);
/// Only in the first moments may a call be told to come again.
const FIRST_MOMENTS: Duration = Duration::from_secs(5);
/// A caller does not wait longer, whatever happens: the confirm's second, and room for a busy machine.
const LONGEST_CALL: Duration = Duration::from_secs(5);
/// After the broker answers again.
const RESUMES_WITHIN: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_killed_for_75_seconds_refuses_nobody_and_loses_nothing() {
    let mut scene = Scene::set(0).await;
    let nodes = Nodes::from_env();
    let crowd = Crowd::start(&scene.guide, "o");
    crowd.goes_on(50, SOON).await;
    eventually("work has begun", SOON, async || !scene.truth.decisions().await.is_empty()).await;
    assert_eq!(scene.spooled(), 0, "nothing is spooled while the broker is there");

    let killed = Instant::now();
    nodes.control("kill-rabbitmq");
    eventually("both doors spool", SOON, async || {
        DOORS.into_iter().all(|door| scene.stack.spooled(door) > 0)
    })
    .await;
    for service in ServiceName::ALL {
        let process = scene.stack.service(service);
        assert!(process.is_alive().await, "{service:?}: a restart would not help, so it is alive");
        if DOORS.contains(&service) {
            assert!(process.is_ready().await, "{service:?} takes calls, so it is ready");
        }
    }
    // The catalog goes on, too: what it has to say waits in its outbox.
    let advertiser = scene.guide.tenant.advertiser("While the broker was away").await.unwrap();
    assert!(scene.truth.advertisers().await.contains(&advertiser.parse().unwrap()));
    eventually("the catalog's fact waits", SOON, async || scene.truth.outboxes().await > 0).await;
    tokio::time::sleep(OUTAGE.saturating_sub(killed.elapsed())).await;

    let decided = scene.truth.decisions().await.len();
    let spooled = scene.spooled();
    nodes.control("start-rabbitmq");
    let returned = Instant::now();
    eventually("publishing and reading resume", RESUMES_WITHIN, async || {
        let now = scene.truth.decisions().await.len();
        if now > decided { Ok(()) } else { Err(now) }
    })
    .await;
    println!("resumed {:?} after the broker's return, with {spooled} bytes spooled", returned.elapsed());
    for service in ServiceName::ALL {
        scene.stack.service(service).ready().await;
    }
    scene.drains().await;
    println!("drained {:?} after the broker's return", returned.elapsed());
    crowd.goes_on(50, SOON).await;
    let (journal, calls) = crowd.finish().await;

    let during: Vec<_> =
        calls.iter().copied().filter(|call| call.at >= killed && call.at < returned).collect();
    println!("while the broker was away: {}", summary(&during));
    for door in Door::BOTH {
        let mine = during.iter().filter(|call| call.door == door);
        assert!(mine.count() > 500, "{door:?} was hardly called in the outage");
    }
    for call in calls.iter().filter(|call| !call.is_accepted()) {
        assert!(
            call.at >= killed
                && call.at < killed + FIRST_MOMENTS
                && call.status == Some(503)
                && call.retry_after,
            "{:?} after the kill: {call:?}",
            call.at.saturating_duration_since(killed)
        );
    }
    let longest = during.iter().map(|call| call.took).max().unwrap_or_default();
    assert!(longest < LONGEST_CALL, "a caller waited for {longest:?}");
    scene.account(&journal).await;
}
