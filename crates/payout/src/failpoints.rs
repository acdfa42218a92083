//! The named stops of this service, for tests that kill it at a chosen moment. The action `return` ends the process on the
//! spot, as SIGKILL does; a release build without the feature holds nothing of this.

use fail::fail_point;

/// Verdicts are committed; the consumer has not been told.
pub(crate) fn committed() {
    fail_point!("payout::committed", |_action| std::process::abort());
}

/// A person's decision is committed; whoever asked has no answer.
pub(crate) fn decided() {
    fail_point!("payout::decided", |_action| std::process::abort());
}

/// Holds are committed as released.
pub(crate) fn released() {
    fail_point!("payout::released", |_action| std::process::abort());
}

/// A period is committed as closed; whoever asked has no answer.
pub(crate) fn closed() {
    fail_point!("payout::closed", |_action| std::process::abort());
}

/// A payment is committed; whoever reported it has no answer.
pub(crate) fn paid() {
    fail_point!("payout::paid", |_action| std::process::abort());
}

/// An attempt begins. With the action `panic` it ends there.
pub(crate) fn attempting() {
    fail_point!("payout::attempting");
}

/// A publisher has answered; nothing is recorded.
pub(crate) fn sent() {
    fail_point!("payout::sent", |_action| std::process::abort());
}
