//! Rule 10: the effective time lies within the offer's dates and in no stretch in which all events were stopped, and
//! the app is the offer's app when both are known.
//!
//! Dates, stops and the app apply at once, so this is judged once, by the newest version known when the rule first
//! ran: what was accepted stays accepted when somebody moves the end date.

use super::Rule;
use crate::domain::{
    code::Code,
    examined::Stop,
    inputs::{JourneyInputs, Settled, SettledOnce},
    postback::Stamped,
    trace::{Trace, saw},
};

pub(crate) fn check(
    journey: &JourneyInputs<'_>,
    postback: &Stamped,
    settled: &mut Settled,
    trace: &mut Trace,
) -> Result<(), Stop> {
    let at = postback.effective_at();
    let app = postback.claims.app_id.clone().unwrap_or_else(|| String::from("not stated"));
    let seen = saw([("effective time", super::moment(at)), ("app", app)]);
    if settled.calendar == SettledOnce::NotYet {
        settled.calendar = judge(journey, postback).map_or(SettledOnce::Passed, SettledOnce::Stopped);
    }
    super::settled_outcome(settled.calendar, Rule::Calendar, seen, trace)
}

fn judge(journey: &JourneyInputs<'_>, postback: &Stamped) -> Option<Code> {
    let at = postback.effective_at();
    let newest = match journey.dated_by {
        Some(number) => journey.offer.versions.get(&number)?,
        None => journey.offer.versions.last_key_value()?.1,
    };
    let stated_app = postback.claims.app_id.as_deref();
    let apps_differ = newest.app_id.as_deref().zip(stated_app).is_some_and(|(own, stated)| own != stated);
    if !newest.dates.contains(at) {
        Some(Code::RejectedOutsideDates)
    } else if journey.offer.is_stopped_at(at) {
        Some(Code::RejectedOfferPaused)
    } else if apps_differ {
        Some(Code::RejectedWrongApp)
    } else {
        None
    }
}
