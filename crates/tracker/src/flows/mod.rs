//! What a tracker does: follow the catalog, and turn a click into a redirect.

mod apply_catalog;
mod follow_offers;
mod offer_book;
mod record_click;

pub use apply_catalog::{ApplyError, apply_catalog};
pub use follow_offers::follow_offers;
pub use offer_book::OfferBook;
pub use record_click::{Answer, Click, ClickError, Recorder};
