//! Rule 11: country and platform are on target, when stated. Widening applies at once, narrowing only to new clicks:
//! so one version from the click's on that has both on target is enough.

use super::Rule;
use crate::domain::{
    click::Click,
    code::Code,
    examined::Stop,
    inputs::JourneyInputs,
    offer::{Platform, Version},
    postback::{Claims, Stamped},
    trace::{Trace, saw},
};

pub(crate) fn check(
    journey: &JourneyInputs<'_>,
    click: &Click,
    postback: &Stamped,
    trace: &mut Trace,
) -> Result<(), Stop> {
    let claims = &postback.claims;
    let stated = |value: &Option<String>| value.clone().unwrap_or_else(|| String::from("not stated"));
    let seen = saw([("country", stated(&claims.country)), ("platform", stated(&claims.platform))]);
    if journey.offer.since_version(click.offer_version).any(|version| is_on_target(version, claims)) {
        trace.pass(Rule::Targeting, seen);
        return Ok(());
    }
    trace.stop(Rule::Targeting, Code::RejectedTargeting, seen);
    Err(Stop::at(Code::RejectedTargeting))
}

fn is_on_target(version: &Version, claims: &Claims) -> bool {
    let country = claims
        .country
        .as_ref()
        .is_none_or(|country| version.countries.is_empty() || version.countries.contains(country));
    let platform = claims
        .platform
        .as_deref()
        .and_then(Platform::parse)
        .is_none_or(|platform| version.platforms.is_empty() || version.platforms.contains(&platform));
    country && platform
}
