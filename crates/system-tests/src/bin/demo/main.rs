//! `make demo`: the integration guide, played against the running stack, told as a readable story.
//!
//! Exit 1 when anything differs from the guide. Every line is printed from what the services answered; nothing is assumed.

mod narrator;
mod story;

use std::{panic::AssertUnwindSafe, path::PathBuf, process::ExitCode};

use clap::Parser;
use futures_util::FutureExt as _;
use system_tests::Endpoints;

/// Plays the guide's example against a running stack.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Options {
    /// Where the running stack says where it listens.
    #[arg(long, env = "GOKART_STACK", default_value = ".local/stack.env")]
    stack: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    match play(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("\n✗ This is not what the guide says: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn play(options: &Options) -> anyhow::Result<()> {
    let endpoints = Endpoints::from_stack_env(&options.stack)?;
    // What is waited for and never comes is a panic that says what was seen last: for the reader it is an end like any
    // other.
    std::panic::set_hook(Box::new(|_| {}));
    let told = AssertUnwindSafe(story::tell(&endpoints)).catch_unwind().await;
    told.unwrap_or_else(|panic| {
        let said =
            panic.downcast_ref::<String>().cloned().unwrap_or_else(|| String::from("the story broke off"));
        Err(anyhow::anyhow!(said))
    })
}
