//! What can be set; `settings.default.toml` says what each key means.

use std::path::PathBuf;

use actix_web::http::header::{HeaderName, InvalidHeaderName};
use bus::{BusSettings, SpoolSettings};
use http_kit::{HttpSettings, admin::AdminSettings};
use postgres_kit::DatabaseSettings;
use process::{ProcessSettings, StopSettings};
use secrecy::SecretString;
use serde::Deserialize;
use settings::{Problems, Validate};
use signing::Keyring;
use telemetry::TelemetrySettings;

/// All of tracker's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The users' door.
    pub http: HttpSettings,
    /// The operator's port.
    pub admin: AdminSettings,
    /// The broker.
    pub bus: BusSettings,
    /// Where clicks wait while the broker does not take them.
    pub spool: SpoolSettings,
    /// The read model.
    pub database: DatabaseSettings,
    /// How clicks are read and answered.
    pub door: DoorSettings,
    /// How click ids are made.
    pub clicks: ClickSettings,
    /// Where the offers are kept for a start without the database.
    pub offers: OfferSettings,
    /// How it is found out where a user is.
    pub country: CountrySettings,
    /// Logs and traces.
    pub telemetry: TelemetrySettings,
    /// How the process ends.
    pub stop: StopSettings,
}

/// Section `door`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DoorSettings {
    /// `Retry-After` of a 503, in seconds.
    pub retry_after_seconds: u32,
    /// Header of a trusted proxy that names the user's address, or empty.
    pub caller_ip_header: String,
}

/// Section `clicks`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClickSettings {
    /// Server keys of the click ids' MAC.
    pub keys: SecretString,
}

/// Section `offers`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferSettings {
    /// The file, or empty.
    pub file: PathBuf,
    /// Pause between a change and its saving, in milliseconds.
    pub save_after_ms: u64,
}

/// Section `country`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountrySettings {
    /// Header of a trusted proxy that names the user's country, or empty.
    pub header: String,
    /// A file in `MaxMind`'s format, or empty.
    pub file: PathBuf,
    /// Pause between two looks whether the file was replaced, in milliseconds.
    pub look_again_ms: u64,
}

impl CountrySettings {
    /// The header's name; `None` when there is none.
    pub(crate) fn header_name(&self) -> Result<Option<HeaderName>, InvalidHeaderName> {
        (!self.header.is_empty()).then(|| self.header.parse()).transpose()
    }
}

impl Validate for Settings {
    fn validate(&self, problems: &mut Problems) {
        problems.within("http", &self.http);
        problems.within("admin", &self.admin);
        problems.within("bus", &self.bus);
        problems.within("spool", &self.spool);
        problems.within("database", &self.database);
        problems.within("door", &self.door);
        problems.within("clicks", &self.clicks);
        problems.within("offers", &self.offers);
        problems.within("country", &self.country);
        problems.within("telemetry", &self.telemetry);
        problems.within("stop", &self.stop);
    }
}

impl Validate for DoorSettings {
    fn validate(&self, problems: &mut Problems) {
        problems.in_range("retry_after_seconds", &self.retry_after_seconds, &(1..=3_600));
    }
}

impl Validate for ClickSettings {
    fn validate(&self, problems: &mut Problems) {
        if let Err(error) = Keyring::parse(&self.keys) {
            problems.add("keys", error.to_string());
        }
    }
}

impl Validate for OfferSettings {
    fn validate(&self, problems: &mut Problems) {
        problems.in_range("save_after_ms", &self.save_after_ms, &(0..=3_600_000));
    }
}

impl Validate for CountrySettings {
    fn validate(&self, problems: &mut Problems) {
        if self.header_name().is_err() {
            problems.add("header", "must be the name of a header, such as cf-ipcountry");
        }
        problems.in_range("look_again_ms", &self.look_again_ms, &(1..=3_600_000));
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
