//! Rule 2: the click is known, or the id carries our MAC. A click that arrives later still decides it.

use super::Rule;
use crate::domain::{
    code::Code,
    examined::Stop,
    inputs::JourneyInputs,
    trace::{Trace, saw},
};

pub(crate) fn check(journey: &JourneyInputs<'_>, trace: &mut Trace) -> Result<(), Stop> {
    let yes_no = |yes: bool| String::from(if yes { "yes" } else { "no" });
    let seen = saw([
        ("known", yes_no(journey.click.is_some())),
        ("carries our mark", yes_no(journey.click_id_is_ours)),
    ]);
    if journey.click.is_some() || journey.click_id_is_ours {
        trace.pass(Rule::ClickKnown, seen);
        return Ok(());
    }
    trace.stop(Rule::ClickKnown, Code::UnattributedInvalidClick, seen);
    Err(Stop::at(Code::UnattributedInvalidClick))
}
