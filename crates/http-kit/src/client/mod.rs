//! Calls to addresses that other people chose: publishers' postback endpoints.
//!
//! Whoever may set a URL may point it at us: at our databases, at the cloud's metadata service, at a server that never
//! answers or never stops. So a call goes only to public addresses ([`AddressPolicy`], judged on the address that is
//! really connected to), follows no redirect, uses no proxy, takes bounded time and reads bounded bytes.

mod address;
mod answer;
mod error;
#[cfg(test)]
mod rebinding;
mod resolver;
mod send;
mod settings;
mod target;

pub use address::AddressPolicy;
pub use answer::{Answer, BodyEnd};
pub use error::{BuildError, SendError};
pub use reqwest::{Method, Url, header};
pub use send::{Client, Outbound};
pub use settings::ClientSettings;
pub use target::{TargetError, check_target};
