//! What the bus counts. Names and meanings are in README.md.

use std::time::Duration;

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Gauge, Histogram, Meter, UpDownCounter},
};

use crate::{link::Role, publisher::PublishError};

pub(crate) struct Metrics {
    published: Counter<u64>,
    messages: Counter<u64>,
    confirmed: Counter<u64>,
    failed: Counter<u64>,
    group_items: Histogram<u64>,
    confirm_seconds: Histogram<f64>,
    in_flight: UpDownCounter<i64>,
    waiting: Gauge<u64>,
    blocked_seconds: Counter<f64>,
    reconnects: Counter<u64>,
    consumed: Counter<u64>,
    batch_items: Histogram<u64>,
    batch_seconds: Histogram<f64>,
    pauses: Counter<u64>,
    paused_seconds: Counter<f64>,
    buried: Counter<u64>,
    rejected: Counter<u64>,
    spooled: Counter<u64>,
    spool_refused: Counter<u64>,
    spool_drained: Counter<u64>,
    spool_unreadable: Counter<u64>,
    spool_bytes: Gauge<u64>,
    spool_oldest: Gauge<f64>,
}

impl Metrics {
    pub(crate) fn new(meter: &Meter) -> Self {
        let sizes = vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];
        Self {
            published: meter.u64_counter("bus_items_published").build(),
            messages: meter.u64_counter("bus_messages_published").build(),
            confirmed: meter.u64_counter("bus_items_confirmed").build(),
            failed: meter.u64_counter("bus_items_failed").build(),
            group_items: meter.u64_histogram("bus_group_items").with_boundaries(sizes.clone()).build(),
            confirm_seconds: meter
                .f64_histogram("bus_confirm_seconds")
                .with_boundaries(telemetry::SECONDS.to_vec())
                .build(),
            in_flight: meter.i64_up_down_counter("bus_messages_in_flight").build(),
            waiting: meter.u64_gauge("bus_items_waiting").build(),
            blocked_seconds: meter.f64_counter("bus_blocked_seconds").build(),
            reconnects: meter.u64_counter("bus_reconnects").build(),
            consumed: meter.u64_counter("bus_items_consumed").build(),
            batch_items: meter.u64_histogram("bus_batch_items").with_boundaries(sizes).build(),
            batch_seconds: meter
                .f64_histogram("bus_batch_seconds")
                .with_boundaries(telemetry::SECONDS.to_vec())
                .build(),
            pauses: meter.u64_counter("bus_pauses").build(),
            paused_seconds: meter.f64_counter("bus_paused_seconds").build(),
            buried: meter.u64_counter("bus_items_buried").build(),
            rejected: meter.u64_counter("bus_messages_rejected").build(),
            spooled: meter.u64_counter("bus_spool_items").build(),
            spool_refused: meter.u64_counter("bus_spool_items_refused").build(),
            spool_drained: meter.u64_counter("bus_spool_items_drained").build(),
            spool_unreadable: meter.u64_counter("bus_spool_unreadable_bytes").build(),
            spool_bytes: meter.u64_gauge("bus_spool_bytes").build(),
            spool_oldest: meter.f64_gauge("bus_spool_oldest_seconds").build(),
        }
    }

    pub(crate) fn group_sent(&self, items: usize) {
        self.published.add(whole(items), &[]);
        self.messages.add(1, &[]);
        self.group_items.record(whole(items), &[]);
        self.in_flight.add(1, &[]);
    }

    pub(crate) fn group_settled(&self, waited: Duration) {
        self.in_flight.add(-1, &[]);
        self.confirm_seconds.record(waited.as_secs_f64(), &[]);
    }

    pub(crate) fn items_answered(&self, items: usize, answer: Result<(), PublishError>) {
        match answer {
            Ok(()) => self.confirmed.add(whole(items), &[]),
            Err(error) => self.failed.add(whole(items), &[KeyValue::new("reason", error.reason())]),
        }
    }

    /// Items that the spool's disk has.
    pub(crate) fn spooled(&self, items: usize) {
        self.spooled.add(whole(items), &[]);
    }

    pub(crate) fn spool_refused(&self, items: usize, reason: &'static str) {
        self.spool_refused.add(whole(items), &[KeyValue::new("reason", reason)]);
    }

    pub(crate) fn drained(&self, items: usize) {
        self.spool_drained.add(whole(items), &[]);
    }

    pub(crate) fn spool_unreadable(&self, bytes: usize, torn: bool) {
        let kind = if torn { "torn" } else { "damaged" };
        self.spool_unreadable.add(whole(bytes), &[KeyValue::new("kind", kind)]);
    }

    pub(crate) fn spool_backlog(&self, bytes: u64, oldest: Duration) {
        self.spool_bytes.record(bytes, &[]);
        self.spool_oldest.record(oldest.as_secs_f64(), &[]);
    }

    pub(crate) fn waiting(&self, items: usize) {
        self.waiting.record(whole(items), &[]);
    }

    pub(crate) fn blocked(&self, role: Role, time: Duration) {
        self.blocked_seconds.add(time.as_secs_f64(), &[KeyValue::new("role", role.name())]);
    }

    pub(crate) fn reconnected(&self, role: Role) {
        self.reconnects.add(1, &[KeyValue::new("role", role.name())]);
    }

    pub(crate) fn batch_done(&self, queue: &'static str, items: usize, buried: usize, took: Duration) {
        let queue = [KeyValue::new("queue", queue)];
        self.consumed.add(whole(items), &queue);
        self.buried.add(whole(buried), &queue);
        self.batch_items.record(whole(items), &queue);
        self.batch_seconds.record(took.as_secs_f64(), &queue);
    }

    pub(crate) fn pause_began(&self, queue: &'static str) {
        self.pauses.add(1, &[KeyValue::new("queue", queue)]);
    }

    pub(crate) fn paused(&self, queue: &'static str, time: Duration) {
        self.paused_seconds.add(time.as_secs_f64(), &[KeyValue::new("queue", queue)]);
    }

    pub(crate) fn rejected(&self, queue: &'static str) {
        self.rejected.add(1, &[KeyValue::new("queue", queue)]);
    }
}

fn whole(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
