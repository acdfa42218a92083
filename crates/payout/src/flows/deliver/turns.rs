//! The loop: when what is claimed and recorded.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{
    FutureExt as _,
    future::{Fuse, FusedFuture as _},
};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{Deliverer, Done, Report, Sender, Ticket, slots::Slots};
use crate::store::{
    DELIVERIES,
    deliveries::{Claimed, PublisherKey, Unreadable},
};

/// To claim, or to record, costs nearly the same for one delivery as for many. So both wait until there is room for one in so
/// many slots, or as many attempts are over …
const FEW: usize = 2;
/// … but no longer than this, counted from the last time: there may be no more than a few. A claim waits less, for it is waited for;
/// a record is by the deliveries of a publisher that has failed, for they count until then.
const CLAIM_GATHERS: Duration = Duration::from_millis(10);
const RECORD_GATHERS: Duration = Duration::from_millis(30);

impl Deliverer {
    /// Delivers until the process stops.
    pub(super) async fn run(self) {
        let wake_ups = self.pool.woken_by(DELIVERIES);
        let soft = self.supervisor.soft();
        let (report, mut reports) = mpsc::channel::<Report>(self.bounds.in_flight.max(1));
        let slots = Arc::new(Slots::new(self.bounds.in_flight));
        let mut busy = Busy::default();
        let mut done: Vec<Done> = Vec::new();
        let (recording, claiming) = (Fuse::terminated(), Fuse::terminated());
        tokio::pin!(recording, claiming);
        let (mut under_record, mut asked) = (0, 0);
        // Whether a commit says that something is due; whether the last claim has left something for want of room, and there
        // may be more room since it began.
        let (mut is_woken, mut is_more, mut is_freed) = (true, false, false);
        let (mut claimed_at, mut recorded_at) = (Instant::now(), Instant::now());
        let mut claim_began = claimed_at;
        let mut is_failing = false;
        // After a failure: not again before something has happened.
        let mut may_begin = true;
        loop {
            let few = self.bounds.in_flight / FEW;
            let has_done = may_begin && recording.is_terminated() && !done.is_empty();
            let is_much = done.len() >= few || recorded_at.elapsed() >= RECORD_GATHERS || soft.is_cancelled();
            if has_done && is_much {
                under_record = done.len();
                recording.set(self.record(std::mem::take(&mut done)).fuse());
            }
            let unrecorded = done.len().saturating_add(under_record);
            let mut room = slots.room(busy.total.saturating_add(unrecorded));
            if unrecorded > self.bounds.in_flight {
                room.deliveries = 0;
            }
            let is_time = claimed_at.elapsed() >= self.bounds.poll;
            let may_be_due = is_woken || is_time || (is_more && is_freed);
            let wants = may_begin
                && may_be_due
                && room.deliveries > 0
                && claiming.is_terminated()
                && !soft.is_cancelled();
            let is_enough = room.deliveries >= few || claimed_at.elapsed() >= CLAIM_GATHERS;
            if wants && is_enough {
                (is_woken, is_freed) = (false, false);
                asked = room.deliveries;
                claim_began = Instant::now();
                let lease = self.sender.ids.uuid_v7();
                claiming.set(self.claim(lease, room, busy.of.clone()).fuse());
            }
            let is_idle = recording.is_terminated() && claiming.is_terminated();
            if soft.is_cancelled() && is_idle && busy.total == 0 && done.is_empty() {
                return;
            }
            let outcome = tokio::select! {
                (recorded, outcome) = &mut recording, if !recording.is_terminated() => {
                    under_record = 0;
                    recorded_at = Instant::now();
                    match outcome {
                        Ok(()) => {
                            let failed = recorded.iter().filter(|finished| !finished.is_delivered());
                            failed.for_each(|finished| busy.end(finished.publisher));
                        }
                        // What came meanwhile is after it.
                        Err(_) => drop(done.splice(0..0, recorded)),
                    }
                    // Those that failed count no more for their publishers.
                    is_freed = true;
                    Some(outcome)
                }
                (lease, claimed) = &mut claiming, if !claiming.is_terminated() => {
                    claimed_at = Instant::now();
                    is_woken |= claimed.is_err();
                    Some(claimed.map(|taken| {
                        is_more = taken.is_more;
                        // It took all there was room for, and there may be more room by now.
                        is_freed |= taken.claimed.len() >= asked;
                        let until = claim_began + self.bounds.begin_within;
                        self.begin(taken.claimed, (lease, until), (&slots, &report), &mut busy);
                    }))
                }
                Some(report) = reports.recv() => {
                    let mut reported = Some(report);
                    while let Some(report) = reported {
                        match report {
                            Report::Over(one) => {
                                if one.is_delivered() {
                                    busy.end(one.publisher);
                                }
                                done.push(*one);
                            }
                            Report::TooLate(publisher) => busy.end(publisher),
                        }
                        reported = reports.try_recv().ok();
                    }
                    is_freed = true;
                    None
                }
                () = tokio::time::sleep_until((claimed_at + CLAIM_GATHERS).into()), if wants && !is_enough => None,
                () = tokio::time::sleep_until((recorded_at + RECORD_GATHERS).into()), if has_done && !is_much => None,
                () = slots.grows(), if (is_woken || is_more) && room.deliveries == 0 => {
                    is_freed = true;
                    None
                }
                () = wake_ups.notified(), if !is_failing && !soft.is_cancelled() => {
                    is_woken = true;
                    None
                }
                () = tokio::time::sleep_until((claimed_at + self.bounds.poll).into()), if !is_time => None,
                () = tokio::time::sleep(self.bounds.poll) => None,
                () = soft.cancelled(), if !soft.is_cancelled() => None,
            };
            may_begin = !matches!(outcome, Some(Err(_)));
            match outcome {
                Some(Err(error)) => {
                    let was_failing = std::mem::replace(&mut is_failing, true);
                    if !was_failing {
                        tracing::warn!(error = telemetry::chain(&error), "deliveries wait for the database");
                    }
                }
                Some(Ok(())) => is_failing = false,
                None => {}
            }
        }
    }

