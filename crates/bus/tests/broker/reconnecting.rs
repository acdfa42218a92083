//! Whatever happens to a connection, publishing and consuming come back by themselves.

use std::time::{Duration, Instant};

use bus::PublishError;
use lapin::options::{ExchangeDeleteOptions, QueueDeleteOptions};

use crate::rig::{QUEUE, ROUTE, Recorder, Rig, SOON, Script, Stranger, close_connections, item};

/// From the moment the connections are gone.
const BACK_WITHIN: Duration = Duration::from_secs(10);

#[tokio::test]
async fn nothing_confirmed_is_lost_when_all_connections_are_closed_in_mid_work() {
    let namespace = test_kit::namespace();
    let rig = Rig::start(&namespace).await;
    let seen = Recorder::default();
    rig.bus.consume(QUEUE, seen.clone()).unwrap();

    let publisher = rig.bus.publisher();
    let faults = async {
        let mut closed = 0;
        for _ in 0..3 {
            test_kit::eventually("connected", SOON, async || rig.bus.is_connected() && rig.bus.is_writable())
                .await;
            closed += close_connections(&namespace).await;
        }
        closed
    };
    let (stop, mut stopped) = tokio::sync::watch::channel(false);
    let speaking = async {
        let (mut confirmed, mut failed, mut number) = (Vec::new(), 0, 0_u64);
        while !*stopped.borrow_and_update() {
            number += 1;
            match publisher.publish(&ROUTE, item(number)).await {
                Ok(()) => confirmed.push(number),
                Err(error) => {
                    assert_eq!(error, PublishError::Disconnected);
                    failed += 1;
                    rig.bus.wait_connected().await;
                }
            }
        }
        (confirmed, failed)
    };
    let (closed, (confirmed, failed)) = tokio::join!(
        async {
            let closed = faults.await;
            test_kit::eventually("writable again", BACK_WITHIN, async || rig.bus.is_writable()).await;
            stop.send_replace(true);
            closed
        },
        speaking
    );
    assert!(closed >= 4, "the faults landed: {closed} connections were closed");
    assert!(failed > 0, "and in mid-work");
    assert!(confirmed.len() > 10, "{}", confirmed.len());
    seen.has_handled(confirmed).await;
    rig.stop().await;
}

#[tokio::test]
async fn a_consumer_is_back_soon_after_its_connection_was_closed() {
    let namespace = test_kit::namespace();
    let rig = Rig::start(&namespace).await;
    let seen = Recorder::default();
    rig.bus.consume(QUEUE, seen.clone()).unwrap();
    rig.say([1]).await;
    seen.has_handled([1]).await;
    test_kit::eventually("both connections are closed", SOON, async || {
        close_connections(&namespace).await >= 2
    })
    .await;
    let gone = Instant::now();
    test_kit::eventually("it can publish", BACK_WITHIN, async || {
        rig.bus.publisher().publish(&ROUTE, item(2)).await.is_ok()
    })
    .await;
    seen.has_handled([2]).await;
    assert!(gone.elapsed() < BACK_WITHIN, "{:?}", gone.elapsed());
    rig.stop().await;
}

#[tokio::test]
async fn a_deleted_queue_is_declared_and_consumed_again() {
    let namespace = test_kit::namespace();
    let rig = Rig::start(&namespace).await;
    let seen = Recorder::default();
    rig.bus.consume(QUEUE, seen.clone()).unwrap();
    rig.say([1]).await;
    seen.has_handled([1]).await;
    let stranger = Stranger::new(&namespace).await;
    stranger.channel.queue_delete(namespace.of(QUEUE).into(), QueueDeleteOptions::default()).await.unwrap();
    test_kit::eventually("the queue is back", BACK_WITHIN, async || namespace.ready(QUEUE).await.is_some())
        .await;
    test_kit::eventually("it is consumed", SOON, async || stranger.consumers(QUEUE, &namespace).await > 0)
        .await;
    rig.say([2]).await;
    seen.has_handled([2]).await;
    rig.stop().await;
}

#[tokio::test]
async fn a_queue_that_is_deleted_while_its_items_are_doubted_is_consumed_again() {
    let namespace = test_kit::namespace();
    let rig = Rig::start(&namespace).await;
    let seen = Recorder::scripted(Script { poison: (0..3).collect(), ..Script::default() });
    rig.say(0..3).await;
    rig.bus.consume(QUEUE, seen.clone()).unwrap();
    test_kit::eventually("each was tried", SOON, async || seen.calls() >= 3).await;
    // Within the second before what has come is looked at: it comes together with the news that there is no more.
    let stranger = Stranger::new(&namespace).await;
    rig.say([3]).await;
    stranger.channel.queue_delete(namespace.of(QUEUE).into(), QueueDeleteOptions::default()).await.unwrap();
    seen.has_handled([3]).await;
    // Consumed again, which comes after it is declared and bound.
    test_kit::eventually("the queue is back", SOON, async || namespace.ready(QUEUE).await.is_some()).await;
    test_kit::eventually("it is consumed", SOON, async || stranger.consumers(QUEUE, &namespace).await > 0)
        .await;
    rig.say([4]).await;
    seen.has_handled([4]).await;
    assert_eq!(seen.buried().len(), 3);
    rig.stop().await;
}

#[tokio::test]
async fn a_deleted_exchange_is_declared_again() {
    let namespace = test_kit::namespace();
    let rig = Rig::start(&namespace).await;
    let stranger = Stranger::new(&namespace).await;
    let exchange = namespace.of(&ROUTE.exchange);
    stranger.channel.exchange_delete(exchange.into(), ExchangeDeleteOptions::default()).await.unwrap();
    assert_eq!(
        rig.bus.publisher().publish(&ROUTE, item(1)).await,
        Err(PublishError::Disconnected),
        "the channel fails"
    );
    test_kit::eventually("it can publish", BACK_WITHIN, async || {
        rig.bus.publisher().publish(&ROUTE, item(2)).await.is_ok()
    })
    .await;
    let seen = Recorder::default();
    rig.bus.consume(QUEUE, seen.clone()).unwrap();
    seen.has_handled([2]).await;
    rig.stop().await;
}
