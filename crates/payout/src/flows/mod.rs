//! What payout does: load → decide → save and say, in one transaction.
//!
//! | flow | began by |
//! |---|---|
//! | [`record_verdicts`] | a batch of attribution's verdicts |
//! | [`release_holds`] | time, while [`input_lag`] has no doubt |
//! | [`follow_limits`] | time, and offers that became known |
//! | [`price_again`] | a tenant's new rates, then time |
//! | [`retain`] | time |
//! | [`deliver`] | a commit, or time |
//! | [`forget_people`] | a person who asked to be forgotten |
//! | [`apply_catalog`] | a batch of the catalog's facts |
//! | [`replays`] | a person, then time |
//! | [`decide`], [`bulk`], [`read`], [`limits_of`], [`publisher_health`], [`resume_endpoint`], [`send_test`], [`statements`], [`exposure`] | a person |
//! | [`verify_ledger`] | an operator, and time |
//!
//! Nothing is sent within a transaction: a status change writes its deliveries and facts, and commits.

pub mod apply_catalog;
pub mod bulk;
mod counting;
pub mod decide;
mod decide_many;
pub mod deliver;
pub mod exposure;
mod facts;
pub mod follow_limits;
pub mod forget_people;
mod heed;
pub mod input_lag;
pub mod limits_of;
mod mask;
pub mod money_terms;
mod periods;
mod postback;
pub mod price_again;
pub mod publisher_health;
mod raise_budget;
pub mod read;
pub mod record_verdicts;
pub mod release_holds;
pub mod replays;
pub mod resume_endpoint;
pub mod retain;
mod save;
pub mod send_test;
pub mod statements;
mod story;
mod take_due;
mod tell;
pub mod verify_ledger;
mod waited;
pub mod watch_endpoints;
pub mod watch_reviews;
