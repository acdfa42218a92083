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
        self.publisher.publish_all(items.collect()).await.map_err(failure)
    }

    fn is_writable(&self) -> bool {
        self.bus.is_writable()
    }
}

/// Only a fact that can never be published is to blame; whatever the broker says of its own state is waited for.
fn failure(error: PublishError) -> SinkError {
    match error {
        PublishError::Rejected(_) => SinkError::Refused(error.to_string()),
        PublishError::Nacked(_)
        | PublishError::Disconnected
        | PublishError::Blocked
        | PublishError::TimedOut
        | PublishError::Full => SinkError::Unavailable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_that_says_no_costs_no_fact_its_place() {
        for error in
            [PublishError::Nacked("it refused the message"), PublishError::Blocked, PublishError::Full]
        {
            assert!(matches!(failure(error), SinkError::Unavailable(_)), "{error}");
        }
        assert!(matches!(failure(PublishError::Rejected("the envelope is empty")), SinkError::Refused(_)));
    }
}
