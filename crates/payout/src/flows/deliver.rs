//! Tells publishers: claim → send, outside of any transaction → record.
//!
//! One loop claims and records, both at once when there is work for both. Each attempt is a task of its own and holds a slot while
//! it is sent, and no longer than a moment (`slots`). It counts for its publisher until it is delivered or its failure is recorded,
//! so a publisher that never answers is sent so much and no more. The loop sleeps until a commit says that there are deliveries, an
//! attempt ends, or a little time has passed (for what is due again). At a stop it claims no more and records what is under way.
//!
//! What happens when this process dies: before sending, nothing; between sending and recording, the lease ends and the
//! attempt is made again with the same `webhook-id`. So a publisher may hear twice and never not at all.

mod slots;
mod turns;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use http_kit::client::{Client, Url};
use kernel::{Clock, DeliveryId, EndpointId, IdSource, TenantId, Timestamp};
use postgres_kit::{DbError, Pool, Retries, outbox, sqlstate::Class, transact, wake_ups};
use process::Supervisor;
use signing::Keyring;
use telemetry::TraceContext;
use tracing::Instrument as _;
use uuid::Uuid;

pub(super) use self::slots::Room;
use super::{
    facts,
    heed::{Heard, announce, heed},
    mask::Mask,
    postback::{Prepared, Unsendable, prepare},
    take_due::{Asked, Taken, take_due},
};
use crate::{
    domain::delivery::{Answer, Conclusion, Jitter, conclude, delay_after, retry_after_seconds},
    failpoints,
    metrics::Metrics,
    store::{
        self, DELIVERIES,
        attempts::{self, Attempt},
        deliveries::{self, Claimed, Concluded, End, Next, Outcome, PublisherKey, Unreadable},
        due_times,
    },
};

/// Bounds of delivering, from the settings.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Attempts under way in this process, but for slow ones.
    pub in_flight: usize,
    /// Of these, to one publisher that asks for nothing else.
    pub per_publisher: i32,
    /// Attempts a second, of all replicas, to one publisher that asks for nothing else.
    pub per_publisher_per_second: u32,
    /// How long a claim is ours; longer than an attempt may take.
    pub lease_seconds: u32,
    /// How long after it began a claim's attempts may begin: what begins later might end after its lease.
    pub begin_within: Duration,
    /// Longest sleep.
    pub poll: Duration,
}

/// What an attempt needs, shared by all of them.
pub struct Sender {
    /// The guarded client.
    pub client: Client,
    /// Opens endpoints' secrets.
    pub keyring: Keyring,
    /// Stamps attempts.
    pub clock: Arc<dyn Clock>,
    /// Names claims, draws jitter.
    pub ids: Arc<dyn IdSource>,
    /// Counts.
    pub metrics: Metrics,
}

/// The deliverer of one process.
pub struct Deliverer {
    /// Payout's database.
    pub pool: Pool,
    /// What an attempt needs.
    pub sender: Arc<Sender>,
    /// Bounds.
    pub bounds: Bounds,
    /// Runs the attempts.
    pub supervisor: Supervisor,
}

/// What became of an attempt.
enum Report {
    /// It is over.
    Over(Box<Done>),
    /// This process was held up, and the attempt was not made: its lease may be over before it is, and who takes it then may tell
    /// something newer meanwhile. It is taken again, by whomever.
    TooLate(PublisherKey),
}

/// An attempt that is over.
struct Done {
    outcome: Outcome,
    attempt: Attempt,
    publisher: PublisherKey,
    /// Absent when it did not get as far as a request.
    heard: Option<Answer>,
    /// Of its endpoint, when it was claimed.
    starts: i64,
    trace: TraceContext,
}

impl Done {
    /// Then it counts no more for its publisher. One that failed does until that is written down: it may be what opens a breaker.
    const fn is_delivered(&self) -> bool {
        matches!(self.outcome.next, Next::End(End::Delivered))
    }

    const fn heard(&self) -> Heard {
        let Outcome { tenant, id, .. } = self.outcome;
        let (endpoint, starts) = ((tenant, self.attempt.endpoint), self.starts);
        Heard { delivery: id, endpoint, starts, answer: self.heard }
    }
}

