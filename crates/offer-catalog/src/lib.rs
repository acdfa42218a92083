#![doc = include_str!("../README.md")]
// The example of a whole offer is one `json!`, which recurses by the word.
#![recursion_limit = "256"]

mod app;
mod bus;
mod domain;
mod facts;
mod failpoints;
mod flows;
mod http;
mod settings;
mod store;

pub use app::{Addresses, Command, OfferCatalog, migrate, start};
pub use settings::{
    BucketSettings, CreativeSettings, CreativeStore, CredentialSettings, FeedSettings, ImportSettings,
    OperatorSettings, PublicSettings, ScheduleSettings, SealingSettings, Settings,
};
