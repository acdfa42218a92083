//! The smallest service. The tests of this crate start it, send it signals and read what it says.

use std::{process::ExitCode, time::Duration};

use anyhow::bail;
use process::{ProcessSettings, Runtime, Service, StopSettings};
use secrecy::SecretString;
use serde::Deserialize;
use settings::{Problems, Validate};
use telemetry::TelemetrySettings;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Fault {
    None,
    ServeFails,
    CriticalDies,
    WorkPanics,
    WorkIsStuck,
}

#[derive(Debug, Deserialize)]
struct SmallSettings {
    fault: Fault,
    password: SecretString,
    telemetry: TelemetrySettings,
    stop: StopSettings,
}

impl Validate for SmallSettings {
    fn validate(&self, problems: &mut Problems) {
        problems.secret_not_empty("password", &self.password);
        problems.within("telemetry", &self.telemetry);
        problems.within("stop", &self.stop);
    }
}

impl ProcessSettings for SmallSettings {
    fn telemetry(&self) -> &TelemetrySettings {
        &self.telemetry
    }

    fn stop(&self) -> StopSettings {
        self.stop
    }
}

/// Its own command.
#[derive(Debug, clap::Subcommand)]
enum Own {
    /// Says it back
    Echo {
        /// What to say
        word: String,
    },
}

struct Small;

impl Service for Small {
    const NAME: &'static str = "small";
    const DEFAULTS: &'static str = r#"
        fault = "none"
        [telemetry]
        log_filter = "info"
        otlp_endpoint = ""
        [stop]
        readiness_lag_ms = 50
        drain_seconds = 5
    "#;
    const ENV_PREFIX: &'static str = "SMALL";

    type Settings = SmallSettings;
    type Command = Own;

    async fn serve(settings: SmallSettings, runtime: Runtime) -> anyhow::Result<()> {
        let started = runtime.readiness.condition("started");
        let Runtime { supervisor, readiness, .. } = runtime;
        let soft = supervisor.soft();
        supervisor.spawn("worker", {
            let soft = soft.clone();
            async move {
                soft.cancelled().await;
                tracing::info!(ready = readiness.is_ready(), "worker finishes its batch");
                tokio::time::sleep(Duration::from_millis(100)).await;
                tracing::info!("worker is done");
            }
        });
        supervisor.spawn_support("connection", async {
            let _closed = OnDrop;
            std::future::pending::<()>().await;
        });
        match settings.fault {
            Fault::None => {}
            Fault::ServeFails => bail!("no port for you"),
            Fault::CriticalDies => supervisor.spawn_critical("heart", async {}),
            Fault::WorkPanics => supervisor.spawn("fragile", async { panic_as_asked() }),
            Fault::WorkIsStuck => supervisor.spawn("stuck", std::future::pending()),
        }
        started.set(true);
        // A server that lives inside `serve`.
        soft.cancelled().await;
        tokio::time::sleep(Duration::from_millis(150)).await;
        tracing::info!("server is done");
        Ok(())
    }

    async fn migrate(_settings: SmallSettings) -> anyhow::Result<()> {
        bail!("there is no database")
    }

    #[expect(clippy::print_stdout, reason = "the answer of a command")]
    async fn command(command: Own, _settings: SmallSettings, _runtime: Runtime) -> anyhow::Result<()> {
        let Own::Echo { word } = command;
        tracing::info!("saying it");
        println!("{word}");
        Ok(())
    }

    fn openapi() -> Option<String> {
        Some("{}".to_owned())
    }
}

struct OnDrop;

impl Drop for OnDrop {
    fn drop(&mut self) {
        tracing::info!("connection is closed");
    }
}

#[expect(clippy::panic, reason = "a test wants to see it")]
fn panic_as_asked() {
    panic!("as asked");
}

fn main() -> ExitCode {
    process::main::<Small>()
}
