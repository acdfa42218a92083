//! The trace: every rule in order, what it looked at, how it ended. Stored as codes and inputs, put into sentences
//! only when somebody reads it.

use serde::{Deserialize, Serialize};

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredStep", into = "StoredStep")]
pub struct Step {
    /// The rule.
    pub rule: Rule,
    /// How it ended.
    pub outcome: Outcome,
    /// What it looked at: name and value, for people.
    pub saw: Vec<(String, String)>,
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

/// The lines of one decision.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Trace(pub Vec<Step>);

/// What a rule looked at, while it is being written down.
pub(crate) type Saw = Vec<(String, String)>;

/// Names what a rule looked at.
pub(crate) fn saw<const N: usize>(pairs: [(&str, String); N]) -> Saw {
    pairs.into_iter().map(|(name, value)| (String::from(name), value)).collect()
}

impl Trace {
    pub(crate) fn pass(&mut self, rule: Rule, saw: Saw) {
        self.0.push(Step { rule, outcome: Outcome::Passed, saw });
    }

    pub(crate) fn mark(&mut self, rule: Rule, code: Code, saw: Saw) {
        self.0.push(Step { rule, outcome: Outcome::Marked(code), saw });
    }

    pub(crate) fn stop(&mut self, rule: Rule, code: Code, saw: Saw) {
        self.0.push(Step { rule, outcome: Outcome::Stopped(code), saw });
    }
}

/// The stored form: short keys, because there is one for every rule of every postback.
#[derive(Serialize, Deserialize)]
struct StoredStep {
    r: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    c: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    m: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    s: Vec<(String, String)>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl From<Step> for StoredStep {
    fn from(step: Step) -> Self {
        let (code, marked) = match step.outcome {
            Outcome::Passed => (None, false),
            Outcome::Marked(code) => (Some(code), true),
            Outcome::Stopped(code) => (Some(code), false),
        };
        Self {
            r: step.rule.number(),
            c: code.map(|code| String::from(code.as_str())),
            m: marked,
            s: step.saw,
        }
    }
}

impl TryFrom<StoredStep> for Step {
    type Error = String;

    fn try_from(stored: StoredStep) -> Result<Self, String> {
        let rule = Rule::by_number(stored.r).ok_or_else(|| format!("no rule {}", stored.r))?;
        let code =
            stored.c.map(|text| Code::parse(&text).ok_or_else(|| format!("no code {text}"))).transpose()?;
        let outcome = match (code, stored.m) {
            (None, _) => Outcome::Passed,
            (Some(code), true) => Outcome::Marked(code),
            (Some(code), false) => Outcome::Stopped(code),
        };
        Ok(Self { rule, outcome, saw: stored.s })
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
        assert_eq!(trace.0[0].sentence(), "1. Does it name a usable click id? Yes. (click id: x)");
    }
}
