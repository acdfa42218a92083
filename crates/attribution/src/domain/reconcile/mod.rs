//! AppsFlyer's report beside what came here: where did each of its rows end? Pure.
//!
//! AppsFlyer's raw-data reports (installs, in-app events, postbacks) have a line for each thing that happened, and no
//! click id but inside `original_url`. A line is read by the parser of postbacks ([`ReportRow`]), then the lines of one
//! click are laid beside the postbacks of its journey ([`pair`]), and each pair, or line that is left over, falls into
//! one of the buckets of `SEMANTICS` §8 ([`Outcome`]).
//!
//! | bucket | the line |
//! |---|---|
//! | `noClick` | names no click of ours: organic, or a link without `clickid` |
//! | `neverReached` | has no postback here: AppsFlyer did not send it, or something before us lost it |
//! | `reachedNotPaid` | has one that does not count, by its code, or whose conversion payout rejected |
//! | `pending` | counts and is not due yet, or is on review |
//! | `paidNotDelivered` | is paid, and the publisher has not been told |
//! | `differs` | is paid, and says another amount than what came here |
//! | `agrees` | is paid and told |

mod columns;
mod lines;
mod outcome;
mod pairing;
mod row;

pub use columns::{Columns, HeaderError};
pub use lines::{COLUMNS_MAX, LINE_BYTES_MAX, Line, LineError, Lines};
pub use outcome::{Bucket, Delivery, Difference, Outcome, Payment, PaymentStatus, outcome};
pub use pairing::{LINES_PER_CLICK_MAX, Reached, pair};
pub use row::{Report, ReportRow};
