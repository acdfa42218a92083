//! The broker under an alarm. It concerns every connection to the broker, so nothing else may run beside this.

use std::time::{Duration, Instant};

use bus::{Bus, BusSettings, PublishError, Queue, Route, Topology};
use contracts::{Fact as _, envelope::Envelope, ingest::PostbackReceived};
use process::Supervisor;
use test_kit::Nodes;
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(30);
const ROUTE: Route = Route::of::<PostbackReceived>();

/// Raises the memory alarm; lowers it again whatever the test does.
struct Alarm {
    nodes: Nodes,
}

impl Alarm {
    fn raise() -> Self {
        let nodes = Nodes::from_env();
        nodes.rabbitmqctl(&["set_vm_memory_high_watermark", "0"]);
        Self { nodes }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.nodes.rabbitmqctl(&["set_vm_memory_high_watermark", "0.4"]);
    }
}

fn item(number: u128) -> Envelope {
    Envelope {
        fact_id: Uuid::from_u128(number).as_bytes().to_vec(),
        fact: PostbackReceived::NAME.to_owned(),
        ..Envelope::default()
    }
}

#[tokio::test]
async fn an_alarm_of_the_broker_is_a_quick_and_honest_answer() {
    let namespace = test_kit::namespace();
    let topology = Topology::new().queue(Queue::shared("reader.facts").fact::<PostbackReceived>());
    let supervisor = Supervisor::new();
    let settings = BusSettings::new(namespace.amqp_url(), namespace.name());
    let bus = Bus::start(&settings, "drill", topology, &supervisor);
    tokio::time::timeout(SOON, bus.wait_connected()).await.expect("a broker; run `make nodes`");
    let publisher = bus.publisher();
    publisher.publish(&ROUTE, item(0)).await.expect("a confirm");
    assert!(bus.is_writable());

    let alarm = Alarm::raise();
    // The broker says that it blocks a connection at its next publish.
    let mut number = 0;
    test_kit::eventually("the connection is blocked", SOON, async || {
        number += 1;
        publisher.publish(&ROUTE, item(number)).await == Err(PublishError::Blocked)
    })
    .await;
    assert!(!bus.is_writable());
    assert!(bus.is_connected());
    let asked = Instant::now();
    for number in 1_000..2_000 {
        assert_eq!(publisher.publish(&ROUTE, item(number)).await, Err(PublishError::Blocked));
    }
    assert!(asked.elapsed() < Duration::from_secs(1), "no caller hangs: {:?}", asked.elapsed());

    drop(alarm);
    test_kit::eventually("it is writable again", SOON, async || bus.is_writable()).await;
    publisher.publish(&ROUTE, item(3_000)).await.expect("a confirm");
    supervisor.drain(SOON).await.expect("a stop in time");
}
