//! Keeps one connection to the broker alive, for ever.
//!
//! Why not lapin's own recovery: its waits grow to a minute, it gives up after sixteen of them, and it leaves open which
//! in-flight acknowledgements belong to which life of the channel. Here the rule is one sentence: *whatever goes wrong on
//! a connection, drop all of it and build the next one* — connection, topology, channels, consumers — waiting 0.1 s, then
//! longer, never more than 2 s. Everything that hangs on a connection hangs on its [`Session`] and ends with it, so
//! nothing of an old life can be taken for the new one.
//!
//! Publishing and consuming have a link each: a broker short of memory or disk stops reading from connections that
//! publish, and consumers must go on acknowledging exactly then.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt as _;
use lapin::{Channel, Connection, ConnectionProperties, Event, uri::AMQPUri};
use secrecy::ExposeSecret as _;
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::Backoff,
    declare::{DeclareError, declare},
    metrics::Metrics,
    settings::BusSettings,
    topology::{Names, Topology},
};

/// lapin tells of most ends of a connection by an event, not of all: so its state is looked at as well.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Saying goodbye to a connection is a courtesy; a blocked or dead one does not answer.
const GOODBYE: Duration = Duration::from_secs(1);

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Publish,
    Consume,
}

impl Role {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Consume => "consume",
        }
    }
}

/// One life of a connection.
pub(crate) struct Session {
    connection: Connection,
    lost: CancellationToken,
    blocked: AtomicBool,
    blocked_changed: watch::Sender<bool>,
}

impl Session {
    pub(crate) async fn channel(&self) -> Result<Channel, lapin::Error> {
        self.connection.create_channel().await
    }

    /// Ends this life: something on it can not be trusted any more. The link builds the next one.
    pub(crate) fn condemn(&self, why: &dyn fmt::Display) {
        if !self.lost.is_cancelled() {
            tracing::warn!(bus.why = %why, "giving up the connection to RabbitMQ");
            self.lost.cancel();
        }
    }

    /// Resolves when this life is over.
    pub(crate) async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// Whether the broker has stopped reading from this connection, and every change of that.
    pub(crate) fn blocked(&self) -> watch::Receiver<bool> {
        self.blocked_changed.subscribe()
    }

    fn set_blocked(&self, blocked: bool) {
        if self.blocked.swap(blocked, Ordering::Relaxed) != blocked {
            self.blocked_changed.send_replace(blocked);
        }
    }
}

/// The reader's end: where the present life of a connection is found.
#[derive(Clone)]
pub(crate) struct Link {
    sessions: watch::Receiver<Option<Arc<Session>>>,
}

impl Link {
    /// The present session, or the next one. `None` when the link has ended.
    pub(crate) async fn session(&mut self) -> Option<Arc<Session>> {
        let alive =
            |session: &Option<Arc<Session>>| session.as_ref().is_some_and(|live| !live.lost.is_cancelled());
        self.sessions.wait_for(alive).await.ok().and_then(|session| session.clone())
    }

    pub(crate) fn is_up(&self) -> bool {
        self.sessions.borrow().as_ref().is_some_and(|session| !session.lost.is_cancelled())
    }
}

