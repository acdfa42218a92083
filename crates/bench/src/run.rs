//! One run: conditions, measurements, the table, the accounts.

use crate::{
    measure::{Context, Measurement},
    nodes::LocalNodes,
    report::{Account, Progress, table},
    scale::Scale,
};

/// Runs, prints, and says whether every event was accounted for.
///
/// # Errors
/// When something can not be measured.
pub async fn run(measurements: &[Measurement], scale: Scale) -> anyhow::Result<bool> {
    let progress = Progress::start();
    let nodes = LocalNodes::find().await?;
    println!("{}", nodes.conditions.words);
    println!("{scale} · {}", build());
    println!("The load generator, the services and both servers share these cores.\n");

    let (mut rows, mut accounts) = (Vec::new(), Vec::new());
    for measurement in measurements {
        let outcome = measurement.run(Context { nodes: &nodes, scale, progress }).await?;
        rows.extend(outcome.rows);
        accounts.extend(outcome.accounts);
        println!();
    }
    println!("Results\n\n{}", table(&rows));
    let all_found = accounts.iter().all(Account::is_settled);
    println!("Accounting: every event that was sent, at every place where it must have left something\n");
    for account in &accounts {
        println!("{}", account.line());
    }
    let sent: u64 = accounts.iter().map(|account| account.sent).sum();
    if all_found {
        println!("\n{sent} events sent, every one accounted for.");
    } else {
        println!("\n{sent} events sent, NOT ALL ACCOUNTED FOR.");
    }
    Ok(all_found)
}

const fn build() -> &'static str {
    if cfg!(debug_assertions) {
        "NOT A RELEASE BUILD: these figures say nothing about speed"
    } else {
        "release build"
    }
}
