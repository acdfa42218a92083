//! What the services are measured beside: the least that could do something comparable.

mod bare_client;
mod bare_insert;
mod bare_publisher;
mod do_nothing;
mod only_durable;

pub use bare_client::{BareClient, Errand, RunningClient, host};
pub use bare_insert::{Recording, record, replay};
pub use bare_publisher::BarePublisher;
pub use do_nothing::{DoNothing, Handler, ServerShape};
pub use only_durable::Fills;
