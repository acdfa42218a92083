//! Rule 7: AppsFlyer's fraud flag. It never stops: the rules below are still run for the step the postback may have
//! reached, and the veto on its occurrence is worked out in `review`.

use super::Rule;
use crate::domain::{
    code::Code,
    postback::Stamped,
    trace::{Saw, Trace, saw},
};

pub(crate) fn check(postback: &Stamped, trace: &mut Trace) -> bool {
    if let Some(reason) = &postback.claims.blocked {
        trace.mark(Rule::NotFlagged, Code::RejectedFraud, saw([("reason", reason.clone())]));
        return true;
    }
    trace.pass(Rule::NotFlagged, Saw::new());
    false
}