#[derive(Debug, thiserror::Error)]
enum DialError {
    #[error("bus.url is not the address of a broker")]
    Url,
    #[error("no answer within the time for connecting")]
    Slow,
    #[error("connect")]
    Connect(#[source] lapin::Error),
    #[error("open a channel for the topology")]
    Channel(#[source] lapin::Error),
    #[error("topology")]
    Topology(#[from] DeclareError),
}

/// The owner's end: builds session after session.
pub(crate) struct Keeper {
    pub(crate) role: Role,
    pub(crate) service: &'static str,
    pub(crate) settings: Arc<BusSettings>,
    pub(crate) topology: Arc<Topology>,
    pub(crate) names: Names,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) sessions: watch::Sender<Option<Arc<Session>>>,
}

impl Keeper {
    /// A link and the keeper that has to be run for it.
    pub(crate) fn new(
        role: Role,
        service: &'static str,
        settings: Arc<BusSettings>,
        topology: Arc<Topology>,
        metrics: Arc<Metrics>,
    ) -> (Self, Link) {
        let (sender, receiver) = watch::channel(None);
        let names = Names::new(&settings.namespace);
        let keeper = Self { role, service, settings, topology, names, metrics, sessions: sender };
        (keeper, Link { sessions: receiver })
    }

    /// Runs for ever; as support it is dropped, and its connection with it, once all work has ended.
    pub(crate) async fn run(self) {
        let mut backoff = Backoff::default();
        let mut failures = 0_u64;
        let mut connected_before = false;
        loop {
            match self.dial().await {
                Ok(session) => {
                    tracing::info!(
                        bus.role = self.role.name(),
                        bus.failures = failures,
                        "connected to RabbitMQ"
                    );
                    if connected_before {
                        self.metrics.reconnected(self.role);
                    }
                    connected_before = true;
                    failures = 0;
                    let since = Instant::now();
                    self.live(Arc::new(session)).await;
                    // A connection that dies at birth must not be rebuilt in a tight loop; one that lived is rebuilt
                    // at once.
                    if since.elapsed() > Duration::from_secs(5) {
                        backoff = Backoff::default();
                    }
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    // Once a minute or so is enough during a long outage.
                    if failures.is_power_of_two() || failures.is_multiple_of(30) {
                        tracing::warn!(
                            bus.role = self.role.name(),
                            bus.failures = failures,
                            error = telemetry::chain(&error),
                            "can not connect to RabbitMQ; trying again for ever"
                        );
                    }
                }
            }
            tokio::time::sleep(backoff.next_wait()).await;
        }
    }

    async fn dial(&self) -> Result<Session, DialError> {
        // lapin's own parse error may repeat the address with its password: it is dropped here.
        let mut uri: AMQPUri = self
            .settings
            .url
            .expose_secret()
            .parse()
            .map_err(|_repeats_the_address: String| DialError::Url)?;
        uri.query.heartbeat = Some(self.settings.heartbeat_seconds);
        let name = format!("{} {}", self.service, self.role.name());
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let connecting = Box::pin(Connection::connect_uri(uri, properties));
        let connection = timeout(self.settings.connect_timeout(), connecting)
            .await
            .map_err(|_elapsed| DialError::Slow)?
            .map_err(DialError::Connect)?;
        let declaring = async {
            let channel = connection.create_channel().await.map_err(DialError::Channel)?;
            declare(&channel, &self.topology, &self.names).await?;
            channel.close(200, "declared".into()).await.map_err(DialError::Channel)
        };
        timeout(self.settings.connect_timeout(), declaring).await.map_err(|_elapsed| DialError::Slow)??;
        let (blocked_changed, _) = watch::channel(false);
        let lost = CancellationToken::new();
        Ok(Session { connection, lost, blocked: AtomicBool::new(false), blocked_changed })
    }

    /// Offers the session and watches over it to its end.
    async fn live(&self, session: Arc<Session>) {
        let mut events = Box::pin(session.connection.events_listener());
        self.sessions.send_replace(Some(Arc::clone(&session)));
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looked = Instant::now();
        loop {
            tokio::select! {
                () = session.lost() => break,
                event = events.next() => match event {
                    Some(Event::ConnectionBlocked(reason)) => {
                        tracing::warn!(bus.role = self.role.name(), bus.reason = reason, "RabbitMQ blocks this connection");
                        session.set_blocked(true);
                    }
                    Some(Event::ConnectionUnblocked) => {
                        tracing::info!(bus.role = self.role.name(), "RabbitMQ reads from this connection again");
                        session.set_blocked(false);
                    }
                    Some(Event::Error(error)) => session.condemn(&error),
                    Some(_) => {}
                    None => session.condemn(&"lapin's event stream ended"),
                },
                now = look.tick() => {
                    if session.blocked.load(Ordering::Relaxed) {
                        self.metrics.blocked(self.role, now.saturating_duration_since(looked));
                    }
                    looked = now;
                    let status = session.connection.status();
                    session.set_blocked(status.blocked());
                    if !status.connected() {
                        session.condemn(&"the connection is closed");
                    }
                }
            }
        }
        self.sessions.send_replace(None);
        // Closing hands unacknowledged deliveries back at once; otherwise the broker waits for a heartbeat.
        match timeout(GOODBYE, session.connection.close(200, "goodbye".into())).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(error = telemetry::chain(&error), "closing the connection"),
            Err(_elapsed) => tracing::debug!("the broker does not answer the goodbye"),
        }
    }
}
