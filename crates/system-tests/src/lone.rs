//! One service by itself: enough for what its door promises. Only for services without a database.

use std::collections::BTreeMap;

use test_kit::{Namespace, free_port};

use crate::process::{ServiceName, ServiceProcess};

/// ingest alone, under a known credential key.
#[derive(Debug)]
pub struct LoneIngest {
    /// The process, not started yet.
    pub process: ServiceProcess,
    /// Its part of the broker.
    pub namespace: Namespace,
    /// Where it listens.
    pub url: String,
    folder: tempfile::TempDir,
}

/// The key of [`LoneIngest`]'s credentials, as a setting.
pub const CREDENTIAL_KEYS: &str = "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

impl LoneIngest {
    /// With other settings, by `SECTION__KEY`.
    pub fn with(settings: &[(&str, &str)]) -> Self {
        let (http, admin) = (free_port(), free_port());
        let folder = tempfile::tempdir().expect("a folder for the test");
        let namespace = test_kit::namespace();
        let generations = folder.path().join("generations").display().to_string();
        let mut environment: BTreeMap<String, String> = [
            ("HTTP__LISTEN", http.to_string()),
            ("HTTP__WORKERS", "1".to_owned()),
            ("ADMIN__LISTEN", admin.to_string()),
            ("BUS__URL", namespace.amqp_url().to_owned()),
            ("BUS__NAMESPACE", namespace.name().to_owned()),
            ("DOOR__BASE_DOMAIN", "gokart.test".to_owned()),
            ("CREDENTIALS__KEYS", CREDENTIAL_KEYS.to_owned()),
            ("CREDENTIALS__GENERATIONS_FILE", generations),
            ("SPOOL__FOLDER", folder.path().join("spool").display().to_string()),
            ("STOP__READINESS_LAG_MS", "200".to_owned()),
        ]
        .into_iter()
        .map(|(key, value)| (format!("INGEST__{key}"), value))
        .collect();
        environment
            .extend(settings.iter().map(|(key, value)| (format!("INGEST__{key}"), (*value).to_owned())));
        let process = ServiceProcess::new(ServiceName::Ingest, environment, admin, folder.path());
        Self { process, namespace, url: format!("http://{http}"), folder }
    }

    /// A folder that goes with it.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}
