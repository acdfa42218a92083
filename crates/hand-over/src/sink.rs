//! The way out: from the outbox to the broker.

use bus::{Bus, Item, PublishError, Route};
use postgres_kit::outbox::{Outgoing, Sink, SinkError};

/// Publishes what the outbox's relay hands over, and answers once the broker has confirmed all of it.
#[derive(Clone)]
pub struct BusSink(pub Bus);

impl Sink for BusSink {
    async fn send(&self, facts: Vec<Outgoing>) -> Result<(), SinkError> {
        let items = facts.into_iter().map(|fact| {
            let route = Route { exchange: fact.exchange.into(), routing_key: fact.routing_key.into() };
            (route, Item::encoded(fact.envelope))
        });
        self.0.publisher().publish_all(items.collect()).await.map_err(refusal)
    }

    fn is_writable(&self) -> bool {
        self.0.is_writable()
    }
}

/// Only a fact that can never be published is to blame; whatever the broker says of its own state is waited for.
fn refusal(error: PublishError) -> SinkError {
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
            assert!(matches!(refusal(error), SinkError::Unavailable(_)), "{error}");
        }
        assert!(matches!(refusal(PublishError::Rejected("the envelope is empty")), SinkError::Refused(_)));
    }
}
