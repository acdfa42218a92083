//! The money logic of payout, readable without meeting a database: data in, data out. No async, clock, randomness, SQL or
//! HTTP.
//!
//! | word | meaning |
//! |---|---|
//! | verdict | attribution's whole current opinion of a conversion, numbered; the highest number wins |
//! | standing | where the conversion is here, and who put it there |
//! | told status | what a publisher hears: Pending, Success or Rejected |
//! | hold | the time a Pending conversion waits before it becomes Success by itself |
//! | books | what the ledger holds of a conversion: nothing, a reservation, or posted entries |
//! | limit | a cap or a budget of an offer; a conversion that counts took its room, and gives it back when it is refused |
//! | story | everything a publisher's postback may mention of a conversion |
//!
//! [`conversion`] is the decision; [`standing`], [`limits`] and [`ledger`] are what it is made of; [`postback`] and
//! [`delivery`] are the telling, [`replay`] the telling again; [`statements`] and [`exposure`] are what parties are owed, and
//! will be. [`input_lag`] says when time may not release anything.
#![deny(clippy::arithmetic_side_effects)]

pub mod bulk;
pub mod conversion;
pub mod delivery;
pub mod exposure;
pub mod input_lag;
pub mod ledger;
pub mod limits;
pub mod postback;
#[cfg(test)]
mod proof;
pub mod reason_codes;
pub mod replay;
pub mod standing;
pub mod statements;
