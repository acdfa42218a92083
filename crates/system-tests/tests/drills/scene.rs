//! What every drill needs: a running stack, the guide set up, clicks made, and the account at the end.

use std::time::Duration;

use serde_json::json;
use system_tests::{
    ServiceName, Stack, StackOptions,
    guide::{Guide, golfin_ios},
    load::Journal,
    truth::Truth,
};
use test_kit::{FakePublisher, FaultProxy, Nodes, eventually};

/// After a fault is over, everything is in order again within this.
pub const RECOVERED_WITHIN: Duration = Duration::from_secs(120);

pub struct Scene {
    pub stack: Stack,
    pub guide: Guide,
    pub truth: Truth,
    pub publisher: FakePublisher,
    pub clicks: Vec<String>,
}

impl Scene {
    pub async fn set(clicks: usize) -> Self {
        Self::set_with(StackOptions::new(), clicks).await
    }

    pub async fn set_with(options: StackOptions, clicks: usize) -> Self {
        // Whatever an earlier drill that failed left stopped.
        heal();
        let stack = Stack::start_with(options).await;
        let publisher = FakePublisher::start();
        let guide = Guide::set_up(stack.endpoints(), "Brownboots", &publisher, 0).await.unwrap();
        // A drill's users earn more than the guide's offer has to give.
        let mut fields = golfin_ios(&guide.advertiser, 0);
        fields["budget"] = json!({"total": "10000000.00"});
        guide.tenant.customise(&guide.shared.offer_id, &fields).await.unwrap();
        // The tracker has heard of the offer, whatever comes first afterwards.
        guide.click("c-first", "m-first").await.unwrap();
        let mut made = Vec::new();
        for number in 0..clicks {
            made.push(guide.click(&format!("c-{number}"), &format!("m-{number}")).await.unwrap());
        }
        let truth = Truth::of(&stack).await;
        Self { stack, guide, truth, publisher, clicks: made }
    }

    /// Bytes that wait in the two spools together.
    pub fn spooled(&self) -> u64 {
        DOORS.into_iter().map(|door| self.stack.spooled(door)).sum()
    }

    /// Waits until everything that was spooled is with the broker.
    pub async fn drains(&self) {
        eventually("the spools drain", RECOVERED_WITHIN, async || {
            let left = self.spooled();
            if left == 0 { Ok(()) } else { Err(left) }
        })
        .await;
    }

    /// After a database was restarted.
    pub async fn look_again(&mut self) {
        self.truth = Truth::of(&self.stack).await;
    }

    /// Every accepted postback is decided once, every click is paid once, every publisher told, and nothing is left over.
    pub async fn account(&self, journal: &Journal) {
        let clicks = journal.clicks();
        let payable = i64::try_from(clicks).unwrap() * 2_200_000;
        eventually("all money of all accepted clicks", RECOVERED_WITHIN, async || {
            let books = self.truth.books("USD").await;
            if books.payable >= payable && books.reserved == 0 { Ok(()) } else { Err((books, payable)) }
        })
        .await;
        let decisions = self.truth.decisions().await;
        for receipt in journal.accepted.keys() {
            let code = decisions.get(&receipt.parse().unwrap());
            // A call that was answered 503 or not at all may have arrived all the same; its twin is the duplicate.
            assert!(
                code.is_some_and(|code| code == "QUALIFIED" || code == "DUPLICATE"),
                "the accepted receipt {receipt} is {code:?}"
            );
        }
        let books = self.truth.books("USD").await;
        assert_eq!(books.payable, payable, "a click was paid more than once: {books:?}");
        assert_eq!(books.imbalance, 0, "{books:?}");
        assert_eq!(self.truth.conversions().await.get("success"), Some(&(2 * clicks)));
        assert!(self.truth.undecided_or_doubled().await.is_empty());
        assert_eq!(self.truth.buried().await, 0);
        eventually("every publisher's postback is delivered", RECOVERED_WITHIN, async || {
            let deliveries = self.truth.deliveries().await;
            if deliveries.get("delivered") == Some(&(2 * clicks)) { Ok(()) } else { Err(deliveries) }
        })
        .await;
        let mut told: Vec<_> = self
            .publisher
            .deliveries()
            .iter()
            .map(|delivery| delivery.param("conversion").unwrap())
            .collect();
        told.sort();
        told.dedup();
        assert_eq!(told.len(), 2 * clicks, "the publisher heard of other conversions than there are");
        eventually("outboxes and queues are empty", RECOVERED_WITHIN, async || {
            let outboxes = self.truth.outboxes().await;
            let left = self.stack.namespace().unread();
            if outboxes == 0 && left.is_empty() { Ok(()) } else { Err((outboxes, left)) }
        })
        .await;
    }
}

/// The services with a spool.
pub const DOORS: [ServiceName; 2] = [ServiceName::Ingest, ServiceName::Tracker];

/// A wire of its own from each door to the broker, and the settings that lead through it.
pub struct Wires {
    pub ingest: FaultProxy,
    pub tracker: FaultProxy,
}

impl Wires {
    pub fn new() -> Self {
        let nodes = Nodes::from_env();
        let wire = || FaultProxy::to_server_of(nodes.amqp_url());
        Self { ingest: wire(), tracker: wire() }
    }

    pub fn options(&self) -> StackOptions {
        let broker = Nodes::from_env().amqp_url().to_owned();
        StackOptions::new().set(ServiceName::Ingest, "BUS__URL", self.ingest.url(&broker)).set(
            ServiceName::Tracker,
            "BUS__URL",
            self.tracker.url(&broker),
        )
    }

    pub fn both(&self) -> [&FaultProxy; 2] {
        [&self.ingest, &self.tracker]
    }

    pub fn of(&self, service: ServiceName) -> &FaultProxy {
        if service == ServiceName::Ingest { &self.ingest } else { &self.tracker }
    }
}

/// Starts the nodes; harmless when they run.
pub fn heal() {
    let nodes = Nodes::from_env();
    nodes.control("start-postgres");
    nodes.control("start-rabbitmq");
}
