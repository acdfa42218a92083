//! What stands on the broker, as the broker tells it.

use bus::Topology;
use test_kit::Nodes;

use crate::rig::Rig;

#[tokio::test]
async fn every_queue_is_a_quorum_queue_with_an_explicit_limit() {
    let namespace = test_kit::namespace();
    let rig = Rig::of(&namespace, Topology::house(), |_| {}).await;
    let listed = Nodes::from_env().rabbitmqctl(&[
        "list_queues",
        "--quiet",
        "--no-table-headers",
        "name",
        "type",
        "durable",
        "arguments",
    ]);
    let mine: Vec<&str> = listed.lines().filter(|line| line.starts_with(namespace.name())).collect();
    // Eleven shared queues with a grave each, the two windows, and the unroutable.
    assert_eq!(mine.len(), 25, "{mine:#?}");
    for queue in &mine {
        assert!(queue.contains("quorum\ttrue"), "{queue}");
        assert!(queue.contains("x-delivery-limit"), "{queue}");
    }
    let reader = mine.iter().find(|line| line.contains("payout.conversions\t")).expect("the queue");
    for argument in ["at-least-once", "reject-publish", "gokart.dead", "{\"x-delivery-limit\",20}"] {
        assert!(reader.contains(argument), "{argument} in {reader}");
    }
    rig.stop().await;
}

#[tokio::test]
async fn every_exchange_keeps_what_is_unroutable() {
    let namespace = test_kit::namespace();
    let rig = Rig::start(&namespace).await;
    let listed = Nodes::from_env().rabbitmqctl(&[
        "list_exchanges",
        "--quiet",
        "--no-table-headers",
        "name",
        "type",
        "durable",
        "arguments",
    ]);
    let topics: Vec<&str> = listed
        .lines()
        .filter(|line| line.starts_with(namespace.name()) && line.contains("\ttopic\ttrue"))
        .collect();
    assert_eq!(topics.len(), contracts::CONTEXT_EXCHANGES.len(), "{topics:#?}");
    assert!(topics.iter().all(|line| line.contains("alternate-exchange")), "{topics:#?}");
    rig.stop().await;
}
