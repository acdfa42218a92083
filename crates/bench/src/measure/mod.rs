//! The measurements, each a file.

mod attribution;
mod catalog;
mod cold_start;
mod delay;
mod feed;
mod growth;
mod ingest;
mod memory;
mod outbound;
mod parked;
mod payout;
mod reconciliation;
mod single_call;
mod tracker;
mod waiting;

use crate::{
    door,
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
    /// What a single call to ingest adds to a bare confirm.
    SingleCall,
    /// Whether ingest's memory grows.
    IngestMemory,
    /// Durable redirects a second.
    Tracker,
    /// Whether tracker's memory grows.
    TrackerMemory,
    /// What lists and gets take with many offers, and how fast a change is heard of.
    Catalog,
    /// What a page of the partner feed takes, and an answer that nothing has changed.
    Feed,
    /// How fast tracker is ready with many offers.
    ColdStart,
    /// Events a second to the committed decision.
    Attribution,
    /// The same with millions stored, and with a million parked.
    Growth,
    /// One live decision while a million parked ones come due.
    Parked,
    /// A gigabyte of AppsFlyer's report laid beside as many postbacks.
    Reconciliation,
    /// Events a second to the posted ledger entry.
    Payout,
    /// Publishers told a second, and what some that never answer take from the others.
    Outbound,
    /// What a million pending holds and a million waiting retries cost until they are due.
    Waiting,
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
    pub const ALL: [Self; 16] = [
        Self::Ingest,
        Self::SingleCall,
        Self::IngestMemory,
        Self::Tracker,
        Self::TrackerMemory,
        Self::Catalog,
        Self::Feed,
        Self::ColdStart,
        Self::Attribution,
        Self::Growth,
        Self::Parked,
        Self::Reconciliation,
        Self::Payout,
        Self::Outbound,
        Self::Waiting,
        Self::Delay,
    ];

    /// Measures, and prints the figures.
    ///
    /// # Errors
    /// When something fails: then there is no figure.
    pub async fn run(self, context: Context<'_>) -> anyhow::Result<Outcome> {
        match self {
            Self::Ingest => ingest::measure(context).await,
            Self::SingleCall => single_call::measure(context).await,
            Self::IngestMemory => memory::measure(context, door::ingest(context.nodes).await?.0).await,
            Self::Tracker => tracker::measure(context).await,
            Self::TrackerMemory => memory::measure(context, door::tracker(context.nodes).await?.0).await,
            Self::Catalog => catalog::measure(context).await,
            Self::Feed => feed::measure(context).await,
            Self::ColdStart => cold_start::measure(context).await,
            Self::Attribution => attribution::measure(context).await,
            Self::Growth => growth::measure(context).await,
            Self::Parked => parked::measure(context).await,
            Self::Reconciliation => reconciliation::measure(context).await,
            Self::Payout => payout::measure(context).await,
            Self::Outbound => outbound::measure(context).await,
            Self::Waiting => waiting::measure(context).await,
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
