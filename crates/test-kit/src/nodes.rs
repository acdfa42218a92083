//! Where this checkout's PostgreSQL and RabbitMQ are, as `make nodes` wrote it down.

use std::{collections::BTreeMap, env, fs, path::PathBuf, process::Command};

/// The private nodes of this checkout.
#[derive(Debug, Clone)]
pub struct Nodes {
    path: PathBuf,
    values: BTreeMap<String, String>,
}

impl Nodes {
    /// Reads the file named by `GOKART_NODES`, or `.local/nodes.env` of the workspace.
    ///
    /// # Panics
    /// When there is none: the nodes were never started.
    pub fn from_env() -> Self {
        let path =
            env::var_os("GOKART_NODES").map_or_else(|| workspace().join(".local/nodes.env"), PathBuf::from);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| {
            panic!("no nodes to test with: {}: {error}; run `make nodes`", path.display())
        });
        let values = text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .filter_map(|line| line.split_once('='))
            .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
            .collect();
        Self { path, values }
    }

    /// A value that must be there.
    ///
    /// # Panics
    /// When it is not.
    pub fn value(&self, key: &str) -> &str {
        self.values
            .get(key)
            .unwrap_or_else(|| panic!("{} does not set {key}; run `make nodes`", self.path.display()))
    }

    /// The broker.
    pub fn amqp_url(&self) -> &str {
        self.value("GOKART_AMQP_URL")
    }

    /// A database, as the superuser.
    pub fn admin_url(&self, database: &str) -> String {
        self.url(self.value("GOKART_PG_SUPERUSER"), self.value("GOKART_PG_PASSWORD"), database)
    }

    pub(crate) fn url(&self, role: &str, password: &str, database: &str) -> String {
        let (host, port) = (self.value("GOKART_PG_HOST"), self.value("GOKART_PG_PORT"));
        format!("postgres://{role}:{password}@{host}:{port}/{database}")
    }

    /// What `rabbitmqctl` says of this checkout's broker.
    ///
    /// # Panics
    /// When it fails.
    pub fn rabbitmqctl(&self, arguments: &[&str]) -> String {
        self.run("GOKART_RABBITMQCTL", arguments)
    }

    /// Stops or starts a node: `stop-postgres`, `start-postgres`, `stop-rabbitmq`, `start-rabbitmq`. Every other test
    /// that runs meanwhile fails: such tests belong to a test group of their own.
    ///
    /// # Panics
    /// When it fails.
    pub fn control(&self, command: &str) -> String {
        self.run("GOKART_NODES_CTL", &[command])
    }

    fn run(&self, key: &str, arguments: &[&str]) -> String {
        let mut words = self.value(key).split_whitespace();
        let program = words.next().unwrap_or_else(|| panic!("{key} is empty"));
        let output = Command::new(program)
            .args(words)
            .args(arguments)
            .output()
            .unwrap_or_else(|error| panic!("can not run {program}: {error}"));
        assert!(
            output.status.success(),
            "{program} {arguments:?} failed:\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// The root of this checkout.
pub(crate) fn workspace() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
