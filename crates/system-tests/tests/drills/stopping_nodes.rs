//! PostgreSQL goes away under load and comes back: everybody recovers without an operator. (RabbitMQ: `broker_outage`.)

use std::time::Duration;

use system_tests::{ServiceName, load::Load};
use test_kit::{Nodes, eventually};

use crate::scene::Scene;

const SOON: Duration = Duration::from_secs(30);
const CLICKS: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_stopped_and_started_and_dead_letters_stay_empty() {
    let mut scene = Scene::set(CLICKS).await;
    let nodes = Nodes::from_env();
    let load = Load::start(scene.guide.apps_flyer(), scene.clicks.clone());
    eventually("work has begun", SOON, async || !scene.truth.decisions().await.is_empty()).await;
    assert!(!load.is_done(), "the load was over before the database stopped");

    nodes.control("stop-postgres");
    // ingest needs no database: everything goes on being accepted, and waits in the queue. The tracker goes on with the
    // offers it knows.
    let journal = load.finish().await;
    assert_eq!(journal.clicks(), CLICKS);
    scene.guide.click("c-meanwhile", "m-meanwhile").await.unwrap();
    // The consumer holds what it was given and waits: neither acknowledged nor given back, however often it tries.
    eventually("the consumer pauses with postbacks in hand", SOON, async || {
        let depth = scene.stack.namespace().depth("attribution.postbacks").unwrap_or_default();
        if depth.unacknowledged > 0 { Ok(()) } else { Err(depth) }
    })
    .await;
    for service in ServiceName::ALL {
        assert!(scene.stack.service(service).is_alive().await, "{service:?}");
    }
    nodes.control("start-postgres");
    scene.look_again().await;
    scene.account(&journal).await;
    let dead: Vec<_> = scene
        .stack
        .namespace()
        .depths()
        .into_iter()
        .filter(|(name, depth)| name.ends_with(".dead") && depth.total() > 0)
        .collect();
    assert_eq!(dead, [], "good messages were given up while the database was away");
}
