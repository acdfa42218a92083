//! Joins the outbox and the bus, which do not know each other.

use std::borrow::Cow;

use ::bus::{Bus, Item, PublishError, Route};
use postgres_kit::outbox::{Outgoing, Sink, SinkError};

/// Publishes what the relay hands over.
#[derive(Clone)]
pub struct BusSink(pub Bus);

impl Sink for BusSink {
    async fn send(&self, facts: Vec<Outgoing>) -> Result<(), SinkError> {
        let items = facts.into_iter().map(|fact| {
            let route =
                Route { exchange: Cow::Owned(fact.exchange), routing_key: Cow::Owned(fact.routing_key) };
            (route, Item::encoded(fact.envelope))
        });
        self.0.publisher().publish_all(items.collect()).await.map_err(|error| match error {
            PublishError::Rejected(_) => SinkError::Refused(error.to_string()),
            PublishError::Disconnected
            | PublishError::Blocked
            | PublishError::TimedOut
            | PublishError::Full => SinkError::Unavailable(error.to_string()),
        })
    }

    fn is_writable(&self) -> bool {
        self.0.is_writable()
    }
}
