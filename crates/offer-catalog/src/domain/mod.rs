//! The rules of the catalog, without a database, a clock or a socket: data in, data out.
//!
//! An **offer** is a [`draft`](offer::OfferFields) until it is *created*; from then on each saved change is a new
//! immutable **version**. Its **events** have lasting ids ([`identity`]); its **findings** ([`lint`]) are what would
//! cost money later, each with a stable code. Whether a change of state is allowed at all is [`status`]'s business.
// Tests build their cases with plain arithmetic; the rules themselves are always checked.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

pub mod acceptance;
pub mod age_range;
pub mod audit;
pub mod budget;
pub mod budget_raise;
pub mod call_rate;
pub mod clone;
pub mod country;
pub mod creative;
pub mod credential;
pub mod credential_use;
pub mod custom_header;
pub mod diff;
pub mod event;
pub mod idempotency;
pub mod identity;
pub mod import;
pub mod lineage;
pub mod lint;
pub mod listing;
pub mod macros;
pub mod offer;
pub mod partner;
pub mod partner_feed;
pub mod problems;
pub mod public_url;
pub mod rate;
pub mod records;
pub mod schedule;
pub mod status;
pub mod tenant;
pub mod user;
pub mod version;
