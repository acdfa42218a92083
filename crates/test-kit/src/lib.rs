#![doc = include_str!("../README.md")]

mod database;
pub mod doors;
mod eventually;
mod fakes;
mod fault_proxy;
mod http_client;
mod namespace;
mod nodes;
mod random;

pub use database::{TestDatabase, database, empty_database};
pub use eventually::{Observed, eventually};
pub use fakes::{
    apps_flyer::{Answered, FakeAppsFlyer, Postback, click_id_of},
    otlp::{OtlpReceiver, ReceivedSpan},
    publisher::{Answer, Delivery, FakePublisher},
};
pub use fault_proxy::{Direction, Fault, FaultProxy};
pub use http_client::http_client;
pub use namespace::{Depth, Namespace, namespace};
pub use nodes::Nodes;
