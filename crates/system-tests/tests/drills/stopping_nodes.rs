//! RabbitMQ and PostgreSQL go away under load and come back: everybody recovers without an operator.

use std::time::Duration;

use system_tests::{ServiceName, load::Load};
use test_kit::{Nodes, eventually, http_client};

use crate::scene::Scene;

const SOON: Duration = Duration::from_secs(30);
const CLICKS: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_stopped_and_started_and_everyone_comes_back() {
    let mut scene = Scene::set(CLICKS).await;
    let nodes = Nodes::from_env();
    let load = Load::start(scene.guide.apps_flyer(), scene.clicks.clone());
    eventually("work has begun", SOON, async || !scene.truth.decisions().await.is_empty()).await;
    assert!(!load.is_done(), "the load was over before the broker stopped");

    nodes.control("stop-rabbitmq");
    for service in [ServiceName::Ingest, ServiceName::Tracker] {
        eventually(&format!("{service:?} is not ready without a broker"), SOON, async || {
            !scene.stack.service(service).is_ready().await
        })
        .await;
    }
    for service in ServiceName::ALL {
        assert!(
            scene.stack.service(service).is_alive().await,
            "{service:?}: a restart would not help, so it is alive"
        );
    }
    let refused = http_client().get(&scene.guide.credential.postback_url).send().await.unwrap();
    assert_eq!(refused.status().as_u16(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    assert!(!load.is_done(), "the load was over while the broker was away");

    nodes.control("start-rabbitmq");
    for service in ServiceName::ALL {
        scene.stack.service(service).ready().await;
    }
    let journal = load.finish().await;
    assert!(journal.refused > 0, "no call met the outage");
    assert_eq!(journal.clicks(), CLICKS);
    scene.account(&journal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_stopped_and_started_and_dead_letters_stay_empty() {
    let mut scene = Scene::set(CLICKS).await;
    let nodes = Nodes::from_env();
    let load = Load::start(scene.guide.apps_flyer(), scene.clicks.clone());
    eventually("work has begun", SOON, async || !scene.truth.decisions().await.is_empty()).await;
    assert!(!load.is_done(), "the load was over before the database stopped");

    nodes.control("stop-postgres");
    // ingest needs no database: everything goes on being accepted, and waits in the queue.
    let journal = load.finish().await;
    assert_eq!(journal.clicks(), CLICKS);
    let waiting = eventually("postbacks wait in the queue", SOON, async || {
        let depth = scene.stack.namespace().depth("attribution.postbacks").unwrap_or_default();
        if depth.total() > 0 { Ok(depth) } else { Err(depth) }
    })
    .await;
    assert!(waiting.total() > 0, "the fault missed the work");
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
