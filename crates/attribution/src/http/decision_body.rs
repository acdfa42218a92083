//! A decision as the API shows it: its code, a sentence, and the rules that led there.

use std::borrow::Cow;

use serde::Serialize;
use utoipa::ToSchema;

use super::written;
use crate::{
    domain::{Code, Outcome, Step},
    flows::DecisionStory,
};

/// One revision of a decision.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "code": "QUALIFIED",
    "sentence": "Accepted.",
    "revision": 1,
    "decidedAt": "2026-12-02T10:15:30.310000Z",
    "mayChange": false,
    "trace": [{
        "rule": 9,
        "outcome": "passed",
        "sentence": "9. Is the event mapped in the offer? Yes. (Event ID: level_10; version: 2)",
        "saw": [{"name": "Event ID", "value": "level_10"}, {"name": "version", "value": "2"}]
    }]
}))]
pub struct DecisionBody {
    /// Stable: program against it.
    #[schema(example = "WAITING_SEQUENCE")]
    pub code: &'static str,
    /// For people.
    pub sentence: &'static str,
    /// Counts the decisions on this postback; the highest is current.
    pub revision: i32,
    /// When it was decided.
    pub decided_at: String,
    /// Whether something that comes later may change it.
    pub may_change: bool,
    /// Every rule in order, as far as they were run.
    pub trace: Vec<StepBody>,
}

/// One rule's line.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "rule": 9,
    "outcome": "passed",
    "sentence": "9. Is the event mapped in the offer? Yes. (Event ID: level_10; version: 2)",
    "saw": [{"name": "Event ID", "value": "level_10"}, {"name": "version", "value": "2"}]
}))]
pub struct StepBody {
    /// The rule's number.
    pub rule: u8,
    /// `passed`, `marked` (has its code, and the rules below were run) or `stopped`.
    pub outcome: &'static str,
    /// The code it gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// The whole line for people.
    #[schema(example = "9. Is the event mapped in the offer? Yes. (Event ID: level_10; version: 2)")]
    pub sentence: String,
    /// What it looked at.
    pub saw: Vec<SawBody>,
}

/// Something a rule looked at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"name": "Event ID", "value": "level_10"}))]
pub struct SawBody {
    /// What.
    pub name: String,
    /// Its value then.
    pub value: String,
}

impl From<DecisionStory> for DecisionBody {
    fn from(story: DecisionStory) -> Self {
        Self {
            code: story.code.as_str(),
            sentence: story.code.sentence(),
            revision: story.revision,
            decided_at: written(story.decided_at),
            may_change: story.code.may_be_lifted(),
            trace: story.trace.steps().iter().map(StepBody::from).collect(),
        }
    }
}

impl From<&Step> for StepBody {
    fn from(step: &Step) -> Self {
        let (outcome, code) = match step.outcome {
            Outcome::Passed => ("passed", None),
            Outcome::Marked(code) => ("marked", Some(code)),
            Outcome::Stopped(code) => ("stopped", Some(code)),
        };
        Self {
            rule: step.rule.number(),
            outcome,
            code: code.map(Code::as_str),
            sentence: step.sentence(),
            saw: step.saw.iter().map(SawBody::from).collect(),
        }
    }
}

impl From<&(Cow<'static, str>, String)> for SawBody {
    fn from((name, value): &(Cow<'static, str>, String)) -> Self {
        Self { name: String::from(&**name), value: value.clone() }
    }
}
