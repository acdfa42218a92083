//! Batches, replicas, acknowledgements and the end of a service.

use std::time::{Duration, Instant};

use bus::{Queue, Topology, UnknownQueue};
use contracts::{envelope::FactBatch, ingest::PostbackReceived};
use prost::Message as _;
use test_kit::Depth;
use tokio::sync::Semaphore;

use crate::rig::{QUEUE, ROUTE, Recorder, Rig, SOON, Script, Stranger, holds, item, waits};

#[tokio::test]
async fn what_is_said_is_heard_unchanged_and_acknowledged() {
    let namespace = test_kit::namespace();
    let rig = Rig::start(&namespace).await;
    let seen = Recorder::default();
    rig.bus.consume(QUEUE, seen.clone()).unwrap();
    rig.say(0..20).await;
    seen.has_handled(0..20).await;
    rig.stop().await;
    holds(&namespace, QUEUE, Depth::default()).await;
}

#[tokio::test]
async fn a_backlog_is_taken_in_batches_within_the_limit() {
    let namespace = test_kit::namespace();
    let rig = Rig::with(&namespace, |settings| settings.batch_items = 50).await;
    rig.say_together(0..1_000).await.unwrap();
    let seen = Recorder::default();
    rig.bus.consume(QUEUE, seen.clone()).unwrap();
    seen.has_handled(0..1_000).await;
    let sizes: Vec<usize> = seen.batches().iter().map(Vec::len).collect();
    assert!(sizes.iter().all(|size| *size <= 50), "{sizes:?}");
    assert!(sizes.len() < 40, "a backlog fills its batches: {sizes:?}");
    rig.stop().await;
}

#[tokio::test]
async fn several_consumers_share_one_queue() {
    let namespace = test_kit::namespace();
    let gated = Recorder::scripted(Script { gate: Some(Semaphore::new(0)), ..Script::default() });
    let rig = Rig::with(&namespace, |settings| {
        settings.consumers = 3;
        settings.prefetch = 1;
    })
    .await;
    rig.bus.consume(QUEUE, gated.clone()).unwrap();
    rig.say(0..3).await;
    test_kit::eventually("three batches are in hand at once", SOON, async || gated.calls() == 3).await;
    gated.script.gate.as_ref().unwrap().add_permits(100);
    gated.has_handled(0..3).await;
    rig.stop().await;
}

#[tokio::test]
async fn a_second_consumer_helps_when_the_first_has_as_much_as_it_is_given_ahead() {
    let namespace = test_kit::namespace();
    let gated = Recorder::scripted(Script { gate: Some(Semaphore::new(0)), ..Script::default() });
    let rig = Rig::with(&namespace, |settings| {
        settings.consumers = 2;
        settings.prefetch = 4;
    })
    .await;
    rig.bus.consume(QUEUE, gated.clone()).unwrap();
    let stranger = Stranger::new(&namespace).await;
    test_kit::eventually("both consumers are there", SOON, async || {
        stranger.consumers(QUEUE, &namespace).await == 2
    })
    .await;

    // One at a time: each is with its consumer before the next is said.
    for number in 0..4 {
        rig.say([number]).await;
        waits(&namespace, QUEUE, 0).await;
    }
    assert_eq!(gated.calls(), 1, "one has them all: one message in hand, three behind it");
    rig.say([4]).await;
    test_kit::eventually("the other one has the fifth", SOON, async || gated.calls() == 2).await;

    gated.script.gate.as_ref().unwrap().add_permits(100);
    gated.has_handled(0..5).await;
    let mut batches = gated.batches();
    batches.sort();
    assert_eq!(batches, [vec![0], vec![1, 2, 3], vec![4]], "what waited behind the first is one batch");
    rig.stop().await;
}

#[tokio::test]
async fn a_busy_consumer_gathers_and_an_idle_one_does_not() {
    let namespace = test_kit::namespace();
    let gated = Recorder::scripted(Script { gate: Some(Semaphore::new(0)), ..Script::default() });
    let rig = Rig::with(&namespace, |settings| settings.batch_wait_ms = 1_000).await;
    rig.bus.consume(QUEUE, gated.clone()).unwrap();
    let begun = Instant::now();
    rig.say([0]).await;
    test_kit::eventually("the first is in hand", SOON, async || gated.calls() == 1).await;
    // It takes longer than a second, so the next batch gathers for a second; its messages come one after the other.
    test_kit::eventually("a second has passed", SOON, async || begun.elapsed() > Duration::from_secs(1))
        .await;
    gated.script.gate.as_ref().unwrap().add_permits(100);
    gated.has_handled([0]).await;
    for number in 1..10 {
        rig.say([number]).await;
    }
    gated.has_handled(0..10).await;
    let sizes: Vec<usize> = gated.batches().iter().map(Vec::len).collect();
    assert_eq!(sizes.first(), Some(&1), "an idle one waits for nobody: {sizes:?}");
    assert!(sizes.len() < 6, "a busy one takes what comes meanwhile: {sizes:?}");
    rig.stop().await;
}

