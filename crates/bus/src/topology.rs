//! What stands on the broker, said in code: exchanges, queues, bindings and where the dead go.
//!
//! Every service declares what it reads and the exchanges everybody writes to, at every connect; declaring is
//! idempotent. A queue's arguments can not be changed by declaring it again (the broker refuses), so they are constants
//! here and not settings: whoever changes one plans a move of the queue.

use std::borrow::Cow;

use contracts::{CONTEXT_EXCHANGES, Fact};

/// Direct exchange of dead messages: routing key = the queue they died in.
pub(crate) const DEAD_EXCHANGE: &str = "gokart.dead";
/// Fanout exchange, and the one queue behind it, of messages that no binding wanted.
pub(crate) const UNROUTABLE: &str = "gokart.unroutable";

/// Deliveries of one message before the broker buries it. Handlers bury what they refuse themselves, so this counts
/// only deaths of the process and of connections; a pause of any length counts at most once.
pub(crate) const DELIVERY_LIMIT: i32 = 20;
/// Where the dead and the unroutable lie nothing may be dropped for being looked at often: beyond the limit the broker
/// would drop them for good. "No limit" has no spelling that both 3.10 and 4.x accept.
pub(crate) const DELIVERY_LIMIT_OF_THE_DEAD: i32 = 1_000_000;

/// Messages in a [`Queue::window`]: some minutes of a quiet installation, at most a gigabyte of a loud one.
pub(crate) const WINDOW_MESSAGES: i32 = 1_000;

/// Where an item goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Route {
    /// Topic exchange, without namespace.
    pub exchange: Cow<'static, str>,
    /// Routing key, such as `click.recorded.v1`.
    pub routing_key: Cow<'static, str>,
}

impl Route {
    /// A route known when the program was written.
    #[must_use]
    pub const fn new(exchange: &'static str, routing_key: &'static str) -> Self {
        Self { exchange: Cow::Borrowed(exchange), routing_key: Cow::Borrowed(routing_key) }
    }

    /// The route of a fact.
    #[must_use]
    pub const fn of<F: Fact>() -> Self {
        Self::new(F::EXCHANGE, F::ROUTING_KEY)
    }
}

/// One queue and what it wants to hear.
#[derive(Debug, Clone)]
pub struct Queue {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) bindings: Vec<Route>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One durable quorum queue; replicas compete for its messages.
    Shared,
    /// One queue for each consumer, gone with its connection: every replica hears every fact while it listens.
    Broadcast,
    /// A durable window onto the newest messages, read by people only.
    Window,
}

impl Queue {
    /// A durable quorum queue that all replicas of a service read together.
    #[must_use]
    pub const fn shared(name: &'static str) -> Self {
        Self { name, kind: Kind::Shared, bindings: Vec::new() }
    }

    /// A queue for each replica, for facts that every replica must see. It does not outlive its connection: what is
    /// said while a replica is away is not kept for it, so such facts are repeated by their owner.
    #[must_use]
    pub const fn broadcast(name: &'static str) -> Self {
        Self { name, kind: Kind::Broadcast, bindings: Vec::new() }
    }

    /// Keeps the newest thousand messages for people to look at, and nobody reads it. For facts that may
    /// rightly have no reader: without it they would be unroutable, which is an alarm.
    #[must_use]
    pub const fn window(name: &'static str) -> Self {
        Self { name, kind: Kind::Window, bindings: Vec::new() }
    }

    /// Also hears this fact.
    #[must_use]
    pub fn fact<F: Fact>(self) -> Self {
        self.bind(F::EXCHANGE, F::ROUTING_KEY)
    }

    /// Also hears what matches a topic pattern (`*` one word, `#` any number) on an exchange.
    #[must_use]
    pub fn bind(mut self, exchange: &'static str, pattern: &'static str) -> Self {
        self.bindings.push(Route::new(exchange, pattern));
        self
    }
}

/// The exchanges of the house and the queues of one service.
#[derive(Debug, Clone)]
pub struct Topology {
    pub(crate) exchanges: Vec<&'static str>,
    pub(crate) queues: Vec<Queue>,
}

impl Default for Topology {
    fn default() -> Self {
        Self::new()
    }
}

impl Topology {
    /// The exchanges of all contexts and no queue: enough for a service that only speaks.
    #[must_use]
    pub fn new() -> Self {
        Self { exchanges: CONTEXT_EXCHANGES.to_vec(), queues: Vec::new() }
    }

    /// Also declares this queue. A service may declare a queue that another one reads, so that nothing it says is
    /// unroutable before that other one has started for the first time.
    #[must_use]
    pub fn queue(mut self, queue: Queue) -> Self {
        self.queues.push(queue);
        self
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Queue> {
        self.queues.iter().find(|queue| queue.name == name)
    }
}

/// Real names on the broker: the name in code behind the namespace.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    prefix: String,
}

impl Names {
    pub(crate) fn new(namespace: &str) -> Self {
        let prefix = if namespace.is_empty() { String::new() } else { format!("{namespace}.") };
        Self { prefix }
    }

    pub(crate) fn of(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    pub(crate) fn dead(&self, queue: &str) -> String {
        format!("{}{queue}.dead", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use contracts::tracker::ClickRecorded;

    use super::*;

    #[test]
    fn a_fact_knows_its_route() {
        let queue = Queue::shared("attribution.facts").fact::<ClickRecorded>();
        assert_eq!(queue.bindings, [Route::of::<ClickRecorded>()]);
        assert_eq!(Route::of::<ClickRecorded>(), Route::new("tracker.events", "click.recorded.v1"));
    }

    #[test]
    fn a_namespace_stands_before_every_name() {
        assert_eq!(Names::new("").of("gokart.dead"), "gokart.dead");
        assert_eq!(Names::new("t1").of("gokart.dead"), "t1.gokart.dead");
        assert_eq!(Names::new("t1").dead("q"), "t1.q.dead");
    }
}
