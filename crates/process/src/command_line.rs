//! The command line that every service has.
//!
//! Exit codes: 0 done, 2 wrong settings or command line, 1 everything else.

use std::{ffi::OsString, fmt::Debug, io::Write, path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use settings::{Loaded, SettingsError, Source};
use telemetry::LogTo;

use crate::{
    lifecycle::run_until_stopped,
    runtime::Runtime,
    service::{ProcessSettings, Service},
};

const WRONG_SETTINGS: u8 = 2;

#[derive(Debug, Parser)]
#[command(version, disable_help_subcommand = true)]
struct CommandLine<Own: Subcommand> {
    /// TOML file with settings; covers the compiled-in defaults, is covered by the environment
    #[arg(long, global = true, value_name = "FILE")]
    settings: Option<PathBuf>,
    #[command(subcommand)]
    command: Command<Own>,
}

#[derive(Debug, Subcommand)]
enum Command<Own: Subcommand> {
    /// Run the service until SIGTERM or SIGINT
    Serve,
    /// Bring the database to the state this release needs
    Migrate,
    /// Read the settings, say what is wrong with them or where they come from
    CheckSettings,
    /// Print the OpenAPI document of the HTTP API
    PrintOpenapi,
    #[command(flatten)]
    Own(Own),
}

/// Why a process ends non-zero.
#[derive(Debug)]
enum Failure {
    Settings(SettingsError),
    Other(anyhow::Error),
}

/// Runs the command that the command line asks for.
#[must_use]
pub fn main<S: Service>() -> ExitCode {
    telemetry::install_crypto_provider();
    // Reads `FAILPOINTS` in a build for drills; does nothing in any other.
    let _failpoints = fail::FailScenario::setup();
    let line = match parse::<S>(std::env::args_os()) {
        Ok(line) => line,
        // Help and version are answers, with exit code 0; the rest are mistakes, with 2.
        Err(answer) => {
            let printed = answer.print();
            let code = u8::try_from(answer.exit_code()).unwrap_or(WRONG_SETTINGS);
            return if printed.is_ok() { ExitCode::from(code) } else { ExitCode::FAILURE };
        }
    };
    match run::<S>(line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Settings(error)) => {
            complain(S::NAME, &telemetry::chain(&error));
            ExitCode::from(WRONG_SETTINGS)
        }
        Err(Failure::Other(error)) => {
            complain(S::NAME, &format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn parse<S: Service>(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<CommandLine<S::Command>, clap::Error> {
    // Set here and not by the derive: a flattened `Own` would put its doc comment in this place.
    let about = format!("GoKart's {}", S::NAME);
    let definition = CommandLine::<S::Command>::command().name(S::NAME).about(about).long_about(None);
    let matches = definition.try_get_matches_from(arguments)?;
    CommandLine::from_arg_matches(&matches)
}

fn run<S: Service>(line: CommandLine<S::Command>) -> Result<(), Failure> {
    if matches!(line.command, Command::PrintOpenapi) {
        return print_openapi::<S>();
    }
    let source = Source { defaults: S::DEFAULTS, env_prefix: S::ENV_PREFIX, file: line.settings };
    let loaded: Loaded<S::Settings> =
        settings::load_from(&source, std::env::vars_os()).map_err(Failure::Settings)?;
    if matches!(line.command, Command::CheckSettings) {
        return answer(&summary(&loaded));
    }
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name(S::NAME).build();
    let threads = threads.context("can not start the runtime").map_err(Failure::Other)?;
    threads.block_on(execute::<S>(line.command, loaded.settings)).map_err(Failure::Other)
}

async fn execute<S: Service>(command: Command<S::Command>, settings: S::Settings) -> anyhow::Result<()> {
    let log_to = if matches!(command, Command::Serve) { LogTo::Stdout } else { LogTo::Stderr };
    let telemetry = telemetry::init_logging_to(log_to, S::NAME, settings.telemetry())?;
    let runtime = Runtime::new();
    let stop = settings.stop();
    // Boxed: these futures hold whole services.
    let outcome = match command {
        Command::Serve => {
            tracing::info!(version = env!("CARGO_PKG_VERSION"), "starting");
            Box::pin(run_until_stopped(S::serve(settings, runtime.clone()), runtime, stop)).await
        }
        Command::Migrate => Box::pin(S::migrate(settings)).await.context("can not migrate"),
        Command::Own(own) => {
            let outcome = Box::pin(S::command(own, settings, runtime.clone())).await;
            outcome
                .and(runtime.supervisor.drain(stop.drain_limit()).await.context("work did not end in time"))
        }
        Command::CheckSettings | Command::PrintOpenapi => Ok(()),
    };
    if let Err(failure) = &outcome {
        tracing::error!(error = format!("{failure:#}"), "ended by a failure");
    }
    telemetry.shutdown().await;
    outcome
}

fn print_openapi<S: Service>() -> Result<(), Failure> {
    let document =
        S::openapi().with_context(|| format!("{} has no HTTP API", S::NAME)).map_err(Failure::Other)?;
    answer(&document)
}

/// Values (secrets hidden by their type), and the layer of each key that does not have its default.
fn summary<T: Debug>(loaded: &Loaded<T>) -> String {
    let set = loaded.origins.iter().filter(|(_key, origin)| *origin != settings::DEFAULTS_ORIGIN);
    let set: Vec<String> = set.map(|(key, origin)| format!("  {key}: {origin}")).collect();
    let origins = if set.is_empty() {
        "every key has its default".to_owned()
    } else {
        format!("set by\n{}\nall other keys have their defaults", set.join("\n"))
    };
    format!("settings are valid\n{:#?}\n{origins}", loaded.settings)
}

/// Not `println!`, which panics when the reader has gone (`print-openapi | head`).
fn answer(text: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{text}").context("can not write the answer").map_err(Failure::Other)
}

#[expect(
    clippy::print_stderr,
    reason = "whoever runs a command reads stderr, also when logging could not be set up"
)]
fn complain(service: &str, text: &str) {
    eprintln!("{service}: {text}");
}
