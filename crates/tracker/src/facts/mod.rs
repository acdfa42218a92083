//! What the tracker says: clicks as made, and clicks as refused, written from borrowed values straight into the bytes that
//! travel. A message of owned strings and lists would be made for every click only to be encoded and dropped.

mod recorded;
mod refused;
mod shared;
mod wire;

pub use recorded::Recorded;
pub use refused::{Refused, reason_of};
pub use shared::Visitor;
