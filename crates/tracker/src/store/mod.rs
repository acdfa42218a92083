//! The tracker's database: a read model of the catalog, written by [`catalog`], read by [`offers`]; and the file from which
//! it starts without its database.

mod catalog;
pub mod offer_file;
mod offers;
mod schema;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

pub use catalog::{BudgetRow, CatalogRows, OfferRow, TenantRow, VersionRow, save};
pub use offers::{Selection, load};

/// The tables above, in order.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// Channel on which a replica tells the others what changed: `<tenant id>/<offer id>`, or a tenant id for all its offers.
pub const CHANGED_CHANNEL: &str = "tracker_offers_changed";
