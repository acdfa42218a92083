//! What the do-nothing handler becomes when it makes every request durable before it answers, and still does nothing
//! else: no authentication, no reading, no rule. Between it and the handler that does nothing lies what durability costs
//! on this machine; between it and a service lies the service's own work.

use bus::{Bus, BusSettings, Item, Lane, PublishError, Publisher, Route, Topology};
use bytes::Bytes;
use clap::ValueEnum;
use contracts::{envelope::Envelope, ingest::PostbackReceived, tracker::ClickRecorded};
use process::Supervisor;
use uuid::Uuid;

/// Which service's queue it fills.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Fills {
    /// ingest's.
    Postbacks,
    /// tracker's.
    Clicks,
}

impl Fills {
    fn route(self) -> Route {
        match self {
            Self::Postbacks => Route::of::<PostbackReceived>(),
            Self::Clicks => Route::of::<ClickRecorded>(),
        }
    }
}

/// The services' own publisher, and where it publishes.
#[derive(Clone)]
pub struct Durable {
    publisher: Publisher,
    route: Route,
    // Its tasks end with it.
    _supervisor: Supervisor,
}

/// What one worker thread has of it.
#[derive(Clone)]
pub struct DurableLane {
    lane: Lane,
    route: Route,
}

impl Durable {
    /// Connects to the broker, with the settings that a service has when nobody sets anything else.
    pub async fn connect(amqp_url: &str, namespace: &str, fills: Fills) -> Self {
        let supervisor = Supervisor::new();
        let settings = BusSettings::new(amqp_url, namespace);
        let bus = Bus::start(&settings, "only-durable", Topology::house(), &supervisor);
        bus.wait_connected().await;
        Self { publisher: bus.publisher(), route: fills.route(), _supervisor: supervisor }
    }

    /// For the worker thread that calls this.
    pub fn lane(&self) -> DurableLane {
        DurableLane { lane: Lane::open(self.publisher.clone()), route: self.route.clone() }
    }
}

impl DurableLane {
    /// Makes a request's query durable, in the least that its queue's readers take for a fact.
    pub async fn keep(&self, query: &str) -> Result<(), PublishError> {
        let fact = Envelope {
            fact_id: Uuid::nil().into_bytes().to_vec(),
            body: Bytes::copy_from_slice(query.as_bytes()),
            ..Envelope::default()
        };
        self.lane.publish(&self.route, Item::from(fact)).await
    }
}