impl Deliverer {
    /// Starts delivering.
    pub fn start(self) {
        let supervisor = self.supervisor.clone();
        supervisor.spawn_critical("deliver", self.run());
    }

    /// What was claimed, under the lease.
    async fn claim(
        &self,
        lease: Uuid,
        room: Room,
        busy: HashMap<PublisherKey, i32>,
    ) -> (Uuid, Result<Taken, DbError>) {
        let asked = Asked { lease, room, busy: &busy, bounds: self.bounds, ids: self.sender.ids.as_ref() };
        let claimed = transact(&self.pool, Retries::default(), async |connection| {
            Ok(take_due(connection, asked).await?)
        })
        .await;
        if let Ok(taken) = &claimed {
            self.sender.metrics.given_up(taken.given_up);
        }
        (lease, claimed)
    }

    /// Writes what attempts came to, and gives them back with what came of that.
    async fn record(&self, done: Vec<Done>) -> (Vec<Done>, Result<(), DbError>) {
        let outcome = match self.record_together(&done).await {
            Err(error) if error.class() == Class::Bug => self.record_one_by_one(&done).await,
            recorded => recorded,
        };
        (done, outcome)
    }

    /// One attempt that can not be written must not keep all others from it, for ever. Its delivery is put off.
    async fn record_one_by_one(&self, done: &[Done]) -> Result<(), DbError> {
        for finished in done.chunks(1) {
            let Err(error) = self.record_together(finished).await else { continue };
            if error.class() != Class::Bug {
                // What is recorded already is recorded again without effect: its lease is gone.
                return Err(error);
            }
            for Done { outcome, .. } in finished {
                tracing::error!(
                    tenant.id = %outcome.tenant, delivery.id = %outcome.id, error = telemetry::chain(&error),
                    "an attempt can not be recorded: its delivery is put off for an hour"
                );
                transact(&self.pool, Retries::default(), async |connection| {
                    Ok::<_, DbError>(due_times::put_off(connection, outcome).await?)
                })
                .await?;
            }
        }
        Ok(())
    }

    async fn record_together(&self, done: &[Done]) -> Result<(), DbError> {
        let outcomes: Vec<Outcome> = done.iter().map(|finished| finished.outcome).collect();
        let attempts: Vec<Attempt> = done.iter().map(|finished| finished.attempt.clone()).collect();
        let traces: HashMap<_, _> =
            done.iter().map(|finished| (finished.outcome.id, &finished.trace)).collect();
        let heard: Vec<Heard> = done.iter().map(Done::heard).collect();
        let ids = self.sender.ids.as_ref();
        let (turns, used_up) = transact(&self.pool, Retries::default(), async |connection| {
            attempts::add(connection, &attempts).await?;
            let Concluded { recorded, ended } = deliveries::conclude(connection, &outcomes).await?;
            let replaced: Vec<_> = ended.iter().filter(|ended| ended.is_superseded).copied().collect();
            if due_times::release_successors(connection, &replaced).await? > 0 {
                wake_ups::after_commit(DELIVERIES);
            }
            let now = store::now(connection).await?;
            let turns = heed(connection, &heard, &recorded, now).await?;
            // A supersession was said when it happened.
            let said = ended.iter().filter(|ended| ended.end != End::Superseded);
            let facts: Vec<_> = said
                .map(|ended| facts::delivery_outcome(ids, now, traces.get(&ended.id).copied(), ended))
                .collect();
            outbox::add(connection, &facts).await?;
            let used_up = ended.iter().filter(|ended| ended.end == End::Exhausted).count();
            Ok::<_, DbError>((turns, used_up))
        })
        .await?;
        self.sender.metrics.used_up(used_up);
        announce(&turns, &self.sender.metrics);
        Ok(())
    }
}

/// What came of one call.
struct Called {
    answer: Answer,
    failure: String,
    /// Until the status line.
    answered_ms: Option<i32>,
    response: String,
}

