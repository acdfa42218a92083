//! Rules broken on purpose, in test builds only: to see that the tests notice.

use std::cell::Cell;

use super::Rule;
use crate::domain::{code::Code, examined::Stop};

/// How a rule is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutation {
    /// It lets everything through.
    Dropped,
    /// It lets through what it should stop, and stops what it should let through.
    Inverted,
}

thread_local! {
    static BROKEN: Cell<Option<(Rule, Mutation)>> = const { Cell::new(None) };
}

/// Runs something on this thread while a rule is broken.
pub(crate) fn broken<T>(rule: Rule, mutation: Mutation, run: impl FnOnce() -> T) -> T {
    BROKEN.set(Some((rule, mutation)));
    let outcome = run();
    BROKEN.set(None);
    outcome
}

/// Whether the rule lets through, given what it found.
pub(crate) fn lets_through(rule: Rule, found: bool) -> bool {
    match BROKEN.get() {
        Some((broken, Mutation::Dropped)) if broken == rule => true,
        Some((broken, Mutation::Inverted)) if broken == rule => !found,
        _ => found,
    }
}

/// A rule that only says yes or no.
pub(crate) fn heeded(rule: Rule, found: Result<(), Stop>) -> Result<(), Stop> {
    match (found, lets_through(rule, found.is_ok())) {
        (_, true) => Ok(()),
        (Err(stop), false) => Err(stop),
        (Ok(()), false) => Err(Stop::at(refusal(rule))),
    }
}

/// A rule that hands something on: when it has nothing, it can not let through, and stops as the rule after it would.
pub(crate) fn handed<T>(rule: Rule, found: Result<T, Stop>) -> Result<T, Stop> {
    match (lets_through(rule, found.is_ok()), found) {
        (true, Err(_)) => Err(Stop::at(Code::WaitingTerms)),
        (false, Ok(_)) => Err(Stop::at(refusal(rule))),
        (_, found) => found,
    }
}

fn refusal(rule: Rule) -> Code {
    match rule {
        Rule::UsableClickId => Code::UnattributedNoClick,
        Rule::ClickKnown => Code::UnattributedInvalidClick,
        Rule::ClickArrived => Code::WaitingClick,
        Rule::Fit => Code::RejectedCredential,
        Rule::Primary => Code::IgnoredNotPrimary,
        Rule::NoRefund => Code::Refund,
        Rule::NotFlagged => Code::RejectedFraud,
        Rule::TermsKnown => Code::WaitingTerms,
        Rule::Mapped => Code::UnmappedEvent,
        Rule::Calendar => Code::RejectedOutsideDates,
        Rule::Targeting => Code::RejectedTargeting,
        Rule::Deadline => Code::RejectedLate,
        Rule::Sequence => Code::RejectedSequence,
        Rule::Occurrence => Code::Duplicate,
        Rule::Member => Code::RejectedMemberRepeat,
    }
}
