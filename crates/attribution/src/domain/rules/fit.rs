//! Rule 4: the credential's generation was valid when the postback was received, and a credential of an advertiser
//! only ever reaches that advertiser's offers.
//!
//! Judged once: a revocation that becomes known later does not reach back to what it had let through. While the
//! credential itself is not known here, the postback waits like one whose terms are not known.

use super::Rule;
use crate::domain::{
    click::Click,
    code::Code,
    examined::Stop,
    inputs::{JourneyInputs, Settled, SettledOnce},
    postback::Stamped,
    trace::{Trace, saw},
};

pub(crate) fn check(
    journey: &JourneyInputs<'_>,
    click: &Click,
    postback: &Stamped,
    settled: &mut Settled,
    trace: &mut Trace,
) -> Result<(), Stop> {
    let seen = saw([
        ("credential", postback.credential.to_string()),
        ("generation", postback.generation.to_string()),
        ("received at", super::moment(postback.received_at)),
        ("advertiser of the click", click.advertiser.to_string()),
    ]);
    if settled.fit == SettledOnce::NotYet {
        let known = journey
            .credentials
            .get(&postback.credential)
            .and_then(|credential| Some((credential, credential.generations.get(&postback.generation)?)));
        let Some((credential, generation)) = known else {
            trace.stop(Rule::Fit, Code::WaitingTerms, seen);
            return Err(Stop::at(Code::WaitingTerms));
        };
        let own = credential.advertiser.is_none_or(|advertiser| advertiser == click.advertiser);
        settled.fit = if own && generation.accepts(postback.received_at) {
            SettledOnce::Passed
        } else {
            SettledOnce::Stopped(Code::RejectedCredential)
        };
    }
    super::settled_outcome(settled.fit, Rule::Fit, seen, trace)
}