impl Called {
    fn failed(why: &impl ToString) -> Self {
        Self { answer: Answer::None, failure: why.to_string(), answered_ms: None, response: String::new() }
    }
}

/// What is known of an attempt before it begins.
struct Ticket {
    tenant: TenantId,
    delivery: DeliveryId,
    endpoint: EndpointId,
    publisher: PublisherKey,
    lease: Uuid,
    number: u16,
    /// Of schedules that are over.
    before: u16,
    starts: i64,
    trace: TraceContext,
}

impl Ticket {
    fn of(claimed: &Claimed, lease: Uuid) -> Self {
        Self {
            tenant: claimed.tenant,
            delivery: claimed.id,
            endpoint: claimed.endpoint,
            publisher: (claimed.tenant, claimed.publisher),
            lease,
            number: claimed.attempts.saturating_add(1),
            before: claimed.attempts_before,
            starts: claimed.starts,
            trace: claimed.trace.clone(),
        }
    }

    fn of_unreadable(unreadable: &Unreadable, lease: Uuid) -> Self {
        Self {
            tenant: unreadable.tenant,
            delivery: unreadable.id,
            endpoint: unreadable.endpoint,
            publisher: (unreadable.tenant, unreadable.publisher),
            lease,
            number: unreadable.attempts.saturating_add(1),
            before: unreadable.attempts_before,
            starts: unreadable.starts,
            trace: unreadable.trace.clone(),
        }
    }
}

impl Sender {
    /// A failed attempt that did not get as far as a request, through a fault of our own.
    fn gave_up(&self, ticket: Ticket, why: &str) -> Done {
        let next = self.next(Answer::None, ticket.number.saturating_sub(ticket.before));
        tracing::error!(
            tenant.id = %ticket.tenant, delivery.id = %ticket.delivery, delivery.attempt = ticket.number, failure = why,
            "publisher could not be told: a fault of ours"
        );
        self.metrics.attempted(next);
        Done {
            outcome: Outcome {
                tenant: ticket.tenant,
                id: ticket.delivery,
                lease: ticket.lease,
                number: ticket.number,
                http_status: None,
                next,
            },
            attempt: Attempt {
                tenant: ticket.tenant,
                delivery: ticket.delivery,
                endpoint: ticket.endpoint,
                number: ticket.number,
                started_at: self.clock.now(),
                duration_ms: 0,
                answered_ms: None,
                request: String::from("…"),
                headers: Vec::new(),
                http_status: None,
                failure: String::from(why),
                response: String::new(),
                again_in_ms: match next {
                    Next::AgainIn(ms) => Some(ms),
                    Next::End(_) => None,
                },
            },
            publisher: ticket.publisher,
            heard: None,
            starts: ticket.starts,
            trace: ticket.trace,
        }
    }

    async fn attempt(&self, delivery: &Claimed, lease: Uuid, until: Instant) -> Report {
        failpoints::attempting();
        if Instant::now() > until {
            self.metrics.too_late();
            tracing::warn!(
                tenant.id = %delivery.tenant, delivery.id = %delivery.id,
                "this process was held up: an attempt is not made, it is taken again when its lease is over"
            );
            return Report::TooLate((delivery.tenant, delivery.publisher));
        }
        let span = tracing::info_span!(
            "deliver postback",
            tenant.id = %delivery.tenant,
            delivery.id = %delivery.id,
            delivery.attempt = delivery.attempts.saturating_add(1)
        );
        delivery.trace.set_parent(&span);
        Report::Over(Box::new(self.attempt_in_span(delivery, lease).instrument(span).await))
    }

