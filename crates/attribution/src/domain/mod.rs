//! What a postback means. Pure: no async, clock, randomness, SQL or HTTP; anyone can read the whole decision here.
//!
//! A **journey** is one click's life. Its verdict is a function of the *set* of its stamped postbacks, its click, the
//! versions of its offer and the decisions of people: [`judge`] sorts the set and computes the whole journey anew each
//! time, so that the order in which anything was processed can not matter. [`diff`] then says what of it is new.
//!
//! Three things are remembered between judgements, because `SEMANTICS` §4 says that the first committed wins there:
//! which of several repeats holds an occurrence and which amount it has ([`Held`]), and what rules 4 and 10 found when
//! they first ran ([`Settled`]). They are inputs like all others; so is which of a member's clicks did an event first
//! (rule 15), the one thing that other journeys say about this one.
//!
//! | word | meaning |
//! |---|---|
//! | stamped postback | an accepted postback with its receipt, `received_at` and what it claims |
//! | effective time | the event's time, never after the receipt |
//! | slot | one occurrence of one offer event on the click; a conversion when reached |
//! | holder | the unflagged postback that fills a slot |
//! | passes | gets through rule 13; what "reached" is built on |
//! | flagged | reported as fraud by AppsFlyer: a veto on its slot |
#![deny(clippy::arithmetic_side_effects)]

mod ages_out;
pub mod alarms;
mod click;
mod code;
mod conversion;
mod credential;
mod diff;
mod examined;
mod inputs;
mod judge;
mod offer;
mod people;
mod postback;
mod quarantine;
pub mod reconcile;
pub mod replay;
mod review;
mod rules;
mod timeline;
mod trace;
mod unattributed;

pub use ages_out::{AGES_OUT, AgesOut};
pub use click::Click;
pub use code::Code;
pub(crate) use conversion::parse_occurrence;
pub use conversion::{Conversion, Reported, Slot, TermsSource, Verdict, VerdictCode};
pub use credential::{Credential, Generation};
pub use diff::{Changes, ConversionChange, DecisionChange, Known, KnownDecision, diff};
pub use inputs::{Held, JourneyInputs, Settled, SettledOnce};
pub use judge::{Decision, FirstStep, JourneyVerdict, Waits, judge};
pub use offer::{DeadlineAnchor, EventTerms, Offer, OfferEvent, Platform, ReachedBy, Version};
pub use people::{PersonAct, PersonDecision};
pub use postback::{Claims, Stamped, Told};
pub use quarantine::{Likeness, QUARANTINE_CAUSES, Suggestion, suggest};
pub use rules::Rule;
pub use timeline::{Moment, timeline};
pub use trace::{Outcome, Step, Trace};
pub use unattributed::{TenantFacts, judge_without_click};

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]
mod proof;
#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]
pub(crate) mod samples;
#[cfg(test)]
mod stories;
