//! A broker that takes everything and says nothing.

use std::time::{Duration, Instant};

use bus::{BusSettings, PublishError};

use crate::{
    proxy::Proxy,
    rig::{QUEUE, ROUTE, Recorder, Rig, SOON, item},
};

fn impatient(proxy: &Proxy) -> impl FnOnce(&mut BusSettings) {
    let url = proxy.url.clone();
    move |settings| {
        settings.url = BusSettings::new(url, "").url;
        settings.confirm_timeout_ms = 300;
    }
}

#[tokio::test]
async fn without_a_confirm_nothing_is_a_success_and_later_callers_learn_it_at_once() {
    let namespace = test_kit::namespace();
    let proxy = Proxy::to(namespace.amqp_url()).await;
    let rig = Rig::with(&namespace, impatient(&proxy)).await;
    let publisher = rig.bus.publisher();
    assert_eq!(publisher.publish(&ROUTE, item(1)).await, Ok(()));

    proxy.set_silent(true);
    assert_eq!(publisher.publish(&ROUTE, item(2)).await, Err(PublishError::TimedOut));
    test_kit::eventually("the silence is known", SOON, async || !rig.bus.is_writable()).await;
    let asked = Instant::now();
    for number in 10..1_010 {
        assert!(publisher.publish(&ROUTE, item(number)).await.is_err());
    }
    assert!(asked.elapsed() < Duration::from_secs(1), "nobody waits any more: {:?}", asked.elapsed());

    proxy.set_silent(false);
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
    let proxy = Proxy::to(namespace.amqp_url()).await;
    let rig = Rig::with(&namespace, impatient(&proxy)).await;
    proxy.set_silent(true);
    let lost = rig.bus.publisher().publish(&ROUTE, item(1)).await;
    assert_eq!(lost, Err(PublishError::TimedOut));
    test_kit::eventually("the connection is given up", SOON, async || !rig.bus.is_connected()).await;
    assert!(rig.bus.publisher().publish(&ROUTE, item(2)).await.is_err(), "at once, and honestly");
    proxy.set_silent(false);
    test_kit::eventually("another one publishes", SOON, async || {
        rig.bus.publisher().publish(&ROUTE, item(3)).await
    })
    .await;
    rig.stop().await;
}
