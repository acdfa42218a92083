//! What a service tells about itself to become a process.

use std::{fmt::Debug, future::Future};

use clap::Subcommand;
use serde::de::DeserializeOwned;
use settings::Validate;
use telemetry::TelemetrySettings;

use crate::{runtime::Runtime, settings::StopSettings};

/// The parts of a service's settings that the process itself needs.
pub trait ProcessSettings {
    /// Section `telemetry`.
    fn telemetry(&self) -> &TelemetrySettings;

    /// Section `stop`.
    fn stop(&self) -> StopSettings;
}

/// A service. `fn main() -> ExitCode { process::main::<Ingest>() }` is its whole `main.rs`.
pub trait Service: 'static {
    /// Name in logs, traces and the command line, such as `offer-catalog`.
    const NAME: &'static str;
    /// The compiled-in `settings.default.toml`.
    const DEFAULTS: &'static str;
    /// First part of its environment variables, such as `OFFER_CATALOG`.
    const ENV_PREFIX: &'static str;

    /// All its settings. `Debug` is printed by `check-settings`: secrets are `SecretString`.
    type Settings: DeserializeOwned + Validate + ProcessSettings + Debug;
    /// Commands beyond those every service has; [`NoCommand`] when there are none.
    type Command: Subcommand + Debug;

    /// Starts the service on `runtime.supervisor` and returns when all is started; or runs until
    /// `runtime.supervisor.soft()` is cancelled. Either way the process goes on until a signal, and drains what runs.
    ///
    /// # Errors
    /// Whatever makes it impossible to run. A dependency that is down is no such thing: wait for it, not ready.
    fn serve(settings: Self::Settings, runtime: Runtime) -> impl Future<Output = anyhow::Result<()>>;

    /// Brings the service's database to the state this release needs.
    ///
    /// # Errors
    /// Whatever stopped it.
    fn migrate(settings: Self::Settings) -> impl Future<Output = anyhow::Result<()>>;

    /// Runs one of its own commands. Its answer goes to stdout, logs go to stderr.
    ///
    /// # Errors
    /// Whatever stopped it.
    fn command(
        command: Self::Command,
        _settings: Self::Settings,
        _runtime: Runtime,
    ) -> impl Future<Output = anyhow::Result<()>> {
        async move { Err(anyhow::anyhow!("{} does not know the command {command:?}", Self::NAME)) }
    }

    /// The OpenAPI document of its HTTP API as JSON, when it has one.
    #[must_use]
    fn openapi() -> Option<String> {
        None
    }
}

/// For a service without commands of its own.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum NoCommand {}