    /// Makes an attempt at each, in a slot.
    fn begin(
        &self,
        claimed: Vec<Result<Claimed, Box<Unreadable>>>,
        (lease, until): (Uuid, Instant),
        (slots, report): (&Arc<Slots>, &mpsc::Sender<Report>),
        busy: &mut Busy,
    ) {
        for delivery in claimed {
            let (sender, slots, report) = (Arc::clone(&self.sender), Arc::clone(slots), report.clone());
            let ticket = match &delivery {
                Ok(claimed) => Ticket::of(claimed, lease),
                Err(unreadable) => Ticket::of_unreadable(unreadable, lease),
            };
            busy.begin(ticket.publisher);
            slots.announce();
            self.supervisor.spawn("send postback", async move {
                let finished = match delivery {
                    // A panic must not keep the slot: it is an attempt like any other that came to nothing.
                    Ok(claimed) => slots
                        .hold(AssertUnwindSafe(sender.attempt(&claimed, lease, until)).catch_unwind())
                        .await
                        .unwrap_or_else(|_panic| gave_up(&sender, ticket, "a bug: the attempt panicked")),
                    Err(unreadable) => slots.hold(async { gave_up(&sender, ticket, &unreadable.why) }).await,
                };
                // The loop outlives its attempts; when it is dropped at a hard stop, leases end by themselves.
                drop(report.send(finished).await);
            });
        }
    }
}

fn gave_up(sender: &Sender, ticket: Ticket, why: &str) -> Report {
    Report::Over(Box::new(sender.gave_up(ticket, why)))
}

/// How many claimed deliveries are not over, by publisher.
#[derive(Default)]
struct Busy {
    of: HashMap<PublisherKey, i32>,
    total: usize,
}

impl Busy {
    fn begin(&mut self, publisher: PublisherKey) {
        let count = self.of.entry(publisher).or_default();
        *count = count.saturating_add(1);
        self.total = self.total.saturating_add(1);
    }

    fn end(&mut self, publisher: PublisherKey) {
        self.total = self.total.saturating_sub(1);
        if let Some(count) = self.of.get_mut(&publisher) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.of.remove(&publisher);
            }
        }
    }
}
