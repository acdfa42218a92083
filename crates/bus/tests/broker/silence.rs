//! A broker that takes everything and says nothing.

use std::time::{Duration, Instant};

use bus::{BusSettings, PublishError};
use test_kit::{Direction, Fault, FaultProxy, Namespace};

use crate::rig::{QUEUE, ROUTE, Recorder, Rig, SOON, item};

/// What is said to the broker arrives; what it says is kept, and comes when the silence ends.
fn silence(wire: &FaultProxy) {
    wire.set_way(Direction::ToClient, Fault::Hold);
}

fn wire(namespace: &Namespace) -> FaultProxy {
    FaultProxy::to_server_of(namespace.amqp_url())
}

fn impatient(wire: &FaultProxy, namespace: &Namespace) -> impl FnOnce(&mut BusSettings) {
    let url = wire.url(namespace.amqp_url());
    move |settings| {
        settings.url = BusSettings::new(url, "").url;
        settings.confirm_timeout_ms = 300;
    }
}

#[tokio::test]
async fn without_a_confirm_nothing_is_a_success_and_later_callers_learn_it_at_once() {
    let namespace = test_kit::namespace();
    let wire = wire(&namespace);
    let rig = Rig::with(&namespace, impatient(&wire, &namespace)).await;
    let publisher = rig.bus.publisher();
    assert_eq!(publisher.publish(&ROUTE, item(1)).await, Ok(()));

    silence(&wire);
    assert_eq!(publisher.publish(&ROUTE, item(2)).await, Err(PublishError::TimedOut));
    test_kit::eventually("the silence is known", SOON, async || !rig.bus.is_writable()).await;
    let asked = Instant::now();
    for number in 10..1_010 {
        assert!(publisher.publish(&ROUTE, item(number)).await.is_err());
    }
    assert!(asked.elapsed() < Duration::from_secs(1), "nobody waits any more: {:?}", asked.elapsed());

    wire.heal();
    test_kit::eventually("it is writable again", SOON, async || rig.bus.is_writable()).await;
    test_kit::eventually("it publishes", SOON, async || publisher.publish(&ROUTE, item(3)).await).await;

    // The item without a confirm had arrived all the same: that is why a second try keeps its identity.
    let seen = Recorder::default();
    rig.bus.consume(QUEUE, seen.clone()).unwrap();
    seen.has_handled([1, 2, 3]).await;
    rig.stop().await;
}

#[tokio::test]
async fn a_silent_connection_is_given_up_and_replaced() {
    let namespace = test_kit::namespace();
    let wire = wire(&namespace);
    let rig = Rig::with(&namespace, impatient(&wire, &namespace)).await;
    silence(&wire);
    let lost = rig.bus.publisher().publish(&ROUTE, item(1)).await;
    assert_eq!(lost, Err(PublishError::TimedOut));
    test_kit::eventually("the connection is given up", SOON, async || !rig.bus.is_connected()).await;
    assert!(rig.bus.publisher().publish(&ROUTE, item(2)).await.is_err(), "at once, and honestly");
    wire.heal();
    test_kit::eventually("another one publishes", SOON, async || {
        rig.bus.publisher().publish(&ROUTE, item(3)).await
    })
    .await;
    rig.stop().await;
}
