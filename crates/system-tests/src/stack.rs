//! The five services on fresh databases, together in a namespace of the broker. What `make run` starts, for one test.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use test_kit::{Namespace, TestDatabase, free_port};

use crate::process::{ServiceName, ServiceProcess};

/// Where the services listen, and the operator's token.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// offer-catalog's API.
    pub offer_catalog: String,
    /// tracker's public door.
    pub tracker: String,
    /// ingest's public door.
    pub ingest: String,
    /// attribution's API.
    pub attribution: String,
    /// payout's API.
    pub payout: String,
    /// Token of the installation's operator.
    pub operator_token: String,
}

impl Endpoints {
    /// Reads the file that the local stack writes at every start.
    ///
    /// # Errors
    /// When there is none, or a value is missing: the stack does not run.
    pub fn from_stack_env(path: &std::path::Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            anyhow::anyhow!("{}: {error}; is the stack running? `make run`", path.display())
        })?;
        let values: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
        let value = |key: &str| {
            values
                .get(key)
                .map(|value| (*value).to_owned())
                .ok_or_else(|| anyhow::anyhow!("{} does not set {key}; `make run` writes it", path.display()))
        };
        Ok(Self {
            offer_catalog: value("GOKART_OFFER_CATALOG_URL")?,
            tracker: value("GOKART_TRACKER_URL")?,
            ingest: value("GOKART_INGEST_URL")?,
            attribution: value("GOKART_ATTRIBUTION_URL")?,
            payout: value("GOKART_PAYOUT_URL")?,
            operator_token: value("GOKART_OPERATOR_TOKEN")?,
        })
    }
}

/// What a test wants different.
#[derive(Debug, Clone, Default)]
pub struct StackOptions {
    /// Settings by `SERVICE__SECTION__KEY`.
    pub settings: BTreeMap<String, String>,
}

impl StackOptions {
    /// Nothing different.
    pub fn new() -> Self {
        Self::default()
    }

    /// One setting of one service.
    #[must_use]
    pub fn set(mut self, service: ServiceName, key: &str, value: impl Into<String>) -> Self {
        self.settings.insert(format!("{}__{key}", service.prefix()), value.into());
        self
    }

    /// Time releases holds already when payout has read for so many seconds, not a minute, and attribution says as soon that it has
    /// read.
    #[must_use]
    pub fn quiet_seconds(self, seconds: u32) -> Self {
        self.set(ServiceName::Payout, "HOLDS__QUIET_SECONDS", seconds.to_string())
            .set(ServiceName::Attribution, "JUDGING__QUIET_SECONDS", "1")
            .set(ServiceName::Attribution, "JUDGING__SWEEP_PERIOD_MS", "500")
    }

    /// One setting of every service.
    #[must_use]
    pub fn set_all(mut self, key: &str, value: &str) -> Self {
        for service in ServiceName::ALL {
            self = self.set(service, key, value);
        }
        self
    }
}

/// The services of one test. Fields drop in order: processes first, then what they used.
#[derive(Debug)]
pub struct Stack {
    services: BTreeMap<ServiceName, ServiceProcess>,
    databases: BTreeMap<ServiceName, TestDatabase>,
    namespace: Namespace,
    endpoints: Endpoints,
    folder: tempfile::TempDir,
}

impl Stack {
    /// Starts everything and waits until all are ready.
    pub async fn start() -> Self {
        Self::start_with(StackOptions::new()).await
    }

    /// Starts everything with other settings and waits until all are ready.
    pub async fn start_with(options: StackOptions) -> Self {
        let mut stack = Self::prepare(options).await;
        for service in ServiceName::ALL {
            stack.service(service).spawn("");
        }
        for service in ServiceName::ALL {
            stack.service(service).ready().await;
        }
        stack
    }

    /// Databases, ports and settings, but no process yet.
    pub async fn prepare(options: StackOptions) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let namespace = test_kit::namespace();
        let ports: BTreeMap<ServiceName, (SocketAddr, SocketAddr)> =
            ServiceName::ALL.into_iter().map(|service| (service, (free_port(), free_port()))).collect();
        let url = |service: ServiceName| format!("http://{}", ports[&service].0);
        let operator_token = random_key();
        let endpoints = Endpoints {
            offer_catalog: url(ServiceName::OfferCatalog),
            tracker: url(ServiceName::Tracker),
            ingest: url(ServiceName::Ingest),
            attribution: url(ServiceName::Attribution),
            payout: url(ServiceName::Payout),
            operator_token: operator_token.clone(),
        };
        let shared = Shared::new(&endpoints);

