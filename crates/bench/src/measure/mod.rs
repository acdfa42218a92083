//! The four measurements, each a file.

mod attribution;
mod delay;
mod ingest;
mod payout;

use crate::{
    nodes::LocalNodes,
    report::{Account, Comparison, Progress, Row},
    scale::Scale,
};

/// What every measurement is given.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The servers.
    pub nodes: &'a LocalNodes,
    /// How large.
    pub scale: Scale,
    /// Where lines go.
    pub progress: Progress,
}

/// One of the measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Measurement {
    /// Durable postbacks a second.
    Ingest,
    /// Events a second to the committed decision.
    Attribution,
    /// Events a second to the posted ledger entry.
    Payout,
    /// From AppsFlyer's call to the publisher's receipt.
    Delay,
}

/// What came of a measurement.
#[derive(Debug)]
pub struct Outcome {
    /// For the table.
    pub rows: Vec<Row>,
    /// Every event.
    pub accounts: Vec<Account>,
}

impl Measurement {
    /// All, in the order of the pipeline.
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Attribution, Self::Payout, Self::Delay];

    /// Measures, and prints the figures.
    ///
    /// # Errors
    /// When something fails: then there is no figure.
    pub async fn run(self, context: Context<'_>) -> anyhow::Result<Outcome> {
        match self {
            Self::Ingest => ingest::measure(context).await,
            Self::Attribution => attribution::measure(context).await,
            Self::Payout => payout::measure(context).await,
            Self::Delay => delay::measure(context).await,
        }
    }
}

impl Outcome {
    fn of(comparison: &Comparison, accounts: Vec<Account>) -> Self {
        comparison.print();
        Self { rows: comparison.rows(), accounts }
    }
}
