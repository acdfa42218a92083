//! Rule 9: the Event ID names an event of the offer, in the click's version or any later one. A name once used never
//! means another event of the offer, so it does not matter which of them maps it; an old name keeps working for
//! clicks of its time.

use super::Rule;
use crate::domain::{
    click::Click,
    code::Code,
    conversion::TermsSource,
    examined::{Mapped, Stop},
    inputs::JourneyInputs,
    offer::{OfferEvent, Version},
    postback::Stamped,
    trace::{Trace, saw},
};

/// The Event ID the postback reports, with every Event ID the click's offer has at hand.
pub(crate) fn event_id_of(journey: &JourneyInputs<'_>, click: &Click, postback: &Stamped) -> String {
    postback.claims.event_id(|candidate| {
        journey
            .offer
            .since_version(click.offer_version)
            .any(|version| version.event_by_name(candidate).is_some())
    })
}

/// Finds the event of an Event ID: the newest version that knows the name.
pub(crate) fn find<'a>(
    journey: &'a JourneyInputs<'_>,
    click: &Click,
    event_id: &str,
) -> Option<(&'a Version, &'a OfferEvent)> {
    journey
        .offer
        .since_version(click.offer_version)
        .rev()
        .find_map(|version| version.event_by_name(event_id).map(|event| (version, event)))
}

pub(crate) fn check<'a>(
    journey: &'a JourneyInputs<'_>,
    click: &Click,
    postback: &Stamped,
    trace: &mut Trace,
) -> Result<Mapped<'a>, Stop> {
    let event_id = event_id_of(journey, click, postback);
    let Some((version, event)) = find(journey, click, &event_id) else {
        trace.stop(Rule::Mapped, Code::UnmappedEvent, saw([("Event ID", event_id)]));
        return Err(Stop::at(Code::UnmappedEvent));
    };
    let own = journey.offer.versions.get(&click.offer_version).and_then(|version| version.event(event.id));
    let (terms, source) = match own {
        Some(own) => (&own.terms, TermsSource { version: click.offer_version, introduced_later: false }),
        None => {
            (&event.introduced_terms, TermsSource { version: event.introduced_in, introduced_later: true })
        }
    };
    let seen = saw([
        ("Event ID", event_id),
        ("event", event.name.clone()),
        ("mapped by version", version.number.to_string()),
        ("terms of version", source.version.to_string()),
    ]);
    trace.pass(Rule::Mapped, seen);
    Ok(Mapped { event: event.id, terms, source })
}
