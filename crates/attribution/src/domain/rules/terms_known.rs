//! Rule 8: the click's version of the offer is known here, or the event is younger than the click and known. The
//! catalog's facts and AppsFlyer's calls travel on different roads; whichever comes second decides.

use super::Rule;
use crate::domain::{
    click::Click,
    code::Code,
    examined::Stop,
    inputs::JourneyInputs,
    postback::Stamped,
    trace::{Trace, saw},
};

pub(crate) fn check(
    journey: &JourneyInputs<'_>,
    click: &Click,
    postback: &Stamped,
    trace: &mut Trace,
) -> Result<(), Stop> {
    let newest = journey.offer.versions.keys().next_back();
    let seen = saw([
        ("version of the click", click.offer_version.to_string()),
        ("newest version known here", newest.map_or_else(|| String::from("none"), ToString::to_string)),
    ]);
    let own_is_known = journey.offer.versions.contains_key(&click.offer_version);
    if own_is_known || is_younger_event(journey, click, postback) {
        trace.pass(Rule::TermsKnown, seen);
        return Ok(());
    }
    trace.stop(Rule::TermsKnown, Code::WaitingTerms, seen);
    Err(Stop::at(Code::WaitingTerms))
}

fn is_younger_event(journey: &JourneyInputs<'_>, click: &Click, postback: &Stamped) -> bool {
    let name = super::mapped::event_id_of(journey, click, postback);
    journey
        .offer
        .since_version(click.offer_version)
        .filter_map(|version| version.event_by_name(&name))
        .any(|event| event.introduced_in > click.offer_version)
}
