//! Other companies, played by us. Each is a real HTTP server or client: services talk to them as they would outside.

pub(crate) mod apps_flyer;
pub(crate) mod otlp;
pub(crate) mod publisher;
mod server;
