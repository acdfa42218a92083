//! What can be set; `settings.default.toml` says what each key means.

use std::path::PathBuf;

use bus::{BusSettings, SpoolSettings};
use http_kit::{HttpSettings, admin::AdminSettings};
use process::{ProcessSettings, StopSettings};
use secrecy::SecretString;
use serde::Deserialize;
use settings::{Problems, Validate};
use signing::Keyring;
use telemetry::TelemetrySettings;

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
