//! Between messages and the domain: every field is read once, here, and every error names it.

mod alarm;
mod click;
mod credential;
mod draft;
mod forget;
mod money;
mod offer;
mod payout;
mod postback;
mod verdict;

pub use alarm::{alarm_cleared, alarm_raised};
pub use click::click;
pub use credential::credential;
pub use draft::as_version;
pub use forget::{
    encoded_click_without_person, member_of, names_device, postback_without_person, renamed_member,
};
pub use money::{Rates, money_terms, rates};
pub use offer::{KnownOffer, offer_version, stops};
pub use payout::{DecidedByPerson, EndOfDelivery, OfPayout, StatusOfConversion, of_payout};
pub use postback::{Received, received};
pub use verdict::{Told, tell};

use contracts::{ContractError, catalog::TenantChanged};

use crate::domain::TenantFacts;

/// What rule 1 needs of a tenant.
#[must_use]
pub fn tenant(fact: &TenantChanged) -> TenantFacts {
    TenantFacts { media_sources: fact.media_sources.clone() }
}

/// A count that people make and that stays far below the column's end.
pub(crate) fn stored_version(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

/// A number of the catalog as PostgreSQL's `integer`.
pub(crate) fn stored_number(number: u32, field: &str) -> Result<i32, ContractError> {
    i32::try_from(number).map_err(|_too_large| contracts::read::field_error(field, "must be below 2^31"))
}
