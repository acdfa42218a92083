//! Joins the outbox to the bus: neither crate knows the other.

use bus::{Bus, Item, PublishError, Publisher, Route};
use postgres_kit::outbox::{Outgoing, Sink, SinkError};

/// Publishes what the relay takes out of the outbox.
pub struct BusSink {
    bus: Bus,
    publisher: Publisher,
}

impl BusSink {
    /// Over a bus.
    #[must_use]
    pub fn new(bus: &Bus) -> Self {
        Self { bus: bus.clone(), publisher: bus.publisher() }
    }
}

impl Sink for BusSink {
    async fn send(&self, facts: Vec<Outgoing>) -> Result<(), SinkError> {
        let items = facts.into_iter().map(|fact| {
            let route = Route { exchange: fact.exchange.into(), routing_key: fact.routing_key.into() };
            (route, Item::encoded(fact.envelope))
        });
        self.publisher.publish_all(items.collect()).await.map_err(|error| match error {
            PublishError::Rejected(why) => SinkError::Refused(why.to_owned()),
            PublishError::Disconnected
            | PublishError::Blocked
            | PublishError::TimedOut
            | PublishError::Full => SinkError::Unavailable(error.to_string()),
        })
    }

    fn is_writable(&self) -> bool {
        self.bus.is_writable()
    }
}
