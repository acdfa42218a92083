//! What the tracker hears.

mod on_catalog;

pub use on_catalog::OnCatalog;
