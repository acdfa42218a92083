//! A part of the broker of one's own, gone with the test.

use lapin::{
    Channel, Connection, ConnectionProperties,
    options::{
        BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions,
        QueueDeclareOptions,
    },
    types::FieldTable,
};
use test_kit::{Depth, Namespace, namespace};

async fn channel(namespace: &Namespace) -> (Connection, Channel) {
    let connection = Connection::connect(namespace.amqp_url(), ConnectionProperties::default())
        .await
        .expect("a connection");
    let channel = connection.create_channel().await.expect("a channel");
    (connection, channel)
}

#[tokio::test]
async fn depths_are_told_and_everything_is_deleted() {
    let namespace = namespace();
    let (connection, channel) = channel(&namespace).await;
    let queue = namespace.of("work");
    channel
        .queue_declare(queue.as_str().into(), QueueDeclareOptions::default(), FieldTable::default())
        .await
        .expect("a queue");
    channel
        .exchange_declare(
            namespace.of("events").into(),
            lapin::ExchangeKind::Topic,
            ExchangeDeclareOptions::default(),
            FieldTable::default(),
        )
        .await
        .expect("an exchange");
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
    for _message in 0..3 {
        channel
            .basic_publish(
                "".into(),
                queue.as_str().into(),
                BasicPublishOptions::default(),
                b"x",
                lapin::BasicProperties::default(),
            )
            .await
            .expect("sent")
            .await
            .expect("confirmed");
    }
    assert_eq!(namespace.ready("work").await, Some(3));
    assert_eq!(namespace.ready("other").await, None);
    let _taken = channel.basic_get(queue.as_str().into(), BasicGetOptions::default()).await.expect("one");
    test_kit::eventually("one message to be out", super::SOON, async || {
        let depth = namespace.depth("work");
        if depth == Some(Depth { ready: 2, unacknowledged: 1 }) { Ok(()) } else { Err(depth) }
    })
    .await;
    let name = namespace.name().to_owned();
    drop(namespace);
    let left = test_kit::Nodes::from_env();
    for list in ["list_queues", "list_exchanges"] {
        let names = left.rabbitmqctl(&[list, "--quiet", "--no-table-headers", "name"]);
        assert!(!names.contains(&name), "{list}: {names}");
    }
    drop(connection);
}
