//! The rules of `SEMANTICS` §4, one file each, in their order. A rule is a function from the journey and one postback
//! to "go on" or a [`Stop`](super::examined::Stop); it writes its own line of the trace.

use kernel::Timestamp;

use super::{
    examined::{Examined, Stop},
    inputs::{JourneyInputs, SettledOnce},
    trace::{Saw, Trace, saw},
};

pub(crate) mod calendar;
pub(crate) mod click_arrived;
pub(crate) mod click_known;
pub(crate) mod deadline;
pub(crate) mod fit;
pub(crate) mod flag;
pub(crate) mod mapped;
pub(crate) mod member;
pub(crate) mod occurrence;
pub(crate) mod primary;
pub(crate) mod refund;
pub(crate) mod sequence;
pub(crate) mod targeting;
pub(crate) mod terms_known;

macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $question:literal;)+) => {
        /// A rule: its number is its place in the table of `SEMANTICS` §4.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $($(#[$doc])* $variant,)+
        }

        impl Rule {
            /// Every rule that is built, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its number.
            #[must_use]
            pub const fn number(self) -> u8 {
                match self { $(Self::$variant => $number,)+ }
            }

            /// What it asks. `Yes` lets the postback through.
            #[must_use]
            pub const fn question(self) -> &'static str {
                match self { $(Self::$variant => $question,)+ }
            }
        }
    };
}

rules! {
    /// A usable click id.
    UsableClickId = 1, "Does it name a usable click id?";
    /// The click is known or its MAC is ours.
    ClickKnown = 2, "Is the click known, or its id one of ours?";
    /// The click has arrived.
    ClickArrived = 3, "Has the click arrived?";
    /// Click, credential and advertiser fit.
    Fit = 4, "Do click, credential and advertiser fit together?";
    /// Primary attribution.
    Primary = 5, "Is it the primary attribution, and no re-engagement reported as an install?";
    /// Not a refund.
    NoRefund = 6, "Is it something other than a refund?";
    /// Not flagged.
    NotFlagged = 7, "Is it free of AppsFlyer's fraud flag?";
    /// The terms are known.
    TermsKnown = 8, "Are the click's terms known here?";
    /// Mapped.
    Mapped = 9, "Is the event mapped in the offer?";
    /// Dates, stops, app.
    Calendar = 10, "Is it within the offer's dates, not stopped, and from its app?";
    /// Targeting.
    Targeting = 11, "Are country and platform on target, when stated?";
    /// Deadline.
    Deadline = 12, "Is it inside the deadline?";
    /// Sequence and min time.
    Sequence = 13, "Are the earlier steps reached, and enough time passed since?";
    /// Occurrence.
    Occurrence = 14, "Is it the first of its occurrence?";
    /// Member repeat.
    Member = 15, "Is it the first of the member's clicks to do this event?";
}

impl Rule {
    /// Finds a rule by its number.
    #[must_use]
    pub fn by_number(number: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.number() == number)
    }
}

/// Runs rules 1 to 12 on one postback: those that need no other postback.
pub(crate) fn run_alone<'a>(
    journey: &'a JourneyInputs<'_>,
    examined: &mut Examined<'a>,
    horizon: Timestamp,
) -> Result<(), Stop> {
    let postback = examined.postback;
    // A postback without a usable click id has no journey: see `unattributed`.
    examined.trace.pass(Rule::UsableClickId, saw([("click id", journey.click_id.to_string())]));
    heeded(Rule::UsableClickId, Ok(()))?;
    heeded(Rule::ClickKnown, click_known::check(journey, &mut examined.trace))?;
    let arrived = click_arrived::check(journey, postback, horizon, &mut examined.trace);
    let click = handed(Rule::ClickArrived, arrived)?;
    let fits = fit::check(journey, click, postback, &mut examined.settled, &mut examined.trace);
    heeded(Rule::Fit, fits)?;
    heeded(Rule::Primary, primary::check(journey, click, postback, &mut examined.trace))?;
    heeded(Rule::NoRefund, refund::check(postback, &mut examined.trace))?;
    examined.flagged = !lets_through(Rule::NotFlagged, !flag::check(postback, &mut examined.trace));
    heeded(Rule::TermsKnown, terms_known::check(journey, click, postback, &mut examined.trace))?;
    let mapped = handed(Rule::Mapped, mapped::check(journey, click, postback, &mut examined.trace))?;
    let terms = mapped.terms;
    examined.mapped = Some(mapped);
    let in_time = calendar::check(journey, postback, &mut examined.settled, &mut examined.trace);
    heeded(Rule::Calendar, in_time)?;
    heeded(Rule::Targeting, targeting::check(journey, click, postback, &mut examined.trace))?;
    heeded(Rule::Deadline, deadline::check(click, postback, terms, &mut examined.trace))
}

/// A moment as people read it in a trace.
pub(crate) fn moment(at: Timestamp) -> String {
    chrono::DateTime::from_timestamp_micros(at.as_micros())
        .map_or_else(|| format!("{at:?}"), |time| time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
}

/// Writes down what a rule that runs once has found.
fn settled_outcome(found: SettledOnce, rule: Rule, seen: Saw, trace: &mut Trace) -> Result<(), Stop> {
    match found {
        SettledOnce::NotYet | SettledOnce::Passed => {
            trace.pass(rule, seen);
            Ok(())
        }
        SettledOnce::Stopped(code) => {
            trace.stop(rule, code, seen);
            Err(Stop::at(code))
        }
    }
}

/// What a rule found is what counts. Test builds can break a rule here, to see that the tests notice: see `mutation`.
#[cfg(not(test))]
mod unbroken {
    use super::{Rule, Stop};

    pub(crate) const fn lets_through(_rule: Rule, found: bool) -> bool {
        found
    }

    pub(crate) const fn heeded(_rule: Rule, found: Result<(), Stop>) -> Result<(), Stop> {
        found
    }

    pub(crate) fn handed<T>(_rule: Rule, found: Result<T, Stop>) -> Result<T, Stop> {
        found
    }
}

#[cfg(test)]
pub(crate) mod mutation;
#[cfg(test)]
pub(crate) use mutation::{handed, heeded, lets_through};
#[cfg(not(test))]
pub(crate) use unbroken::{handed, heeded, lets_through};