        let mut services = BTreeMap::new();
        let mut databases = BTreeMap::new();
        for service in ServiceName::ALL {
            let (http, admin) = ports[&service];
            let mut environment = shared.environment(service, &namespace, http, admin, folder.path());
            if service.has_database() {
                let database = migrated(service, &environment).await;
                environment.insert(format!("{}__DATABASE__URL", service.prefix()), database.app_url());
                databases.insert(service, database);
            }
            let prefix = format!("{}__", service.prefix());
            environment.extend(
                options
                    .settings
                    .iter()
                    .filter(|(key, _)| key.starts_with(&prefix))
                    .map(|(k, v)| (k.clone(), v.clone())),
            );
            services.insert(service, ServiceProcess::new(service, environment, admin, folder.path()));
        }
        Self { services, databases, namespace, endpoints, folder }
    }

    /// One of the services.
    pub fn service(&mut self, name: ServiceName) -> &mut ServiceProcess {
        self.services.get_mut(&name).expect("all services are there")
    }

    /// Where they listen.
    pub const fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Their part of the broker.
    pub const fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The database of a service.
    pub fn database(&self, name: ServiceName) -> &TestDatabase {
        &self.databases[&name]
    }

    /// Everything all services have written so far.
    pub fn logs(&self) -> String {
        self.services.values().map(ServiceProcess::log).collect()
    }

    /// Everything all services count.
    pub async fn metrics(&self) -> String {
        let mut text = String::new();
        for service in self.services.values() {
            text.push_str(&service.metrics().await);
        }
        text
    }

    /// Bytes that wait in a service's spool.
    pub fn spooled(&self, name: ServiceName) -> u64 {
        let folder = self.services[&name].setting("SPOOL__FOLDER").expect("it has a spool");
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let spooled = files.filter(|file| file.path().extension().is_some_and(|kind| kind == "spool"));
        // A file that is drained meanwhile holds nothing.
        spooled.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
    }

    /// A folder that goes with the stack.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}

/// A database made by the service's own `migrate` command.
async fn migrated(service: ServiceName, environment: &BTreeMap<String, String>) -> TestDatabase {
    let environment = environment.clone();
    test_kit::database(service.binary(), |settings| async move {
        let mut environment = environment;
        let expose = |secret: &secrecy::SecretString| secrecy::ExposeSecret::expose_secret(secret).to_owned();
        environment.insert(format!("{}__DATABASE__URL", service.prefix()), expose(&settings.url));
        if let Some(url) = &settings.migrate_url {
            environment.insert(format!("{}__DATABASE__MIGRATE_URL", service.prefix()), expose(url));
        }
        // It listens nowhere while it migrates.
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        ServiceProcess::new(service, environment, nowhere, std::path::Path::new("")).migrate();
        Ok::<_, std::convert::Infallible>(())
    })
    .await
}

/// Keys that several services must agree on.
struct Shared {
    operator_token: String,
    token_pepper: String,
    credential_keys: String,
    click_keys: String,
    sealing_keys: String,
    ingest_url: String,
    tracker_url: String,
}

impl Shared {
    fn new(endpoints: &Endpoints) -> Self {
        Self {
            operator_token: endpoints.operator_token.clone(),
            token_pepper: random_key(),
            credential_keys: format!("1:{}", random_key()),
            click_keys: format!("1:{}", random_key()),
            sealing_keys: format!("1:{}", random_key()),
            ingest_url: endpoints.ingest.clone(),
            tracker_url: endpoints.tracker.clone(),
        }
    }

    fn environment(
        &self,
        service: ServiceName,
        namespace: &Namespace,
        http: SocketAddr,
        admin: SocketAddr,
        folder: &std::path::Path,
    ) -> BTreeMap<String, String> {
        let mut values = vec![
            ("HTTP__LISTEN", http.to_string()),
            ("HTTP__WORKERS", "1".to_owned()),
            ("ADMIN__LISTEN", admin.to_string()),
            ("BUS__URL", namespace.amqp_url().to_owned()),
            ("BUS__NAMESPACE", namespace.name().to_owned()),
            ("STOP__READINESS_LAG_MS", "200".to_owned()),
        ];
        match service {
            ServiceName::OfferCatalog => values.extend([
                ("AUTH__TOKEN_PEPPER", self.token_pepper.clone()),
                ("OPERATOR__TOKEN", self.operator_token.clone()),
                ("CREDENTIALS__KEYS", self.credential_keys.clone()),
                ("SEALING__KEYS", self.sealing_keys.clone()),
                ("POSTBACKS__ALLOWED_NETWORKS", "127.0.0.0/8".to_owned()),
                ("PUBLIC__POSTBACK_BASE_URL", self.ingest_url.clone()),
                ("PUBLIC__TRACKING_BASE_URL", self.tracker_url.clone()),
                ("PUBLIC__CREATIVES_BASE_URL", format!("http://{http}")),
                ("CREATIVES__FOLDER", folder.join("creatives").display().to_string()),
            ]),
            ServiceName::Tracker => values.extend([
                ("CLICKS__KEYS", self.click_keys.clone()),
                ("SPOOL__FOLDER", folder.join("tracker-spool").display().to_string()),
                ("OFFERS__FILE", folder.join("tracker-offers").display().to_string()),
            ]),
            ServiceName::Ingest => values.extend([
                ("CREDENTIALS__KEYS", self.credential_keys.clone()),
                ("CREDENTIALS__GENERATIONS_FILE", folder.join("generations").display().to_string()),
                ("SPOOL__FOLDER", folder.join("ingest-spool").display().to_string()),
            ]),
            ServiceName::Attribution => values.extend([
                ("AUTH__TOKEN_PEPPER", self.token_pepper.clone()),
                ("CLICKS__KEYS", self.click_keys.clone()),
            ]),
            ServiceName::Payout => values.extend([
                ("AUTH__TOKEN_PEPPER", self.token_pepper.clone()),
                ("SEALING__KEYS", self.sealing_keys.clone()),
                ("CLIENT__ALLOWED_NETWORKS", "127.0.0.0/8".to_owned()),
            ]),
        }
        values.into_iter().map(|(key, value)| (format!("{}__{key}", service.prefix()), value)).collect()
    }
}

/// 32 random bytes, base64url.
fn random_key() -> String {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    URL_SAFE_NO_PAD.encode(bytes)
}
