//! Rule 3: the click has arrived. A postback can overtake its click by the length of a queue; it waits seven days.

use kernel::{Days, Timestamp};

use super::Rule;
use crate::domain::{
    click::Click,
    code::Code,
    examined::Stop,
    inputs::JourneyInputs,
    postback::Stamped,
    trace::{Trace, saw},
};

/// How long a postback waits for its click.
const PATIENCE: Days = Days(7);

pub(crate) fn check<'a>(
    journey: &'a JourneyInputs<'_>,
    postback: &Stamped,
    horizon: Timestamp,
    trace: &mut Trace,
) -> Result<&'a Click, Stop> {
    if let Some(click) = &journey.click {
        let seen = saw([
            ("clicked at", super::moment(click.clicked_at)),
            ("offer", click.offer.to_string()),
            ("offer version", click.offer_version.to_string()),
        ]);
        trace.pass(Rule::ClickArrived, seen);
        return Ok(click);
    }
    let until = postback.received_at.saturating_add_days(PATIENCE);
    let seen = saw([("waits until", super::moment(until))]);
    let stop = if horizon < until {
        Stop { code: Code::WaitingClick, until: Some(until) }
    } else {
        Stop::at(Code::UnattributedUnknownClick)
    };
    trace.stop(Rule::ClickArrived, stop.code, seen);
    Err(stop)
}
