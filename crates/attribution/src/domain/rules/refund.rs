//! Rule 6: a negative amount is a refund. What it puts on review is worked out once everything is judged: see
//! `review`.

use super::Rule;
use crate::domain::{
    code::Code,
    examined::Stop,
    postback::Stamped,
    trace::{Trace, saw},
};

pub(crate) fn check(postback: &Stamped, trace: &mut Trace) -> Result<(), Stop> {
    let amount = postback.claims.amount.or(postback.claims.amount_usd);
    let seen = saw([("amount", amount.map_or_else(|| String::from("none"), |amount| amount.to_string()))]);
    if amount.is_some_and(|amount| amount.0 < 0) {
        trace.stop(Rule::NoRefund, Code::Refund, seen);
        return Err(Stop::at(Code::Refund));
    }
    trace.pass(Rule::NoRefund, seen);
    Ok(())
}
