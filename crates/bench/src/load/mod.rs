//! The load generator: HTTP/1.1 over raw TCP, requests made before the clock runs, answers read by their length.
//!
//! It shares two cores with what it loads, so it must cost little and the same for everybody: subject and baseline get
//! the same bytes from the same code.

mod closed;
mod connection;
mod open;
mod promise;
mod receiver;
mod single;
mod template;

pub use closed::{CONNECTIONS, Crowd, Load, Until};
pub use connection::{Connection, Response};
pub use open::{Call, open};
pub use promise::{Promised, click_id, receipt};
pub use receiver::{NEVER, Receiver};
pub use single::single;
pub use template::{SLOT, Template};
