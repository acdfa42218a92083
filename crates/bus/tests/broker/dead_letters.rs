//! Bad items and bad messages harm nobody else and are not lost.

use lapin::types::AMQPValue;
use test_kit::Depth;

use crate::rig::{QUEUE, ROUTE, Recorder, Rig, Script, Stranger, holds, waits};

const DEAD: &str = "reader.facts.dead";

#[tokio::test]
async fn poison_is_buried_alone() {
    let namespace = test_kit::namespace();
    let rig = Rig::start(&namespace).await;
    rig.say_together(0..64).await.unwrap();
    let seen = Recorder::scripted(Script { poison: [13, 40].into(), ..Script::default() });
    rig.bus.consume(QUEUE, seen.clone()).unwrap();
    seen.has_handled((0..64).filter(|number| ![13, 40].contains(number))).await;
    test_kit::eventually("both are buried", crate::rig::SOON, async || seen.buried().len() == 2).await;
    rig.stop().await;
    holds(&namespace, QUEUE, Depth::default()).await;
    holds(&namespace, DEAD, Depth::default()).await;
    for (_number, reason) in seen.buried() {
        assert_eq!(reason, "an item that makes no sense");
    }
}

#[tokio::test]
async fn what_is_good_comes_to_the_help_of_a_queue_that_begins_with_bad_items() {
    let namespace = test_kit::namespace();
    let rig = Rig::start(&namespace).await;
    rig.say(0..5).await;
    let seen = Recorder::scripted(Script { poison: (0..5).collect(), ..Script::default() });
    rig.bus.consume(QUEUE, seen.clone()).unwrap();
    test_kit::eventually("each was tried", crate::rig::SOON, async || seen.calls() >= 5).await;
    // Not a minute later: it comes while the others are in hand.
    rig.say([5]).await;
    seen.has_handled([5]).await;
    test_kit::eventually("the others are buried", crate::rig::SOON, async || seen.buried().len() == 5).await;
    rig.stop().await;
    holds(&namespace, QUEUE, Depth::default()).await;
    holds(&namespace, DEAD, Depth::default()).await;
}

#[tokio::test]
async fn a_panic_is_buried_alone() {
    let namespace = test_kit::namespace();
    let rig = Rig::start(&namespace).await;
    rig.say_together(0..64).await.unwrap();
    let seen = Recorder::scripted(Script { panics: [63].into(), ..Script::default() });
    rig.bus.consume(QUEUE, seen.clone()).unwrap();
    seen.has_handled(0..63).await;
    test_kit::eventually("it is buried", crate::rig::SOON, async || seen.buried().len() == 1).await;
    assert_eq!(seen.buried(), [(63, "the handler panicked: an item nobody thought of".to_owned())]);
    rig.stop().await;
    holds(&namespace, QUEUE, Depth::default()).await;
}

#[tokio::test]
async fn what_can_not_be_buried_goes_to_the_dead_letters() {
    let namespace = test_kit::namespace();
    let rig = Rig::start(&namespace).await;
    let script = Script { poison: [1].into(), unburiable: [1].into(), ..Script::default() };
    let seen = Recorder::scripted(script);
    rig.say(0..3).await;
    rig.bus.consume(QUEUE, seen.clone()).unwrap();
    seen.has_handled([0, 2]).await;
    waits(&namespace, DEAD, 1).await;
    rig.stop().await;
    holds(&namespace, QUEUE, Depth::default()).await;
}

#[tokio::test]
async fn a_message_of_a_stranger_goes_to_the_dead_letters_and_its_neighbours_are_handled() {
    let namespace = test_kit::namespace();
    let rig = Rig::start(&namespace).await;
    let stranger = Stranger::new(&namespace).await;
    let exchange = namespace.of(&ROUTE.exchange);
    let bodies: [&[u8]; 4] = [b"", b"{\"not\":\"ours\"}", &[0x0A, 0xFF], &[0x0A, 0x02, 0x0A, 0x00]];
    rig.say([1]).await;
    for body in bodies {
        stranger.publish(&exchange, &ROUTE.routing_key, body).await;
    }
    rig.say([2]).await;
    let seen = Recorder::default();
    rig.bus.consume(QUEUE, seen.clone()).unwrap();
    seen.has_handled([1, 2]).await;
    waits(&namespace, DEAD, 4).await;

    // It says why it is there, and is byte for byte what it was: it can be replayed.
    let dead = stranger.take(&namespace.of(DEAD)).await.unwrap();
    assert!(bodies.contains(&dead.delivery.data.as_slice()));
    let headers = dead.delivery.properties.headers().clone().unwrap();
    let reason = headers.inner().get("x-first-death-reason");
    assert_eq!(reason, Some(&AMQPValue::LongString("rejected".into())));
    rig.stop().await;
    holds(&namespace, QUEUE, Depth::default()).await;
}
