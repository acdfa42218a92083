//! What can be set; `settings.default.toml` says what each key means.

use std::path::PathBuf;

use bus::BusSettings;
use http_kit::{HttpSettings, admin::AdminSettings, auth::AuthSettings, client::AddressPolicy};
use postgres_kit::DatabaseSettings;
use process::{ProcessSettings, StopSettings};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use settings::{Problems, Validate};
use signing::Keyring;
use telemetry::TelemetrySettings;

use crate::domain::{creative::limits::UPLOAD_BYTES_MAX, public_url::PublicBase};

/// The shortest operator token: 128 bits in hexadecimal digits.
const OPERATOR_TOKEN_BYTES_MIN: usize = 32;

/// All of the catalog's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The API's door.
    pub http: HttpSettings,
    /// The operator's port.
    pub admin: AdminSettings,
    /// The catalog's own database.
    pub database: DatabaseSettings,
    /// The broker.
    pub bus: BusSettings,
    /// API tokens.
    pub auth: AuthSettings,
    /// The operator.
    pub operator: OperatorSettings,
    /// Postback credentials.
    pub credentials: CredentialSettings,
    /// Publishers' secrets.
    pub sealing: SealingSettings,
    /// Where publishers may be told.
    pub postbacks: AddressPolicy,
    /// What is noted of API tokens.
    pub tokens: TokenSettings,
    /// Scheduled changes.
    pub schedule: ScheduleSettings,
    /// The partner feed.
    pub feed: FeedSettings,
    /// Imports of offers.
    pub import: ImportSettings,
    /// Addresses that go out into the world.
    pub public: PublicSettings,
    /// Uploaded pictures.
    pub creatives: CreativeSettings,
    /// Logs and traces.
    pub telemetry: TelemetrySettings,
    /// How the process ends.
    pub stop: StopSettings,
}

/// Section `operator`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorSettings {
    /// Makes tenants.
    pub token: SecretString,
}

/// Section `credentials`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialSettings {
    /// Server keys of the postback signatures.
    pub keys: SecretString,
    /// How often the generations are broadcast without a change.
    pub broadcast_seconds: u64,
}

/// Section `sealing`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealingSettings {
    /// Keys that seal publishers' secrets.
    pub keys: SecretString,
}

/// Section `tokens`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSettings {
    /// How often it is written down which tokens were used.
    pub save_uses_ms: u64,
}

/// Section `schedule`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSettings {
    /// How often it is looked for what is due.
    pub poll_ms: u64,
}

/// Section `feed`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedSettings {
    /// How often a token may call in the long run.
    pub calls_per_minute: u32,
    /// How often at once.
    pub burst: u32,
}

/// Section `import`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportSettings {
    /// How often it is looked for imports that another replica took in or left undone.
    pub poll_ms: u64,
}

/// Section `public`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicSettings {
    /// Where AppsFlyer reaches ingest.
    pub postback_base_url: String,
    /// Where users reach the tracker.
    pub tracking_base_url: String,
    /// Where everybody reaches the files of creatives.
    pub creatives_base_url: String,
}

/// Section `creatives`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreativeSettings {
    /// Where their files lie.
    pub store: CreativeStore,
    /// The folder, when they lie in one.
    pub folder: PathBuf,
    /// Pictures decoded at once.
    pub decoders: usize,
    /// The bucket, when they lie in one.
    pub s3: BucketSettings,
}

/// Where files lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CreativeStore {
    /// In a folder of this machine.
    Folder,
    /// In a bucket that speaks S3.
    S3,
}

/// Section `creatives.s3`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BucketSettings {
    /// Its name.
    pub bucket: String,
    /// Where it is.
    pub region: String,
    /// Empty: Amazon's own.
    pub endpoint: String,
    /// Who may use it.
    pub access_key_id: String,
    /// And proves it.
    pub secret_access_key: SecretString,
}

