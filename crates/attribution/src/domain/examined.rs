//! A postback on its way through the rules.

use kernel::Timestamp;

use super::{
    code::Code, conversion::TermsSource, inputs::Settled, offer::EventTerms, postback::Stamped, trace::Trace,
};

/// A rule said no, or not yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stop {
    pub(crate) code: Code,
    /// When time alone changes the answer.
    pub(crate) until: Option<Timestamp>,
}

impl Stop {
    pub(crate) const fn at(code: Code) -> Self {
        Self { code, until: None }
    }
}

/// The offer event a postback reports, with the terms that are its click's.
#[derive(Debug, Clone)]
pub(crate) struct Mapped<'a> {
    pub(crate) event: kernel::OfferEventId,
    pub(crate) terms: &'a EventTerms,
    pub(crate) source: TermsSource,
}

/// What rules 1 to 12 found.
#[derive(Debug)]
pub(crate) struct Examined<'a> {
    pub(crate) postback: &'a Stamped,
    pub(crate) trace: Trace,
    pub(crate) settled: Settled,
    /// The rule that stopped it.
    pub(crate) stop: Option<Stop>,
    /// Reported as fraud: marked by rule 7, and run on.
    pub(crate) flagged: bool,
    /// Set once rule 9 passed.
    pub(crate) mapped: Option<Mapped<'a>>,
}

impl Examined<'_> {
    /// Whether rule 13 is asked.
    pub(crate) const fn reaches_sequence(&self) -> bool {
        self.stop.is_none() && self.mapped.is_some()
    }
}
