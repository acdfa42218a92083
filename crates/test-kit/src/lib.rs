#![doc = include_str!("../README.md")]

mod database;
pub mod doors;
mod eventually;
mod evil;
mod fakes;
mod fault_proxy;
mod http_client;
mod namespace;
mod nodes;
mod openapi;
mod ports;
mod random;

pub use database::{TestDatabase, database, empty_database};
pub use eventually::{Observed, eventually};
pub use evil::{Evil, EvilEndpoint, EvilFarm};
pub use fakes::{
    apps_flyer::{Answered, FakeAppsFlyer, Postback, click_id_of},
    otlp::{OtlpReceiver, ReceivedSpan},
    publisher::{Answer, Delivery, FakePublisher},
};
pub use fault_proxy::{Direction, Fault, FaultProxy};
pub use http_client::http_client;
pub use namespace::{Depth, Namespace, namespace};
pub use nodes::Nodes;
pub use openapi::{document_of, faults_of_document};
pub use ports::free_port;
