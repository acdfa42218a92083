//! Nobody sees or touches what is somebody else's.

use serde_json::Value;

use super::{
    document::Operation,
    findings::Findings,
    ids,
    party::Party,
    walk::{Answer, Call, Walk},
};

/// What an id of somebody else is answered with.
const REFUSED: [u16; 3] = [403, 404, 422];

impl Walk<'_> {
    /// The caller reaches nothing of the other party, on any operation that one of its tokens opens: not with the other's
    /// ids in the path, one by one and all of them, nor in the query, nor in any field of the body that takes an id; no
    /// answer, a list's neither, holds a secret of the other but what the caller said itself; and the other sees the same
    /// of itself before and after.
    ///
    /// # Panics
    /// With every operation that answers otherwise; when a path or field holds an id that the test does not know; when
    /// one of the secrets can not be seen by the other party itself, for then nobody would see it leak.
    pub async fn keeps_apart(&self, caller: &Party, other: &Party) {
        let before = self.everything_of(other).await;
        let shown = before.values().map(Value::to_string).collect::<String>();
        for secret in &other.secrets {
            assert!(shown.contains(secret.as_str()), "{} does not see {secret} itself", other.name);
        }
        // What the caller may do to itself comes last: it would end what the other attempts need.
        let mut findings = Findings::default();
        for is_foreign in [true, false] {
            for operation in self.operations() {
                let Some(token) = caller.token_for(&operation.access) else { continue };
                let attempts = if is_foreign {
                    self.attempts(operation, caller, other)
                } else {
                    vec![Attempt { call: self.call(operation, caller), foreign: Foreign::Nothing }]
                };
                for attempt in attempts {
                    let answer = self.send(&attempt.call, Some(token)).await;
                    findings.call(self.judge(&attempt, &answer, other));
                }
            }
        }
        findings.settle("somebody else's");
        let after = self.everything_of(other).await;
        for (operation, answer) in before {
            assert_eq!(after.get(&operation), Some(&answer), "{operation} of {} has changed", other.name);
        }
    }

    fn attempts<'b>(&self, operation: &'b Operation, caller: &Party, other: &Party) -> Vec<Attempt<'b>> {
        let name = operation.name();
        let mut attempts = Vec::new();
        let differ = |parameter: &&String| caller.id(parameter, &name) != other.id(parameter, &name);
        let parameters: Vec<_> = operation.path_parameters.iter().filter(differ).collect();
        for foreign in &parameters {
            let whose = |parameter: &str| if parameter == foreign.as_str() { other } else { caller };
            attempts.push(Attempt::of_path(self.call_with(operation, caller, whose)));
        }
        if parameters.len() > 1 {
            attempts.push(Attempt::of_path(self.call_with(operation, caller, |_parameter| other)));
        }
        for parameter in &operation.query_parameters {
            if let Some(id) = self.other_id(std::slice::from_ref(parameter), other, &name) {
                let mut call = self.call(operation, caller);
                call.query.push((parameter.clone(), id.to_owned()));
                attempts.push(Attempt { call, foreign: Foreign::Query });
            }
        }
        for steps in operation.body.iter().flat_map(|body| &body.ids) {
            if let Some(id) = self.other_id(steps, other, &name) {
                let field = steps.iter().rfind(|step| *step != "0").cloned().unwrap_or_default();
                let mut call = self.call(operation, caller);
                call.body = self.body(operation, caller, &field);
                ids::put(call.body.get_or_insert_default(), steps, id);
                attempts.push(Attempt { call, foreign: Foreign::Field(field) });
            }
        }
        attempts
    }

    /// The other's id for a field or a parameter of a query that takes one.
    fn other_id<'p>(&self, steps: &[String], other: &'p Party, operation: &str) -> Option<&'p str> {
        let reference = self.reference(steps)?;
        let takes_ids = steps.iter().any(|step| ids::looks_like_an_id(step));
        let is_known = other.ids.contains_key(&reference);
        (takes_ids || is_known).then(|| other.id(&reference, operation))
    }

    fn is_lenient(&self, operation: &str, field: &str) -> bool {
        let is_it = |known: &&str| *known == operation || *known == format!("{operation} {field}");
        self.lenient.iter().any(is_it)
    }

    fn judge(&self, attempt: &Attempt<'_>, answer: &Answer, other: &Party) -> Vec<String> {
        let name = attempt.call.operation.name();
        let said = attempt.call.said();
        let told = |what: String| format!("{name}: {what}\n  {said}\n  {}", answer.text);
        let mut wrong = Vec::new();
        let leaked = other.secrets.iter().filter(|secret| !said.contains(secret.as_str()));
        for secret in leaked.filter(|secret| answer.text.contains(secret.as_str())) {
            wrong.push(told(format!("shows {secret}")));
        }
        let is_refused = REFUSED.contains(&answer.status);
        let is_right = match &attempt.foreign {
            Foreign::Nothing => answer.status < 500 && answer.status != 401,
            Foreign::Path => is_refused,
            Foreign::Query => is_refused || answer.status == 400 || shows_nothing(answer),
            Foreign::Field(field) if self.is_lenient(&name, field) => answer.status < 500,
            // A body that is refused for something else would prove nothing.
            Foreign::Field(field) => is_refused && (answer.status != 422 || names(&answer.body, field)),
        };
        if !is_right {
            wrong.push(told(format!("{:?}", attempt.foreign)));
        }
        wrong
    }
}

/// A call, and what in it is not the caller's.
#[derive(Debug)]
struct Attempt<'a> {
    call: Call<'a>,
    foreign: Foreign,
}

#[derive(Debug)]
enum Foreign {
    Nothing,
    Path,
    Query,
    Field(String),
}

impl<'a> Attempt<'a> {
    const fn of_path(call: Call<'a>) -> Self {
        Self { call, foreign: Foreign::Path }
    }
}

fn shows_nothing(answer: &Answer) -> bool {
    // The beginning of a stream of events.
    if answer.status == 200 && answer.body.as_str().is_some_and(|text| !text.contains("data:")) {
        return true;
    }
    answer.status == 200
        && answer.body["items"].as_array().is_some_and(Vec::is_empty)
        && answer.body["total"] == 0
}

fn names(problem: &Value, field: &str) -> bool {
    let mut errors = problem["errors"].as_array().into_iter().flatten();
    errors.any(|error| error["field"].as_str().is_some_and(|name| name.contains(field)))
}
