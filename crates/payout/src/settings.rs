//! What can be set; `settings.default.toml` says what each key means.

use std::time::Duration;

use bus::BusSettings;
use http_kit::{HttpSettings, admin::AdminSettings, auth::AuthSettings, client::ClientSettings};
use postgres_kit::DatabaseSettings;
use process::{ProcessSettings, StopSettings};
use secrecy::SecretString;
use serde::Deserialize;
use settings::{Problems, Validate};
use signing::Keyring;
use telemetry::TelemetrySettings;

use crate::flows::{deliver::Bounds, follow_limits, release_holds::Pace, retain::Ages};

/// Waiting for the locks of the claim and for a slot, and recording take no longer than this, beside the client's total.
const LEASE_RESERVE_MS: u64 = 5_000;

/// All of payout's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The API's door.
    pub http: HttpSettings,
    /// The operator's port.
    pub admin: AdminSettings,
    /// The database.
    pub database: DatabaseSettings,
    /// The broker.
    pub bus: BusSettings,
    /// Callers' tokens.
    pub auth: AuthSettings,
    /// Publishers' secrets.
    pub sealing: SealingSettings,
    /// Calls to publishers.
    pub client: ClientSettings,
    /// Telling publishers.
    pub delivery: DeliverySettings,
    /// Releasing what time releases.
    pub holds: HoldSettings,
    /// Following offers' limits.
    pub limits: LimitSettings,
    /// Proving the ledger.
    pub ledger: LedgerSettings,
    /// Removing what nothing asks for any more.
    pub retention: RetentionSettings,
    /// Logs and traces.
    pub telemetry: TelemetrySettings,
    /// How the process ends.
    pub stop: StopSettings,
}

impl Settings {
    pub(crate) fn bounds(&self) -> Bounds {
        self.delivery.bounds(Duration::from_millis(self.client.total_timeout_ms))
    }
}

/// Section `sealing`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealingSettings {
    /// Keys that publishers' secrets are sealed under.
    pub keys: SecretString,
}

/// Section `delivery`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliverySettings {
    /// Attempts under way in this process, but for slow ones.
    pub in_flight: usize,
    /// Of these, to one publisher that asks for nothing else.
    pub per_publisher: u16,
    /// Attempts a second, of all replicas together, to one publisher that asks for nothing else.
    pub per_publisher_per_second: u32,
    /// How long a claimed delivery is this process's own.
    pub lease_seconds: u32,
    /// How often to look for what is due again.
    pub poll_ms: u64,
}

/// Section `holds`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldSettings {
    /// How often to look for pending times that are over.
    pub poll_ms: u64,
    /// Conversions released in one transaction.
    pub batch: u16,
    /// How long verdicts must have been read as they come before time releases anything.
    pub quiet_seconds: u32,
}

/// Section `limits`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitSettings {
    /// How often to look for budgets whose day is over, and for conversions whose offer became known.
    pub poll_ms: u64,
    /// Offers, and conversions, of one transaction.
    pub batch: u16,
}

/// Section `ledger`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerSettings {
    /// How often the whole ledger is proved.
    pub proof_seconds: u32,
}

/// Section `retention`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionSettings {
    /// Days that limits' counters of a day, week or month are kept after its end.
    pub usage_days: u16,
    /// Days that plans of bulk statuses are kept after their last line was worked off.
    pub bulk_days: u16,
    /// How often to look for what is older.
    pub poll_ms: u64,
}

impl DeliverySettings {
    /// `attempt` is the longest that an attempt may take.
    pub(crate) fn bounds(self, attempt: Duration) -> Bounds {
        let lease = Duration::from_secs(u64::from(self.lease_seconds));
        Bounds {
            begin_within: lease.saturating_sub(attempt),
            in_flight: self.in_flight,
            per_publisher: i32::from(self.per_publisher),
            per_publisher_per_second: self.per_publisher_per_second,
            lease_seconds: self.lease_seconds,
            poll: Duration::from_millis(self.poll_ms),
        }
    }
}

