//! What a confirm means, and what is grouped.

use bus::{Item, PublishError, Route};
use contracts::envelope::FactBatch;
use prost::Message as _;

use crate::rig::{QUEUE, ROUTE, Recorder, Rig, Stranger, item, waits};

#[tokio::test]
async fn a_confirmed_item_lies_in_the_queue() {
    let namespace = test_kit::namespace();
    let rig = Rig::start(&namespace).await;
    rig.say([1]).await;

    let stranger = Stranger::new(&namespace).await;
    let message = stranger.take(&namespace.of(QUEUE)).await.expect("the message is there by now");
    assert_eq!(FactBatch::decode(message.delivery.data.as_slice()).unwrap().items, [item(1)]);
    let properties = &message.delivery.properties;
    assert_eq!(*properties.delivery_mode(), Some(2), "persistent");
    assert_eq!(properties.content_type().as_ref().unwrap().as_str(), "application/x-protobuf");
    assert_eq!(properties.message_id().as_ref().unwrap().as_str().len(), 36);
    rig.stop().await;
}

#[tokio::test]
async fn an_idle_bus_sends_one_item_alone_and_a_busy_one_sends_groups() {
    let namespace = test_kit::namespace();
    let rig = Rig::with(&namespace, |settings| settings.in_flight = 1).await;
    rig.say([1, 2, 3]).await;
    waits(&namespace, QUEUE, 3).await;

    let publisher = rig.bus.publisher();
    let route = ROUTE;
    let crowd = (10..2_010_u64).map(|number| publisher.publish(&route, item(number)));
    for result in futures_util::future::join_all(crowd).await {
        assert_eq!(result, Ok(()));
    }
    let messages = namespace.ready(QUEUE).await.unwrap() - 3;
    assert!((4..40).contains(&messages), "2000 items of at most 512 travelled in {messages} messages");

    let seen = Recorder::default();
    rig.bus.consume(QUEUE, seen.clone()).unwrap();
    seen.has_handled((1..4).chain(10..2_010)).await;
    rig.stop().await;
}

#[tokio::test]
async fn a_relay_gets_everything_out_in_order_of_its_groups() {
    let namespace = test_kit::namespace();
    // Smaller than what is published: a relay waits for room.
    let rig = Rig::with(&namespace, |settings| settings.queue_items = 8).await;
    let rows: Vec<(Route, Item)> =
        (0..500).map(|number| (ROUTE, Item::encoded(item(number).encode_to_vec()))).collect();
    assert_eq!(rig.bus.publisher().publish_all(rows).await, Ok(()));
    let seen = Recorder::default();
    rig.bus.consume(QUEUE, seen.clone()).unwrap();
    seen.has_handled(0..500).await;
    rig.stop().await;
}

#[tokio::test]
async fn an_unroutable_item_is_kept_and_not_dropped() {
    let namespace = test_kit::namespace();
    let rig = Rig::start(&namespace).await;
    let nowhere = Route::new("payout.events", "nobody.listens.v1");
    assert_eq!(rig.bus.publisher().publish(&nowhere, item(1)).await, Ok(()));
    assert_eq!(namespace.ready("gokart.unroutable").await, Some(1));
    rig.stop().await;
}

#[tokio::test]
async fn what_can_never_be_published_is_refused_at_once() {
    let namespace = test_kit::namespace();
    let rig = Rig::start(&namespace).await;
    let publisher = rig.bus.publisher();
    let refused = |result| matches!(result, Err(PublishError::Rejected(_)));
    assert!(refused(publisher.publish(&ROUTE, Item::encoded(Vec::new())).await));
    assert!(refused(publisher.publish(&ROUTE, Item::encoded(vec![0; 8 * 1024 * 1024 + 1])).await));
    let long = Route { routing_key: "k".repeat(256).into(), ..ROUTE };
    assert!(refused(publisher.publish(&long, item(1)).await));
    // A single item above the group's limit travels alone.
    let mut large = item(2);
    large.body = vec![0; 2 * 1024 * 1024].into();
    assert_eq!(publisher.publish(&ROUTE, large).await, Ok(()));
    rig.stop().await;
}

#[tokio::test]
async fn a_stopped_bus_says_so() {
    let namespace = test_kit::namespace();
    let rig = Rig::start(&namespace).await;
    let (publisher, bus) = (rig.bus.publisher(), rig.bus.clone());
    rig.stop().await;
    assert_eq!(publisher.publish(&ROUTE, item(1)).await, Err(PublishError::Disconnected));
    assert!(!bus.is_writable());
}
