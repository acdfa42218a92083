#![doc = include_str!("../README.md")]

pub mod admin;
pub mod auth;
mod caller_ip;
pub mod client;
mod connection;
pub mod csv;
mod docs;
mod edge;
mod extractors;
mod fallback;
mod field_path;
mod front;
mod http_settings;
mod json;
pub mod openapi;
mod page;
mod panics;
mod problem;
mod query;
mod request_id;
mod root_span;
mod server;

pub use caller_ip::{caller_address, caller_ip};
pub use connection::RouteBody;
pub use front::{FrontCall, FrontDoor};
pub use http_settings::HttpSettings;
pub use json::Json;
pub use page::{ListBody, Page};
pub use problem::{FieldError, PROBLEM_JSON, Problem, ProblemBody};
pub use query::Query;
pub use request_id::{REQUEST_ID_HEADER, RequestId};
pub use root_span::AccessLog;
pub use server::{ListenError, Server};
