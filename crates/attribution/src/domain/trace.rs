//! The trace: every rule in order, what it looked at, how it ended. Stored as codes and inputs, put into sentences
//! only when somebody reads it.

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{code::Code, rules::Rule};

/// How a rule ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It let the postback through.
    Passed,
    /// It gave the postback its code, and the rules below are still run (the fraud flag).
    Marked(Code),
    /// It stopped the postback.
    Stopped(Code),
}

/// One rule's line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "StoredStep<'static>")]
pub struct Step {
    /// The rule.
    pub rule: Rule,
    /// How it ended.
    pub outcome: Outcome,
    /// What it looked at: name and value, for people.
    pub saw: Saw,
}

impl Step {
    /// The line as a person reads it: `9. Is the event mapped in the offer? Yes (Event ID level_10, version 2).`
    #[must_use]
    pub fn sentence(&self) -> String {
        let answer = match self.outcome {
            Outcome::Passed => "Yes.",
            Outcome::Marked(code) | Outcome::Stopped(code) => code.sentence(),
        };
        let saw: Vec<String> = self.saw.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        if saw.is_empty() {
            format!("{}. {} {answer}", self.rule.number(), self.rule.question())
        } else {
            format!("{}. {} {answer} ({})", self.rule.number(), self.rule.question(), saw.join("; "))
        }
    }
}

/// The lines of one decision. Shared: a trace is long, and goes from the verdict to what changed to what is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace(Arc<Vec<Step>>);

/// What a rule looked at: name and value. The rules' own names cost nothing to write down.
pub type Saw = Vec<(Cow<'static, str>, String)>;

/// Names what a rule looked at.
pub(crate) fn saw<const N: usize>(pairs: [(&'static str, String); N]) -> Saw {
    pairs.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect()
}

impl Trace {
    /// The lines in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    pub(crate) fn steps_mut(&mut self) -> &mut [Step] {
        Arc::make_mut(&mut self.0).as_mut_slice()
    }

    fn add(&mut self, step: Step) {
        Arc::make_mut(&mut self.0).push(step);
    }

    pub(crate) fn pass(&mut self, rule: Rule, saw: Saw) {
        self.add(Step { rule, outcome: Outcome::Passed, saw });
    }

    pub(crate) fn mark(&mut self, rule: Rule, code: Code, saw: Saw) {
        self.add(Step { rule, outcome: Outcome::Marked(code), saw });
    }

    pub(crate) fn stop(&mut self, rule: Rule, code: Code, saw: Saw) {
        self.add(Step { rule, outcome: Outcome::Stopped(code), saw });
    }
}

impl Serialize for Trace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(StoredStep::from))
    }
}

impl<'de> Deserialize<'de> for Trace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(|steps| Self(Arc::new(steps)))
    }
}

/// The stored form: short keys, because there is one for every rule of every postback.
#[derive(Serialize, Deserialize)]
struct StoredStep<'a> {
    r: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    c: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "is_false")]
    m: bool,
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    s: Cow<'a, [(Cow<'static, str>, String)]>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl<'a> From<&'a Step> for StoredStep<'a> {
    fn from(step: &'a Step) -> Self {
        let (code, marked) = match step.outcome {
            Outcome::Passed => (None, false),
            Outcome::Marked(code) => (Some(code), true),
            Outcome::Stopped(code) => (Some(code), false),
        };
        Self {
            r: step.rule.number(),
            c: code.map(|code| Cow::Borrowed(code.as_str())),
            m: marked,
            s: Cow::Borrowed(&step.saw),
        }
    }
}

impl TryFrom<StoredStep<'_>> for Step {
    type Error = String;

    fn try_from(stored: StoredStep<'_>) -> Result<Self, String> {
        let rule = Rule::by_number(stored.r).ok_or_else(|| format!("no rule {}", stored.r))?;
        let code =
            stored.c.map(|text| Code::parse(&text).ok_or_else(|| format!("no code {text}"))).transpose()?;
        let outcome = match (code, stored.m) {
            (None, _) => Outcome::Passed,
            (Some(code), true) => Outcome::Marked(code),
            (Some(code), false) => Outcome::Stopped(code),
        };
        Ok(Self { rule, outcome, saw: stored.s.into_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_survives_its_stored_form() {
        let mut trace = Trace::default();
        trace.pass(Rule::UsableClickId, saw([("click id", String::from("x"))]));
        trace.mark(Rule::NotFlagged, Code::RejectedFraud, Saw::new());
        trace.stop(Rule::Mapped, Code::UnmappedEvent, Saw::new());
        let stored = serde_json::to_value(&trace).unwrap();
        assert_eq!(serde_json::from_value::<Trace>(stored).unwrap(), trace);
        assert_eq!(trace.steps()[0].sentence(), "1. Does it name a usable click id? Yes. (click id: x)");
    }
}
