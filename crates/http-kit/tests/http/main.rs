//! The kit through its public door: real servers on port 0, real clients, byte by byte where it matters.

#[cfg(test)]
mod admin;
#[cfg(test)]
mod auth;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod client;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod ssrf;
#[cfg(test)]
mod stop;
