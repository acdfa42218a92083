//! How often and when a postback is sent, and what an answer means.

mod answer;
mod schedule;

pub use answer::{Answer, Conclusion, conclude, retry_after_seconds};
pub use schedule::{ATTEMPTS, Jitter, SPAN_SECONDS, delay_after};
