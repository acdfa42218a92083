//! What a tracker does: follow the catalog, and turn a click into a redirect.

mod apply_catalog;
mod countries;
mod double_taps;
mod follow_offers;
mod keep_offers;
mod offer_book;
mod record_click;

pub use apply_catalog::{ApplyError, apply_catalog};
pub use countries::{CountryFile, follow_countries};
pub use double_taps::DoubleTaps;
pub use follow_offers::follow_offers;
pub use keep_offers::{keep_offers, recall_offers};
pub use offer_book::OfferBook;
pub use record_click::{Answer, Caller, Click, ClickError, Recorder, Sight};