impl Validate for Settings {
    fn validate(&self, problems: &mut Problems) {
        problems.within("http", &self.http);
        problems.within("admin", &self.admin);
        problems.within("database", &self.database);
        problems.within("bus", &self.bus);
        problems.within("auth", &self.auth);
        problems.within("operator", &self.operator);
        problems.within("credentials", &self.credentials);
        problems.within("sealing", &self.sealing);
        problems.within("tokens", &self.tokens);
        problems.within("schedule", &self.schedule);
        problems.within("feed", &self.feed);
        problems.within("import", &self.import);
        problems.within("public", &self.public);
        problems.within("creatives", &self.creatives);
        if self.http.body_limit_bytes < UPLOAD_BYTES_MAX {
            let what =
                format!("must be at least {UPLOAD_BYTES_MAX}, the largest picture that may be uploaded");
            problems.add("http.body_limit_bytes", what);
        }
        problems.within("telemetry", &self.telemetry);
        problems.within("stop", &self.stop);
    }
}

impl Validate for OperatorSettings {
    fn validate(&self, problems: &mut Problems) {
        if self.token.expose_secret().trim().len() < OPERATOR_TOKEN_BYTES_MIN {
            problems.add("token", format!("must be at least {OPERATOR_TOKEN_BYTES_MIN} random characters"));
        }
    }
}

impl Validate for CredentialSettings {
    fn validate(&self, problems: &mut Problems) {
        check_keys(problems, &self.keys);
        problems.in_range("broadcast_seconds", &self.broadcast_seconds, &(1..=300));
    }
}

impl Validate for SealingSettings {
    fn validate(&self, problems: &mut Problems) {
        check_keys(problems, &self.keys);
    }
}

impl Validate for TokenSettings {
    fn validate(&self, problems: &mut Problems) {
        problems.in_range("save_uses_ms", &self.save_uses_ms, &(50..=3_600_000));
    }
}

impl Validate for ScheduleSettings {
    fn validate(&self, problems: &mut Problems) {
        problems.in_range("poll_ms", &self.poll_ms, &(50..=60_000));
    }
}

impl Validate for FeedSettings {
    fn validate(&self, problems: &mut Problems) {
        problems.in_range("calls_per_minute", &self.calls_per_minute, &(1..=1_000_000));
        problems.in_range("burst", &self.burst, &(1..=1_000_000));
    }
}

impl Validate for ImportSettings {
    fn validate(&self, problems: &mut Problems) {
        problems.in_range("poll_ms", &self.poll_ms, &(50..=60_000));
    }
}

impl Validate for PublicSettings {
    fn validate(&self, problems: &mut Problems) {
        for (key, url) in
            [("postback_base_url", &self.postback_base_url), ("tracking_base_url", &self.tracking_base_url)]
        {
            if let Err(sentence) = PublicBase::parse(url) {
                problems.add(key, sentence);
            }
        }
        if let Err(sentence) = PublicBase::parse_for_all(&self.creatives_base_url) {
            problems.add("creatives_base_url", sentence);
        }
    }
}

impl Validate for CreativeSettings {
    fn validate(&self, problems: &mut Problems) {
        // Each takes some 200 MB for the largest picture.
        problems.in_range("decoders", &self.decoders, &(1..=32));
        match self.store {
            CreativeStore::Folder if self.folder.as_os_str().is_empty() => {
                problems.add("folder", "must not be empty while creatives.store is folder");
            }
            CreativeStore::Folder => {}
            CreativeStore::S3 => problems.within("s3", &self.s3),
        }
    }
}

impl Validate for BucketSettings {
    fn validate(&self, problems: &mut Problems) {
        problems.not_empty("bucket", &self.bucket);
        problems.not_empty("region", &self.region);
        problems.not_empty("access_key_id", &self.access_key_id);
        problems.secret_not_empty("secret_access_key", &self.secret_access_key);
        if !self.endpoint.is_empty() {
            problems.url("endpoint", &self.endpoint, &["https", "http"]);
        }
    }
}

fn check_keys(problems: &mut Problems, keys: &SecretString) {
    if let Err(error) = Keyring::parse(keys) {
        problems.add("keys", error.to_string());
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
