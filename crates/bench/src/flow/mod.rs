//! How fast a service works off a queue: a backlog is there, the service starts, the clock runs until the last event's
//! effect is committed.

mod against_bare;
mod rig;

use bus::Route;
use contracts::envelope::Envelope;
use system_tests::{ServiceName, StackOptions};

pub use against_bare::{Contest, Plan};
pub use rig::{Rig, WorkedOff};

/// A service, what it works on, and how one sees that it is done.
pub trait Flow {
    /// The service.
    const SERVICE: ServiceName;
    /// The queue that holds the backlog.
    const QUEUE: &'static str;
    /// Counts the events whose effect is committed.
    const DONE: &'static str;
    /// What an event is, in the plural.
    const EVENTS: &'static str;

    /// Settings that the world needs, such as its keys.
    fn settings(&self, options: StackOptions) -> StackOptions;

    /// What the service must know before the backlog is there, for `events` of it; and the query that counts what it has
    /// learned, with the number to wait for.
    fn known(&self, events: u64) -> Vec<Known>;

    /// SQL that changes its database once it has learned that, while it is stopped. Nothing, unless a flow says otherwise.
    fn arranged(&self) -> Option<&'static str> {
        None
    }

    /// Event `number` of the backlog.
    fn event(&self, number: u64) -> (Route, Envelope);
}

/// Facts, and how one sees that the service has taken them.
pub struct Known {
    /// To be published.
    pub facts: Vec<(Route, Envelope)>,
    /// Counts them in the service's database.
    pub query: &'static str,
    /// What it must count.
    pub count: u64,
}
