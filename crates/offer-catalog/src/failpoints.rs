//! The named stops of this service, for tests that kill it at a chosen moment. The action `return` ends the process on the
//! spot, as SIGKILL does; a release build without the feature holds nothing of this.

use fail::fail_point;

/// Some rows of an import are committed; more are to come.
pub(crate) fn import_stored() {
    fail_point!("offer_catalog::import_stored", |_action| std::process::abort());
}

/// An import is committed as a whole; its caller has not been told.
pub(crate) fn import_accepted() {
    fail_point!("offer_catalog::import_accepted", |_action| std::process::abort());
}

/// A row of an import has had its effect; nothing of it is committed.
pub(crate) fn import_row() {
    fail_point!("offer_catalog::import_row", |_action| std::process::abort());
}

/// An offer was found absent from an import; it is about to be paused.
pub(crate) fn import_pausing() {
    fail_point!("offer_catalog::import_pausing", |_action| std::process::abort());
}
