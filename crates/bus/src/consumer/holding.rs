//! What a consumer does with its deliveries while a handler says `Pause`, or refuses everything (see `breaker`).
//!
//! Handing messages back makes a quorum queue count, and at the delivery limit it buries them: a consumer that hands
//! back what it can not handle *now* destroys good messages at machine speed. So a paused consumer keeps what it holds,
//! unacknowledged, and tries the same batch again every two seconds. The broker's patience ends after thirty minutes:
//! before that, once, everything is handed back by closing the channel. The copy in memory is still tried, and only when
//! it has gone through does the consumer ask for deliveries again (its own come back too; the inbox knows them). An outage
//! of any length so costs a message at most one of its deliveries.

use std::{
    future::{self, Future},
    time::Duration,
};

use lapin::Channel;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::Backoff,
    consumer::{
        breaker,
        carry::{Doubt, Next, Patience},
        intake::{Batch, Intake},
    },
    metrics::Metrics,
};

/// How long the broker gets to answer when a channel is closed.
pub(crate) const GOODBYE: Duration = Duration::from_secs(1);

/// Patience for one batch.
pub(crate) struct Holding<'a> {
    pub(crate) channel: &'a Channel,
    pub(crate) queue: &'static str,
    pub(crate) metrics: &'a Metrics,
    pub(crate) stop: &'a CancellationToken,
    /// How long deliveries are kept.
    pub(crate) hold: Duration,
    /// Since when the batch is in hand.
    began: Instant,
    paused: Option<Pause>,
    /// When what was refused is tried again without company.
    next_try: Option<Instant>,
    handed_back: bool,
}

struct Pause {
    since: Instant,
    backoff: Backoff,
}

/// How a rest ended.
enum Rested<T> {
    Stopped,
    Elapsed,
    Disturbed(T),
}

impl<'a> Holding<'a> {
    pub(crate) fn new(
        channel: &'a Channel,
        queue: &'static str,
        metrics: &'a Metrics,
        stop: &'a CancellationToken,
        hold: Duration,
    ) -> Self {
        let began = Instant::now();
        Self { channel, queue, metrics, stop, hold, began, paused: None, next_try: None, handed_back: false }
    }

    /// Whether the deliveries are no longer this consumer's to acknowledge.
    pub(crate) const fn handed_back(&self) -> bool {
        self.handed_back
    }

    fn begin(&mut self, reason: &str) -> &mut Pause {
        if self.paused.is_none() {
            tracing::warn!(bus.queue = self.queue, bus.reason = reason, "consumer paused");
            self.metrics.pause_began(self.queue);
        }
        self.paused.get_or_insert_with(|| Pause { since: Instant::now(), backoff: Backoff::default() })
    }

    /// Waits for company for what was refused, until the next try without; what comes is added to `batch`.
    pub(crate) async fn doubt(&mut self, reason: &str, intake: &mut Intake<'_>, batch: &mut Batch) -> Doubt {
        let _pause = self.begin(&format!("nothing but refusals in a row, lastly: {reason}"));
        // Of company that is refused, too, the minute does not begin anew.
        let until = *self.next_try.get_or_insert_with(|| Instant::now() + breaker::WAIT);
        let items = batch.items.len();
        loop {
            self.hand_back_in_time().await;
            // What is held for long is not made to be held for longer.
            let may_grow = !self.handed_back && self.began.elapsed() < self.hold;
            let company = async {
                if !may_grow {
                    return future::pending().await;
                }
                // What comes one by one does not have everything tried again for each.
                tokio::time::sleep(breaker::REST).await;
                intake.company(batch).await
            };
            match self.rest(until.saturating_duration_since(Instant::now()), company).await {
                Rested::Stopped => return Doubt::Stop,
                Rested::Elapsed => {
                    self.next_try = None;
                    return Doubt::Alone;
                }
                Rested::Disturbed(company) => {
                    intake.join(company, batch).await;
                    // Not so when it was a stranger's, a suspect, or the end.
                    if batch.items.len() > items {
                        return Doubt::Company;
                    }
                }
            }
        }
    }

    async fn rest<T>(&mut self, wait: Duration, disturbance: impl Future<Output = T>) -> Rested<T> {
        let now = Instant::now();
        let rested = tokio::select! {
            () = self.stop.cancelled() => Rested::Stopped,
            () = tokio::time::sleep(wait) => Rested::Elapsed,
            what = disturbance => Rested::Disturbed(what),
        };
        self.metrics.paused(self.queue, now.elapsed());
        rested
    }

    async fn hand_back_in_time(&mut self) {
        let is_due = self.paused.as_ref().is_some_and(|pause| pause.since.elapsed() >= self.hold);
        if self.handed_back || !is_due {
            return;
        }
        self.handed_back = true;
        tracing::warn!(
            bus.queue = self.queue,
            "paused for long: handing the deliveries back, and not asking for more until the batch goes through"
        );
        let closing = self.channel.close(200, "paused for too long".into());
        if !matches!(timeout(GOODBYE, closing).await, Ok(Ok(()))) {
            tracing::debug!(bus.queue = self.queue, "the channel was gone already");
        }
    }
}

impl Patience for Holding<'_> {
    async fn wait(&mut self, reason: &str) -> Next {
        let wait = self.begin(reason).backoff.next_wait();
        self.hand_back_in_time().await;
        match self.rest(wait, future::pending::<()>()).await {
            Rested::Stopped => Next::Stop,
            Rested::Elapsed | Rested::Disturbed(()) => Next::TryAgain,
        }
    }

    fn over(&mut self) {
        self.next_try = None;
        if let Some(pause) = self.paused.take() {
            let seconds = pause.since.elapsed().as_secs();
            tracing::info!(bus.queue = self.queue, bus.paused_seconds = seconds, "consumer resumed");
        }
    }
}
