//! Rule 5: of two attributions that report the same event only the primary counts, and a re-engagement is no install.

use super::Rule;
use crate::domain::{
    click::Click,
    code::Code,
    examined::Stop,
    inputs::JourneyInputs,
    postback::Stamped,
    trace::{Trace, saw},
};

/// The Event ID that the guide fixes for installs.
pub(crate) const INSTALL: &str = "Install";

pub(crate) fn check(
    journey: &JourneyInputs<'_>,
    click: &Click,
    postback: &Stamped,
    trace: &mut Trace,
) -> Result<(), Stop> {
    let claims = &postback.claims;
    let primary = match claims.is_primary {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not stated",
    };
    let kind = claims.retargeting_type.clone().unwrap_or_else(|| String::from("not stated"));
    let seen = saw([("primary attribution", String::from(primary)), ("retargeting", kind)]);
    let stopped = if claims.is_primary == Some(false) {
        Some(Code::IgnoredNotPrimary)
    } else if is_reengagement(claims.retargeting_type.as_deref()) && is_install(journey, click, postback) {
        Some(Code::IgnoredReengagement)
    } else {
        None
    };
    if let Some(code) = stopped {
        trace.stop(Rule::Primary, code, seen);
        return Err(Stop::at(code));
    }
    trace.pass(Rule::Primary, seen);
    Ok(())
}

fn is_reengagement(kind: Option<&str>) -> bool {
    kind.is_some_and(|kind| kind.replace('_', "-").eq_ignore_ascii_case("re-engagement"))
}

/// Whether it reports the install, by its Event ID: also when the offer does not map it.
pub(crate) fn is_install(journey: &JourneyInputs<'_>, click: &Click, postback: &Stamped) -> bool {
    super::mapped::event_id_of(journey, click, postback) == INSTALL
}
