//! What the flows count.

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Gauge, Meter},
};

use crate::domain::{Code, ConversionChange, alarms::AlarmKind};

/// The service's instruments.
#[derive(Debug)]
pub(crate) struct Meters {
    decisions: Counter<u64>,
    verdicts: Counter<u64>,
    click_conflicts: Counter<u64>,
    turned_away: Counter<u64>,
    overdue_clicks: Gauge<u64>,
    input_lag: Gauge<u64>,
    alarms_open: Gauge<u64>,
    alarms_raised: Counter<u64>,
}

impl Meters {
    pub(crate) fn new(meter: &Meter) -> Self {
        Self {
            decisions: meter
                .u64_counter("attribution.decisions")
                .with_description("Decisions by code; a decision that replaces one counts again")
                .build(),
            verdicts: meter
                .u64_counter("attribution.verdicts")
                .with_description("Verdicts told to payout, by kind of change")
                .build(),
            click_conflicts: meter
                .u64_counter("attribution.click_conflicts")
                .with_description("Clicks that came again with other content: an alarm")
                .build(),
            turned_away: meter
                .u64_counter("attribution.turned_away")
                .with_description("Postbacks buried because their click has too many already: an alarm")
                .build(),
            overdue_clicks: meter
                .u64_gauge("attribution.overdue_clicks")
                .with_description("Journeys whose click is missing for more than 15 minutes, up to 1000")
                .build(),
            alarms_open: meter
                .u64_gauge("attribution.alarms_open")
                .with_description("Alarms that stand, of all tenants, by kind")
                .build(),
            alarms_raised: meter
                .u64_counter("attribution.alarms_raised")
                .with_description("Alarms that this replica raised, by kind")
                .build(),
            input_lag: meter
                .u64_gauge("attribution.input_lag")
                .with_unit("s")
                .with_description("Age of the oldest postback of the last batch")
                .build(),
        }
    }

    pub(crate) fn decided(&self, code: Code) {
        self.decisions.add(1, &[KeyValue::new("code", code.as_str())]);
    }

    pub(crate) fn told(&self, change: ConversionChange) {
        let change = match change {
            ConversionChange::Qualified => "qualified",
            ConversionChange::Amended => "amended",
            ConversionChange::Vetoed => "vetoed",
            ConversionChange::ReviewRequested => "review_requested",
        };
        self.verdicts.add(1, &[KeyValue::new("change", change)]);
    }

    pub(crate) fn click_conflict(&self) {
        self.click_conflicts.add(1, &[]);
    }

    pub(crate) fn turned_away(&self, postbacks: usize) {
        self.turned_away.add(u64::try_from(postbacks).unwrap_or(u64::MAX), &[]);
    }

    pub(crate) fn overdue_clicks(&self, journeys: u64) {
        self.overdue_clicks.record(journeys, &[]);
    }

    /// Kinds of which none stands are told as 0.
    pub(crate) fn open_alarms(&self, open: &[(AlarmKind, i64)]) {
        for kind in AlarmKind::ALL {
            let count = open.iter().find(|(of, _)| *of == kind).map_or(0, |(_, count)| *count);
            let kind = KeyValue::new("kind", kind.as_str());
            self.alarms_open.record(u64::try_from(count).unwrap_or_default(), &[kind]);
        }
    }

    pub(crate) fn alarm_raised(&self, kind: AlarmKind) {
        self.alarms_raised.add(1, &[KeyValue::new("kind", kind.as_str())]);
    }

    pub(crate) fn input_lag(&self, micros: i64) {
        let seconds = micros.checked_div(1_000_000).unwrap_or_default();
        self.input_lag.record(u64::try_from(seconds).unwrap_or_default(), &[]);
    }
}
