//! Rule 12: the effective time is no later than the anchor plus the days of the event's deadline.

use kernel::Days;

use super::Rule;
use crate::domain::{
    click::Click,
    code::Code,
    examined::Stop,
    offer::{DeadlineAnchor, EventTerms},
    postback::Stamped,
    trace::{Saw, Trace, saw},
};

pub(crate) fn check(
    click: &Click,
    postback: &Stamped,
    terms: &EventTerms,
    trace: &mut Trace,
) -> Result<(), Stop> {
    let Some(days) = terms.deadline_days else {
        trace.pass(Rule::Deadline, Saw::new());
        return Ok(());
    };
    let anchor = match terms.deadline_anchor {
        DeadlineAnchor::Click => click.clicked_at,
        DeadlineAnchor::Install => postback.claims.install_time.unwrap_or(click.clicked_at),
    };
    let last = anchor.saturating_add_days(Days(days));
    let at = postback.effective_at();
    let seen = saw([("effective time", super::moment(at)), ("deadline", super::moment(last))]);
    if at <= last {
        trace.pass(Rule::Deadline, seen);
        return Ok(());
    }
    trace.stop(Rule::Deadline, Code::RejectedLate, seen);
    Err(Stop::at(Code::RejectedLate))
}
