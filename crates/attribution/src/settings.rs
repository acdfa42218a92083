//! What can be set; `settings.default.toml` says what each key means.

use std::time::Duration;

use bus::BusSettings;
use http_kit::{HttpSettings, admin::AdminSettings, auth::AuthSettings};
use postgres_kit::DatabaseSettings;
use process::{ProcessSettings, StopSettings};
use secrecy::SecretString;
use serde::Deserialize;
use settings::{Problems, Validate};
use signing::Keyring;
use telemetry::TelemetrySettings;

use crate::flows::{Retention, Tending};

/// All of attribution's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The API's door.
    pub http: HttpSettings,
    /// The operator's port.
    pub admin: AdminSettings,
    /// Who may call the API.
    pub auth: AuthSettings,
    /// The broker.
    pub bus: BusSettings,
    /// The journeys.
    pub database: DatabaseSettings,
    /// How click ids are told from others.
    pub clicks: ClickSettings,
    /// How journeys are tended.
    pub judging: JudgingSettings,
    /// How events are watched.
    pub alarms: AlarmSettings,
    /// How long days that are over are kept.
    pub retention: RetentionSettings,
    /// Logs and traces.
    pub telemetry: TelemetrySettings,
    /// How the process ends.
    pub stop: StopSettings,
}

/// Section `clicks`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClickSettings {
    /// Server keys of the click ids' MAC; the tracker's.
    pub keys: SecretString,
}

/// Section `judging`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgingSettings {
    /// Pause between two looks for what has waited long enough.
    pub sweep_period_ms: u64,
    /// Journeys of one transaction of a sweep or a re-judgement.
    pub step_journeys: u16,
    /// How long input must have been read as it comes before anything is expired.
    pub quiet_seconds: u32,
    /// Days for which partitions are made ahead.
    pub partition_days: u8,
    /// Days for which a fact that was taken is remembered.
    pub inbox_days: u16,
    /// Pause between two tries of items whose journey could not be read.
    pub retry_parked_seconds: u32,
}

/// Section `alarms`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlarmSettings {
    /// Pause between two looks of all replicas together.
    pub period_ms: u64,
}

/// Section `retention`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionSettings {
    /// Days of raw postbacks.
    pub raw_days: u16,
    /// Days of decisions with their traces.
    pub decision_days: u16,
}

impl AlarmSettings {
    pub(crate) const fn period(self) -> Duration {
        Duration::from_millis(self.period_ms)
    }
}

impl JudgingSettings {
    pub(crate) fn tending(self, retention: RetentionSettings) -> Tending {
        Tending {
            period: Duration::from_millis(self.sweep_period_ms),
            step: self.step_journeys,
            quiet_seconds: i64::from(self.quiet_seconds),
            partition_days: self.partition_days,
            retention: Retention { raw_days: retention.raw_days, decision_days: retention.decision_days },
            parked: Duration::from_secs(u64::from(self.retry_parked_seconds)),
        }
    }

    pub(crate) fn inbox_age(self) -> Duration {
        Duration::from_hours(24).saturating_mul(u32::from(self.inbox_days))
    }
}

impl Validate for Settings {
    fn validate(&self, problems: &mut Problems) {
        problems.within("http", &self.http);
        problems.within("admin", &self.admin);
        problems.within("auth", &self.auth);
        problems.within("bus", &self.bus);
        problems.within("database", &self.database);
        problems.within("clicks", &self.clicks);
        problems.within("judging", &self.judging);
        problems.within("alarms", &self.alarms);
        problems.within("retention", &self.retention);
        problems.within("telemetry", &self.telemetry);
        problems.within("stop", &self.stop);
    }
}

impl Validate for ClickSettings {
    fn validate(&self, problems: &mut Problems) {
        if let Err(error) = Keyring::parse(&self.keys) {
            problems.add("keys", error.to_string());
        }
    }
}

impl Validate for JudgingSettings {
    fn validate(&self, problems: &mut Problems) {
        // Each says to payout that input is heard, and payout waits two minutes for it.
        problems.in_range("sweep_period_ms", &self.sweep_period_ms, &(10..=60_000));
        problems.in_range("step_journeys", &self.step_journeys, &(1..=10_000));
        problems.in_range("quiet_seconds", &self.quiet_seconds, &(0..=86_400));
        problems.in_range("partition_days", &self.partition_days, &(1..=60));
        problems.in_range("inbox_days", &self.inbox_days, &(1..=400));
        problems.in_range("retry_parked_seconds", &self.retry_parked_seconds, &(1..=86_400));
    }
}

impl Validate for AlarmSettings {
    fn validate(&self, problems: &mut Problems) {
        problems.in_range("period_ms", &self.period_ms, &(10..=3_600_000));
    }
}

impl Validate for RetentionSettings {
    fn validate(&self, problems: &mut Problems) {
        // The lower bound is the database's own: see `attribution_drop_partition`.
        problems.in_range("raw_days", &self.raw_days, &(8..=3_650));
        problems.in_range("decision_days", &self.decision_days, &(8..=3_650));
        if self.decision_days < self.raw_days {
            problems.add(
                "decision_days",
                "must be at least raw_days: a raw postback without its decision can not be found",
            );
        }
    }
}

impl ProcessSettings for Settings {
    fn telemetry(&self) -> &TelemetrySettings {
        &self.telemetry
    }

    fn stop(&self) -> StopSettings {
        self.stop
    }
}
