//! The catalog's tables, and the files of creatives. Every function runs in its caller's transaction and is scoped by a tenant; what is not (finding a
//! tenant by its domain, what is broadcast to all) says so.
//!
//! Writers lock the row of the aggregate first (`for_update`), so two changes of one offer follow each other and the
//! revision never repeats.

pub mod advertisers;
pub mod audit;
pub mod budgets;
pub mod categories;
pub mod clock;
mod convert;
pub mod creative_files;
pub mod creatives;
pub mod credential_uses;
pub mod credentials;
pub mod import_rows;
pub mod imports;
pub mod kept_answers;
pub mod lineage;
pub mod offer_list;
pub mod offer_raises;
pub mod offer_versions;
pub mod offers;
pub mod partner_feed;
pub mod provider_offers;
pub mod publishers;
pub mod scheduled_changes;
pub mod schema;
pub mod tenants;
pub mod token_uses;
pub mod tokens;
pub mod users;

use diesel_async::AsyncPgConnection;

use crate::domain::listing::Slice;

/// A connection inside a transaction.
pub type Conn = AsyncPgConnection;

/// Text as a pattern of `ILIKE` that it is contained in.
fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

fn slice<T>(items: Vec<T>, total: i64) -> Slice<T> {
    Slice { items, total: u64::try_from(total).unwrap_or_default() }
}