    async fn attempt_in_span(&self, delivery: &Claimed, lease: Uuid) -> Done {
        let started_at = self.clock.now();
        let started = Instant::now();
        // Without a tracer the span has no place of its own; the postback's is passed on as it came.
        let trace = Some(TraceContext::current())
            .filter(|trace| !trace.traceparent.is_empty())
            .unwrap_or_else(|| delivery.trace.clone());
        let prepared = prepare(delivery, &self.keyring, started_at, &trace);
        let was_called = prepared.is_ok();
        let (called, shown, headers, is_off) = match prepared {
            Ok(Prepared { request, shown, headers, mask }) => {
                (self.call(request, &mask).await, shown, headers, false)
            }
            Err(unsendable) => {
                let is_off = matches!(unsendable, Unsendable::Inactive);
                (Called::failed(&unsendable), String::from(origin(delivery)), Vec::new(), is_off)
            }
        };
        let number = delivery.attempts.saturating_add(1);
        let of_schedule = number.saturating_sub(delivery.attempts_before);
        let next = if is_off { Next::End(End::Stopped) } else { self.next(called.answer, of_schedule) };
        let status = match called.answer {
            Answer::Status { code, .. } => Some(code),
            Answer::None => None,
        };
        note(delivery, number, status, &called.failure, next);
        self.metrics.attempted(next);
        Done {
            outcome: Outcome {
                tenant: delivery.tenant,
                id: delivery.id,
                lease,
                number,
                http_status: status,
                next,
            },
            attempt: Attempt {
                tenant: delivery.tenant,
                delivery: delivery.id,
                endpoint: delivery.endpoint,
                number,
                started_at,
                duration_ms: i32::try_from(started.elapsed().as_millis()).unwrap_or(i32::MAX),
                answered_ms: called.answered_ms,
                request: shown,
                headers,
                http_status: status,
                failure: called.failure,
                response: called.response,
                again_in_ms: match next {
                    Next::AgainIn(ms) => Some(ms),
                    Next::End(_) => None,
                },
            },
            publisher: (delivery.tenant, delivery.publisher),
            heard: was_called.then_some(called.answer),
            starts: delivery.starts,
            trace: delivery.trace.clone(),
        }
    }

    async fn call(&self, request: http_kit::client::Outbound, mask: &Mask) -> Called {
        let sent = self.client.send(request).await;
        failpoints::sent();
        match sent {
            Ok(answer) => Called {
                answer: Answer::Status {
                    code: answer.status,
                    retry_after: answer
                        .retry_after
                        .and_then(|header| retry_after_seconds(&header, self.now())),
                },
                failure: String::new(),
                answered_ms: i32::try_from(answer.answered.as_millis()).ok(),
                response: mask.hide(&answer.excerpt),
            },
            Err(failure) => Called::failed(&failure),
        }
    }

    fn next(&self, answer: Answer, number: u16) -> Next {
        match conclude(answer) {
            Conclusion::Delivered => Next::End(End::Delivered),
            Conclusion::Gone => Next::End(End::Stopped),
            Conclusion::TryAgain { retry_after } => {
                let mut random = [0; 2];
                self.ids.fill_random(&mut random);
                delay_after(number, Jitter::from_random(random), retry_after)
                    .map_or(Next::End(End::Exhausted), Next::AgainIn)
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

fn note(delivery: &Claimed, number: u16, status: Option<u16>, failure: &str, next: Next) {
    let (tenant, id, endpoint) = (delivery.tenant, delivery.id, delivery.endpoint);
    match next {
        Next::End(End::Delivered) => tracing::info!(
            delivery.id = %id, delivery.attempt = number, http.status = status, "publisher was told"
        ),
        Next::End(End::Exhausted) => tracing::error!(
            tenant.id = %tenant, delivery.id = %id, endpoint.id = %endpoint, http.status = status, failure,
            "publisher could not be told: all attempts failed"
        ),
        Next::End(End::Stopped | End::Superseded) => tracing::warn!(
            tenant.id = %tenant, delivery.id = %id, endpoint.id = %endpoint, http.status = status, failure,
            "endpoint wants to hear no more"
        ),
        Next::AgainIn(again_in_ms) => tracing::info!(
            delivery.id = %id, delivery.attempt = number, http.status = status, failure, again_in_ms,
            "publisher was not told yet"
        ),
    }
}

/// What the delivery log shows of a request that could not be made.
fn origin(delivery: &Claimed) -> &'static str {
    match Url::parse(&delivery.target.url_template).map(|url| url.scheme() == "https") {
        Ok(true) => "https://…",
        Ok(false) | Err(_) => "…",
    }
}
