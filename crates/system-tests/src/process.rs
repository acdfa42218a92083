//! One service as a process of its own: what an operator starts, stops and what a machine kills.

use std::{
    collections::BTreeMap,
    fs::File,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use test_kit::{eventually, free_port, http_client};

/// How long a service may take to be ready: it connects to nodes that run.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long a service may take to stop: its own drain limit and a little.
const STOPPED_WITHIN: Duration = Duration::from_secs(40);

/// The services, in the order they are started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceName {
    /// Tenants, credentials, offers.
    OfferCatalog,
    /// Clicks.
    Tracker,
    /// AppsFlyer's door.
    Ingest,
    /// Decisions.
    Attribution,
    /// Money.
    Payout,
}

impl ServiceName {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::OfferCatalog, Self::Tracker, Self::Ingest, Self::Attribution, Self::Payout];

    /// The binary.
    pub const fn binary(self) -> &'static str {
        match self {
            Self::OfferCatalog => "offer-catalog",
            Self::Tracker => "tracker",
            Self::Ingest => "ingest",
            Self::Attribution => "attribution",
            Self::Payout => "payout",
        }
    }

    /// The prefix of its environment variables.
    pub fn prefix(self) -> String {
        self.binary().to_uppercase().replace('-', "_")
    }

    /// Whether it has a database.
    pub const fn has_database(self) -> bool {
        !matches!(self, Self::Ingest)
    }
}

/// The folder of the services' binaries: beside this test's own.
///
/// # Panics
/// When they were not built.
pub fn binary_of(service: ServiceName) -> PathBuf {
    let me = std::env::current_exe().expect("a test knows where it runs from");
    me.ancestors()
        .skip(1)
        .map(|folder| folder.join(service.binary()))
        .find(|path| path.is_file())
        .unwrap_or_else(|| {
            panic!(
                "{} is not built beside {}; run `cargo build --workspace --bins --features system-tests/failpoints`",
                service.binary(),
                me.display()
            )
        })
}

/// A service with everything needed to start it again as it was.
#[derive(Debug)]
pub struct ServiceProcess {
    name: ServiceName,
    environment: BTreeMap<String, String>,
    admin: SocketAddr,
    log: PathBuf,
    child: Option<Child>,
}

impl ServiceProcess {
    /// A service that is not started yet. Its log is appended to `<folder>/<service>.log`.
    pub fn new(
        name: ServiceName,
        environment: BTreeMap<String, String>,
        admin: SocketAddr,
        folder: &Path,
    ) -> Self {
        let log = folder.join(format!("{}.log", name.binary()));
        Self { name, environment, admin, log, child: None }
    }

    /// Another replica of the same service, with doors and a log of its own, that is not started yet.
    #[must_use]
    pub fn replica(&self) -> Self {
        let (http, admin) = (free_port(), free_port());
        let log = self.log.with_extension(format!("{}.log", http.port()));
        let mut replica =
            Self { name: self.name, environment: self.environment.clone(), admin, log, child: None };
        replica.set("HTTP__LISTEN", http.to_string());
        replica.set("ADMIN__LISTEN", admin.to_string());
        replica
    }

    /// The base URL of its door.
    ///
    /// # Panics
    /// When it has none.
    pub fn url(&self) -> String {
        format!("http://{}", self.setting("HTTP__LISTEN").expect("it listens"))
    }

    /// Runs `migrate` to its end.
    pub fn migrate(&self) {
        let (done, output) = self.run("migrate");
        assert!(done, "{} migrate failed: {output}", self.name.binary());
    }

