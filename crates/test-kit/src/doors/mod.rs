//! Who may call what, and who sees whose rows: tests made of a service's own OpenAPI document.
//!
//! The document says of each operation which roles and which scope it takes; [`Walk`] calls all of them and compares. A
//! new operation is walked as soon as it is in the document: it fails the test when it names no door, when a part of its
//! path or an id in its body is not known to the test, and when it shows or touches what is somebody else's.

mod document;
mod findings;
mod ids;
mod party;
mod separation;
mod walk;

pub use document::{Access, Api, Operation};
pub use party::{Held, Party};
pub use walk::Walk;
