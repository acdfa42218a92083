//! How often and when a postback is sent, what an answer means, and what answers say of who gives them.

mod answer;
mod breaker;
mod condition;
mod rate;
mod schedule;

pub use answer::{Answer, Conclusion, conclude, retry_after_seconds};
pub use breaker::{Breaker, FAILURES_TO_OPEN, OPEN_SECONDS_FIRST, OPEN_SECONDS_MAX, Share, Sign, sign};
pub use condition::{Condition, GONE_TO_PAUSE};
pub use rate::{Bucket, Rate};
pub use schedule::{ATTEMPTS, Jitter, SPAN_SECONDS, delay_after};