    /// Runs a command that ends by itself: whether it succeeded, and all that it wrote.
    ///
    /// # Panics
    /// When the binary can not be run.
    pub fn run(&self, word: &str) -> (bool, String) {
        let output = self.command(word).output().expect("the service's binary runs");
        let text =
            [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)].concat();
        (output.status.success(), text)
    }

    /// What a setting is set to by its environment.
    pub fn setting(&self, key: &str) -> Option<&str> {
        self.environment.get(&format!("{}__{key}", self.name.prefix())).map(String::as_str)
    }

    /// Starts it; does not wait.
    pub fn spawn(&mut self, failpoints: &str) {
        assert!(self.child.is_none(), "{} runs already", self.name.binary());
        let log = File::options().create(true).append(true).open(&self.log).expect("the log can be written");
        let child = self
            .command("serve")
            .env("FAILPOINTS", failpoints)
            .stdout(log.try_clone().expect("the log can be shared"))
            .stderr(log)
            .spawn()
            .expect("the service's binary runs");
        self.child = Some(child);
    }

    /// Starts it and waits until it is ready.
    pub async fn start(&mut self) {
        self.start_with("").await;
    }

    /// Starts it with failpoints, such as `payout::committed=pause`, and waits until it is ready.
    pub async fn start_with(&mut self, failpoints: &str) {
        self.spawn(failpoints);
        self.ready().await;
    }

    /// Waits until it is ready.
    pub async fn ready(&mut self) {
        let url = format!("http://{}/readyz", self.admin);
        let client = http_client();
        let name = self.name.binary();
        eventually(&format!("{name} is ready"), READY_WITHIN, async || {
            if let Some(status) = self.ended() {
                panic!("{name} ended with {status} instead of becoming ready:\n{}", self.log_end());
            }
            match client.get(&url).send().await {
                Ok(answer) if answer.status().is_success() => Ok(()),
                Ok(answer) => Err(answer.text().await.unwrap_or_default()),
                Err(error) => Err(error.to_string()),
            }
        })
        .await;
    }

    /// Whether `/readyz` says so just now.
    pub async fn is_ready(&self) -> bool {
        self.readiness().await == Some(200)
    }

    /// The status of `/readyz`; `None` when nothing answers.
    pub async fn readiness(&self) -> Option<u16> {
        let url = format!("http://{}/readyz", self.admin);
        http_client().get(&url).send().await.ok().map(|answer| answer.status().as_u16())
    }

    /// Whether `/livez` answers.
    pub async fn is_alive(&self) -> bool {
        let url = format!("http://{}/livez", self.admin);
        http_client().get(&url).send().await.is_ok_and(|answer| answer.status().is_success())
    }

    /// SIGKILL: no time to say goodbye.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("a child can be killed");
        child.wait().expect("a child can be waited for");
    }

    /// SIGTERM; does not wait.
    pub fn terminate(&self) {
        let child = self.child.as_ref().expect("it runs");
        // The shell's own kill: a bare machine has no other.
        let status = Command::new("sh").args(["-c", &format!("kill -TERM {}", child.id())]).status();
        assert!(status.expect("a shell runs").success());
    }

    /// SIGTERM, and how it ended.
    pub async fn stop(&mut self) -> ExitStatus {
        self.terminate();
        let status =
            eventually(&format!("{} stops", self.name.binary()), STOPPED_WITHIN, async || self.ended()).await;
        self.child = None;
        status
    }

    /// After [`ServiceProcess::ended`] has said how: it may be started again.
    pub fn forget(&mut self) {
        self.child = None;
    }

    /// Everything it counts.
    pub async fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.admin);
        http_client().get(&url).send().await.expect("it answers").text().await.expect("a text")
    }

    /// Its process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Files and connections it holds open.
    ///
    /// # Panics
    /// When it does not run.
    pub fn open_files(&self) -> usize {
        let pid = self.pid().expect("it runs");
        std::fs::read_dir(format!("/proc/{pid}/fd")).expect("a process that runs").count()
    }

    /// Memory it holds, in KiB.
    ///
    /// # Panics
    /// When it does not run.
    pub fn memory_kib(&self) -> u64 {
        let pid = self.pid().expect("it runs");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process that runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        line.trim().trim_end_matches("kB").trim().parse().expect("a number")
    }

    /// How it ended, when it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.as_mut().and_then(|child| child.try_wait().expect("a child can be asked"))
    }

    /// Everything it has written so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// A setting that is to hold from the next start on.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.environment.insert(format!("{}__{key}", self.name.prefix()), value.into());
    }

    /// The last lines of its log.
    pub fn log_end(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    }

    fn command(&self, word: &str) -> Command {
        let mut command = Command::new(binary_of(self.name));
        command.arg(word).env_clear().envs(&self.environment).stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("RUST_BACKTRACE", "1");
        command
    }
}

impl Drop for ServiceProcess {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // A test that failed must not leave its services behind; whether the kill works no longer matters.
            child.kill().ok();
            child.wait().ok();
        }
        if std::thread::panicking() {
            eprintln!("---- the end of {} ----\n{}", self.log.display(), self.log_end());
        }
    }
}