#[tokio::test]
async fn a_broadcast_is_heard_by_every_replica() {
    let namespace = test_kit::namespace();
    let topology = || Topology::new().queue(Queue::broadcast(QUEUE).fact::<PostbackReceived>());
    let replicas =
        [Rig::of(&namespace, topology(), |_| {}).await, Rig::of(&namespace, topology(), |_| {}).await];
    let heard = [Recorder::default(), Recorder::default()];
    for (rig, recorder) in replicas.iter().zip(&heard) {
        rig.bus.consume(QUEUE, recorder.clone()).unwrap();
    }
    // A broadcast queue exists only while somebody listens, and listening begins in the background: what is said
    // before that is for nobody. So it is said until both have heard.
    let mut said = 0;
    test_kit::eventually("both replicas hear", SOON, async || {
        replicas[0].say([said]).await;
        said += 1;
        heard.iter().all(|recorder| !recorder.handled().is_empty())
    })
    .await;
    replicas[0].say([1_000]).await;
    for recorder in &heard {
        recorder.has_handled([1_000]).await;
    }
    for rig in replicas {
        rig.stop().await;
    }
}

#[tokio::test]
async fn a_queue_nobody_declared_can_not_be_consumed() {
    let namespace = test_kit::namespace();
    let rig = Rig::start(&namespace).await;
    assert_eq!(rig.bus.consume("other.facts", Recorder::default()), Err(UnknownQueue("other.facts")));
    rig.stop().await;
}

#[tokio::test]
async fn a_stop_finishes_the_batch_in_hand_and_leaves_the_rest() {
    let namespace = test_kit::namespace();
    let rig = Rig::with(&namespace, |settings| settings.batch_items = 1).await;
    rig.say(0..5).await;
    let gated = Recorder::scripted(Script { gate: Some(Semaphore::new(0)), ..Script::default() });
    rig.bus.consume(QUEUE, gated.clone()).unwrap();
    test_kit::eventually("the first batch is in hand", SOON, async || gated.calls() == 1).await;

    let supervisor = rig.supervisor.clone();
    let (drained, ()) = tokio::join!(supervisor.drain(SOON), async {
        supervisor.soft().cancelled().await;
        gated.script.gate.as_ref().unwrap().add_permits(1);
    });
    drained.expect("a stop in time");
    assert_eq!(gated.batches(), [[0]], "one was in hand, and no other was begun");
    waits(&namespace, QUEUE, 4).await;
}

#[tokio::test]
async fn a_message_that_keeps_coming_back_is_opened_alone_and_item_by_item() {
    let namespace = test_kit::namespace();
    let rig = Rig::start(&namespace).await;
    let stranger = Stranger::new(&namespace).await;
    for numbers in [1..=3, 4..=5] {
        let batch = FactBatch { items: numbers.map(item).collect() };
        stranger.publish(&namespace.of(&ROUTE.exchange), &ROUTE.routing_key, &batch.encode_to_vec()).await;
    }
    waits(&namespace, QUEUE, 2).await;
    // Someone takes both and dies, three times.
    for _ in 0..3 {
        let dying = Stranger::new(&namespace).await;
        for _ in 0..2 {
            dying.take(&namespace.of(QUEUE)).await.expect("a message");
        }
        drop(dying);
        waits(&namespace, QUEUE, 2).await;
    }
    let seen = Recorder::default();
    rig.bus.consume(QUEUE, seen.clone()).unwrap();
    seen.has_handled(1..=5).await;
    let batches = seen.batches();
    assert!(batches.iter().all(|batch| batch.len() == 1), "{batches:?}");
    // After an odd number of returns from the other end, so that between two deaths every neighbour is reached.
    assert_eq!(batches.concat(), [5, 4, 3, 2, 1]);
    rig.stop().await;
    holds(&namespace, QUEUE, Depth::default()).await;
}