impl HoldSettings {
    pub(crate) const fn pace(self) -> Pace {
        Pace { poll: Duration::from_millis(self.poll_ms), batch: self.batch }
    }
}

impl LimitSettings {
    pub(crate) const fn pace(self) -> follow_limits::Pace {
        follow_limits::Pace { poll: Duration::from_millis(self.poll_ms), batch: self.batch }
    }
}

impl LedgerSettings {
    pub(crate) fn period(self) -> Duration {
        Duration::from_secs(u64::from(self.proof_seconds))
    }
}

impl RetentionSettings {
    pub(crate) const fn ages(self) -> Ages {
        Ages {
            usage_days: self.usage_days,
            bulk_days: self.bulk_days,
            poll: Duration::from_millis(self.poll_ms),
        }
    }
}

impl Validate for Settings {
    fn validate(&self, problems: &mut Problems) {
        problems.within("http", &self.http);
        problems.within("admin", &self.admin);
        problems.within("database", &self.database);
        problems.within("bus", &self.bus);
        problems.within("auth", &self.auth);
        problems.within("sealing", &self.sealing);
        problems.within("client", &self.client);
        problems.within("delivery", &self.delivery);
        problems.within("holds", &self.holds);
        problems.within("limits", &self.limits);
        problems.within("ledger", &self.ledger);
        problems.within("retention", &self.retention);
        problems.within("telemetry", &self.telemetry);
        problems.within("stop", &self.stop);
        let attempt_ms = self.client.total_timeout_ms.saturating_add(LEASE_RESERVE_MS);
        if u64::from(self.delivery.lease_seconds).saturating_mul(1_000) < attempt_ms {
            problems.add(
                "delivery.lease_seconds",
                "must exceed client.total_timeout_ms by 5 s, or two processes send one delivery",
            );
        }
    }
}

impl Validate for SealingSettings {
    fn validate(&self, problems: &mut Problems) {
        if let Err(error) = Keyring::parse(&self.keys) {
            problems.add("keys", error.to_string());
        }
    }
}

impl Validate for DeliverySettings {
    fn validate(&self, problems: &mut Problems) {
        problems.in_range("in_flight", &self.in_flight, &(1..=4_096));
        problems.in_range("per_publisher", &self.per_publisher, &(1..=1_024));
        problems.in_range("per_publisher_per_second", &self.per_publisher_per_second, &(1..=100_000));
        problems.in_range("lease_seconds", &self.lease_seconds, &(1..=3_600));
        // Publishers' buckets hold a second's worth: who looks less often does not send at their rate.
        problems.in_range("poll_ms", &self.poll_ms, &(10..=1_000));
    }
}

impl Validate for LedgerSettings {
    fn validate(&self, problems: &mut Problems) {
        problems.in_range("proof_seconds", &self.proof_seconds, &(1..=604_800));
    }
}

impl Validate for HoldSettings {
    fn validate(&self, problems: &mut Problems) {
        problems.in_range("poll_ms", &self.poll_ms, &(10..=60_000));
        problems.in_range("batch", &self.batch, &(1..=5_000));
        // Longer than a restart would take would hold everything back at every one.
        problems.in_range("quiet_seconds", &self.quiet_seconds, &(0..=3_600));
    }
}

impl Validate for LimitSettings {
    fn validate(&self, problems: &mut Problems) {
        problems.in_range("poll_ms", &self.poll_ms, &(10..=60_000));
        problems.in_range("batch", &self.batch, &(1..=5_000));
    }
}

impl Validate for RetentionSettings {
    fn validate(&self, problems: &mut Problems) {
        // An amount that comes while it is Pending is counted on the day of its taking: up to 365 days later.
        problems.in_range("usage_days", &self.usage_days, &(366..=36_500));
        problems.in_range("bulk_days", &self.bulk_days, &(1..=36_500));
        problems.in_range("poll_ms", &self.poll_ms, &(10..=86_400_000));
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
