//! `bench [MEASUREMENT …]`, and the hidden command under which it serves the handler that does nothing.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{
    beside::{BareClient, Handler},
    measure::Measurement,
    run::run,
    scale::Scale,
};

/// Measures GoKart beside honest baselines, on the local stack. BENCH_SCALE=0.1 is quick, BENCH_ONLY=ingest,tracker
/// measures only these.
#[derive(Debug, Parser)]
#[command(name = "bench", args_conflicts_with_subcommands = true)]
struct CommandLine {
    /// What to measure; everything when nothing is named.
    #[arg(env = "BENCH_ONLY", value_delimiter = ',')]
    measurements: Vec<Measurement>,
    #[command(subcommand)]
    hidden: Option<Hidden>,
}

#[derive(Debug, Subcommand)]
enum Hidden {
    /// The handler that ingest and tracker are measured beside.
    #[command(hide = true)]
    DoNothing(Handler),
    /// The loop that payout's deliveries are measured beside.
    #[command(hide = true)]
    BareClient(BareClient),
}

/// Runs what the command line asks for. Fails when something can not be measured or an event is missing; a missed aim is
/// printed and is no failure.
pub fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    let outcome = match command_line.hidden {
        Some(Hidden::DoNothing(handler)) => handler.serve().map(|()| ExitCode::SUCCESS),
        Some(Hidden::BareClient(client)) => client.send().map(|()| ExitCode::SUCCESS),
        None => measured(command_line.measurements),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("bench: {error:#}");
        ExitCode::FAILURE
    })
}

fn measured(mut measurements: Vec<Measurement>) -> anyhow::Result<ExitCode> {
    if measurements.is_empty() {
        measurements.extend(Measurement::ALL);
    }
    let scale = Scale::from_env()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let all_found = runtime.block_on(run(&measurements, scale))?;
    Ok(if all_found { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
