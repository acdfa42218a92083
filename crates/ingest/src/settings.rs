//! What can be set; `settings.default.toml` says what each key means.

use std::path::PathBuf;

use bus::{BusSettings, SpoolSettings};
use http_kit::{HttpSettings, admin::AdminSettings};
use ipnet::IpNet;
use process::{ProcessSettings, StopSettings};
use secrecy::SecretString;
use serde::Deserialize;
use settings::{Problems, Validate};
use signing::Keyring;
use telemetry::TelemetrySettings;

use crate::domain::BurstRule;

/// All of ingest's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// AppsFlyer's door.
    pub http: HttpSettings,
    /// The operator's port.
    pub admin: AdminSettings,
    /// The broker.
    pub bus: BusSettings,
    /// Where postbacks wait while the broker does not take them.
    pub spool: SpoolSettings,
    /// How calls are read and answered.
    pub door: DoorSettings,
    /// How they are authenticated.
    pub credentials: CredentialSettings,
    /// When refused calls are an alarm.
    pub refusals: RefusalSettings,
    /// Logs and traces.
    pub telemetry: TelemetrySettings,
    /// How the process ends.
    pub stop: StopSettings,
}

/// Section `door`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DoorSettings {
    /// The installation's own domain.
    pub base_domain: String,
    /// `Retry-After` of a 503, in seconds.
    pub retry_after_seconds: u32,
    /// Header of a trusted proxy that names the caller, or empty.
    pub caller_ip_header: String,
    /// Where AppsFlyer calls from, or empty.
    pub appsflyer_ranges: Vec<IpNet>,
}

/// Section `refusals`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusalSettings {
    /// So many refused calls within the window are a burst.
    pub burst_calls: u64,
    /// The window, in seconds.
    pub burst_window_seconds: u32,
}

impl RefusalSettings {
    pub(crate) const fn rule(self) -> BurstRule {
        BurstRule { calls: self.burst_calls, window_seconds: self.burst_window_seconds }
    }
}

/// Section `credentials`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialSettings {
    /// Server keys of the postback signatures.
    pub keys: SecretString,
    /// Where the generations are kept for the next start.
    pub generations_file: PathBuf,
}

impl Validate for Settings {
    fn validate(&self, problems: &mut Problems) {
        problems.within("http", &self.http);
        problems.within("admin", &self.admin);
        problems.within("bus", &self.bus);
        problems.within("spool", &self.spool);
        problems.within("door", &self.door);
        problems.within("credentials", &self.credentials);
        problems.within("refusals", &self.refusals);
        problems.within("telemetry", &self.telemetry);
        problems.within("stop", &self.stop);
    }
}

impl Validate for DoorSettings {
    fn validate(&self, problems: &mut Problems) {
        problems.not_empty("base_domain", &self.base_domain);
        problems.in_range("retry_after_seconds", &self.retry_after_seconds, &(1..=3_600));
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        if !self.caller_ip_header.chars().all(is_name) {
            problems
                .add("caller_ip_header", "must be the name of a header, such as x-forwarded-for, or empty");
        }
    }
}

impl Validate for RefusalSettings {
    fn validate(&self, problems: &mut Problems) {
        problems.in_range("burst_calls", &self.burst_calls, &(1..=1_000_000));
        problems.in_range("burst_window_seconds", &self.burst_window_seconds, &(1..=3_600));
    }
}

impl Validate for CredentialSettings {
    fn validate(&self, problems: &mut Problems) {
        if let Err(error) = Keyring::parse(&self.keys) {
            problems.add("keys", error.to_string());
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
