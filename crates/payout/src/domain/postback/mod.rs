//! What a publisher hears: which endpoints, what text, what body.

mod body;
mod choice;
mod identity;
mod macros;
mod sample;
mod story;
mod template;

pub use body::json_body;
pub use choice::{Endpoint, Scope, endpoints_to_tell};
pub use identity::{delivery_id, webhook_id};
pub use macros::Macro;
pub use sample::{Sample, TEST_HEADER, sample, test_webhook_id};
pub use story::{Story, TrackingSystem};
pub use template::{Template, TemplateError};
