//! What can be set; `settings.default.toml` says what each key means.

use http_kit::{HttpSettings, admin::AdminSettings};
use process::{ProcessSettings, StopSettings};
use serde::Deserialize;
use settings::{Problems, Validate};
use telemetry::TelemetrySettings;

/// All of console's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The account managers' door.
    pub http: HttpSettings,
    /// The operator's port.
    pub admin: AdminSettings,
    /// Where the other services are.
    pub services: ServicesSettings,
    /// How long a sign-in holds.
    pub session: SessionSettings,
    /// Logs and traces.
    pub telemetry: TelemetrySettings,
    /// How the process ends.
    pub stop: StopSettings,
}

/// Section `services`: base URLs inside the installation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServicesSettings {
    /// Of offer-catalog.
    pub offer_catalog_url: String,
    /// Of attribution.
    pub attribution_url: String,
    /// Of payout.
    pub payout_url: String,
}

/// Section `session`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionSettings {
    /// How long a sign-in holds.
    pub minutes: u32,
    /// Whether the cookie goes over HTTPS only.
    pub secure_cookie: bool,
}

impl Validate for Settings {
    fn validate(&self, problems: &mut Problems) {
        problems.within("http", &self.http);
        problems.within("admin", &self.admin);
        problems.within("services", &self.services);
        problems.within("session", &self.session);
        problems.within("telemetry", &self.telemetry);
        problems.within("stop", &self.stop);
    }
}

impl Validate for ServicesSettings {
    fn validate(&self, problems: &mut Problems) {
        for (key, url) in [
            ("offer_catalog_url", &self.offer_catalog_url),
            ("attribution_url", &self.attribution_url),
            ("payout_url", &self.payout_url),
        ] {
            problems.url(key, url, &["http", "https"]);
            // Paths are appended to it as text.
            if url.contains(['?', '#', '@']) {
                problems.add(key, "must have no user, query or fragment");
            }
        }
    }
}

impl Validate for SessionSettings {
    fn validate(&self, problems: &mut Problems) {
        problems.in_range("minutes", &self.minutes, &(1..=1_440));
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
