//! A database outage buries nothing.

use std::sync::atomic::Ordering;

use test_kit::Depth;

use crate::rig::{QUEUE, Recorder, Rig, SOON, Script, close_connections, holds, waits};

const DEAD: &str = "reader.facts.dead";

fn away() -> Recorder {
    Recorder::scripted(Script { away: true.into(), ..Script::default() })
}

#[tokio::test]
async fn a_pause_keeps_the_deliveries_and_tries_again() {
    let namespace = test_kit::namespace();
    let rig = Rig::start(&namespace).await;
    rig.say(0..50).await;
    let seen = away();
    rig.bus.consume(QUEUE, seen.clone()).unwrap();
    test_kit::eventually("it was tried often", SOON, async || seen.calls() > 5).await;
    holds(&namespace, QUEUE, Depth { ready: 0, unacknowledged: 50 }).await;
    assert!(seen.batches().is_empty());

    seen.script.away.store(false, Ordering::SeqCst);
    seen.has_handled(0..50).await;
    assert!(seen.buried().is_empty());
    rig.stop().await;
    holds(&namespace, QUEUE, Depth::default()).await;
    holds(&namespace, DEAD, Depth::default()).await;
}

#[tokio::test]
async fn a_long_pause_hands_the_deliveries_back_once_and_nothing_is_lost() {
    let namespace = test_kit::namespace();
    let rig = Rig::with(&namespace, |settings| settings.pause_hold_seconds = 1).await;
    rig.say(0..20).await;
    let seen = away();
    rig.bus.consume(QUEUE, seen.clone()).unwrap();
    waits(&namespace, QUEUE, 20).await;
    let tried = seen.calls();
    test_kit::eventually("the copy is still tried", SOON, async || seen.calls() >= tried + 3).await;
    holds(&namespace, QUEUE, Depth { ready: 20, unacknowledged: 0 }).await;

    seen.script.away.store(false, Ordering::SeqCst);
    seen.has_handled(0..20).await;
    waits(&namespace, QUEUE, 0).await;
    rig.stop().await;
    holds(&namespace, QUEUE, Depth::default()).await;
    holds(&namespace, DEAD, Depth::default()).await;
}

#[tokio::test]
async fn lost_connections_during_a_pause_count_once() {
    let namespace = test_kit::namespace();
    let rig = Rig::start(&namespace).await;
    rig.say(0..5).await;
    let seen = away();
    rig.bus.consume(QUEUE, seen.clone()).unwrap();
    test_kit::eventually("it was tried", SOON, async || seen.calls() > 0).await;
    for _ in 0..3 {
        test_kit::eventually("connected", SOON, async || rig.bus.is_connected()).await;
        test_kit::eventually("connections to close", SOON, async || close_connections(&namespace).await >= 2)
            .await;
        waits(&namespace, QUEUE, 5).await;
    }
    seen.script.away.store(false, Ordering::SeqCst);
    seen.has_handled(0..5).await;
    waits(&namespace, QUEUE, 0).await;
    assert!(seen.buried().is_empty());
    rig.stop().await;
    holds(&namespace, DEAD, Depth::default()).await;
}

#[tokio::test]
async fn a_stop_ends_a_pause_and_gives_everything_back() {
    let namespace = test_kit::namespace();
    let rig = Rig::start(&namespace).await;
    rig.say(0..5).await;
    let seen = away();
    rig.bus.consume(QUEUE, seen.clone()).unwrap();
    test_kit::eventually("it was tried", SOON, async || seen.calls() > 1).await;
    rig.stop().await;
    waits(&namespace, QUEUE, 5).await;
}
