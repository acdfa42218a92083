//! What payout does: load → decide → save and say, in one transaction.
//!
//! | flow | began by |
//! |---|---|
//! | [`record_verdicts`] | a batch of attribution's verdicts |
//! | [`release_holds`] | time |
//! | [`follow_limits`] | time, and offers that became known |
//! | [`deliver`] | a notification, or time |
//! | [`forget_people`] | a person who asked to be forgotten |
//! | [`apply_catalog`] | a batch of the catalog's facts |
//! | [`decide`], [`bulk`], [`read`], [`limits_of`] | a person |
//! | [`verify_ledger`] | an operator |
//!
//! Nothing is sent within a transaction: a status change writes its deliveries and facts, and commits.

pub mod apply_catalog;
pub mod bulk;
mod counting;
pub mod decide;
mod decide_many;
pub mod deliver;
mod facts;
pub mod follow_limits;
pub mod forget_people;
pub mod limits_of;
mod postback;
pub mod read;
pub mod record_verdicts;
pub mod release_holds;
mod save;
mod story;
mod tell;
pub mod verify_ledger;
