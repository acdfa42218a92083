//! Calls every operation of a document.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Client;
use serde_json::Value;
use url::Url;

use super::{
    document::{Access, Api, Operation},
    findings::Findings,
    ids,
    party::{Held, Party},
};

/// A running service with its document.
#[derive(Debug)]
pub struct Walk<'a> {
    /// Its operations.
    pub api: &'a Api,
    /// Such as `http://127.0.0.1:8080`.
    pub url: String,
    /// See [`crate::http_client`].
    pub client: Client,
    /// Bodies by the name of the operation, where the document's example will not do; by that and a field
    /// (`POST /api/v1/tokens userId`) for the call in which the field holds somebody else's id. Ids in them are replaced.
    pub bodies: &'a [(&'a str, Value)],
    /// Fields that are called ids and are names that a caller chooses, such as `externalId`.
    pub free: &'a [&'a str],
    /// Operations, or operations and a field, that do not look at somebody else's id, or not while the caller waits.
    pub lenient: &'a [&'a str],
    /// Fields that differ from look to look, such as `lastUsedAt`.
    pub moving: &'a [&'a str],
}

/// One call.
#[derive(Debug, Clone)]
pub(super) struct Call<'a> {
    pub(super) operation: &'a Operation,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Option<Value>,
}

/// Its answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Head and body.
    pub(super) text: String,
    pub(super) body: Value,
}

impl Call<'_> {
    /// Everything that the caller said.
    pub(super) fn said(&self) -> String {
        let body = self.body.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{} {:?} {body}", self.path, self.query)
    }
}

impl Walk<'_> {
    /// Each token is let in by exactly the operations whose description says so: all others answer 403.
    ///
    /// Called are ids that nobody has, so that little happens.
    ///
    /// # Panics
    /// With every operation that answers otherwise.
    pub async fn opens_for_whom_it_says(&self, tokens: &[Held], nobody: &Party) {
        let mut findings = Findings::default();
        for operation in self.operations() {
            for held in tokens {
                let answer = self.send(&self.call(operation, nobody), Some(&held.token)).await;
                let passes = held.passes(&operation.access);
                let is_right = match answer.status {
                    401 | 500.. => false,
                    status => (status == 403) != passes,
                };
                let scope = held.scope.as_deref().unwrap_or("every scope");
                let told = format!("{} as {} with {scope}: {}", operation.name(), held.role, answer.text);
                findings.call((!is_right).then_some(told));
            }
        }
        findings.settle("not as the document says");
    }

    /// None of these opens anything: 401 on every operation that is not for everybody.
    ///
    /// # Panics
    /// With every operation that answers otherwise.
    pub async fn refuses(&self, tokens: &[(&str, Option<&str>)], ids: &Party) {
        let mut findings = Findings::default();
        for operation in self.api.operations.iter().filter(|one| one.access != Access::Everybody) {
            for (which, token) in tokens {
                let answer = self.send(&self.call(operation, ids), *token).await;
                let told = || format!("{} with {which} token: {}", operation.name(), answer.text);
                findings.call((answer.status != 401).then(told));
            }
        }
        findings.settle("tokens that open nothing");
    }

    /// What the party sees of itself: the answer of every GET that takes one of its tokens.
    ///
    /// # Panics
    /// When one of them does not answer 200, also for its first page of 100.
    pub async fn everything_of(&self, party: &Party) -> BTreeMap<String, Value> {
        let mut seen = BTreeMap::new();
        for operation in self.operations().filter(|operation| operation.method == "GET") {
            let Some(token) = party.token_for(&operation.access) else { continue };
            let answer = self.send(&self.call(operation, party), Some(token)).await;
            assert_eq!(answer.status, 200, "{} of {}: {}", operation.name(), party.name, answer.text);
            seen.insert(operation.name(), ids::without(answer.body, self.moving));
        }
        assert!(!seen.is_empty(), "{} sees nothing", party.name);
        seen
    }

    /// Every id that the party sees of itself.
    pub async fn ids_shown(&self, party: &Party) -> BTreeSet<String> {
        let seen = self.everything_of(party).await;
        seen.values().flat_map(|answer| ids::uuids(&answer.to_string())).collect()
    }

    /// With its own tokens, the party's ids lead somewhere on every operation that it may call: never 401, 403 or 404.
    /// So it is the stranger for whom they lead nowhere. Changes and deletes: call it last.
    ///
    /// # Panics
    /// With every operation that answers otherwise.
    pub async fn own_ids_lead_somewhere(&self, party: &Party) {
        let mut findings = Findings::default();
        let mut operations: Vec<_> = self.operations().collect();
        operations.sort_by_key(|operation| (operation.method == "DELETE", operation.path_parameters.len()));
        for operation in operations {
            let Some(token) = party.token_for(&operation.access) else { continue };
            let answer = self.send(&self.call(operation, party), Some(token)).await;
            let is_wrong = matches!(answer.status, 401 | 403 | 404 | 500..);
            findings.call(is_wrong.then(|| format!("{}: {}", operation.name(), answer.text)));
        }
        findings.settle("own ids");
    }

    /// Those that take API tokens.
    pub(super) fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.api.operations.iter().filter(|one| matches!(one.access, Access::Tokens { .. }))
    }

    /// A call with the ids of one party.
    pub(super) fn call<'b>(&self, operation: &'b Operation, party: &Party) -> Call<'b> {
        self.call_with(operation, party, |_parameter| party)
    }

    /// A call with ids of `party` in its body, and in its path with those of whom `whose` says.
    pub(super) fn call_with<'b, 'p>(
        &self,
        operation: &'b Operation,
        party: &Party,
        whose: impl Fn(&str) -> &'p Party,
    ) -> Call<'b> {
        let name = operation.name();
        let mut path = operation.path.clone();
        for parameter in &operation.path_parameters {
            path = path.replace(&format!("{{{parameter}}}"), whose(parameter).id(parameter, &name));
        }
        let pages = operation.query_parameters.iter().filter(|parameter| *parameter == "page_size");
        let query = pages.map(|parameter| (parameter.clone(), "100".to_owned())).collect();
        Call { operation, path, query, body: self.body(operation, party, "") }
    }

    /// The party's own body; where `field` will hold somebody else's id, the one for that.
    pub(super) fn body(&self, operation: &Operation, party: &Party, field: &str) -> Option<Value> {
        let body = operation.body.as_ref()?;
        let name = operation.name();
        let named = |name: &str| self.bodies.iter().find(|(of, _)| *of == name).map(|(_, own)| own);
        let own = named(&format!("{name} {field}")).or_else(|| named(&name));
        let mut whole = own.unwrap_or(&body.example).clone();
        for steps in body.ids.iter().filter(|steps| ids::holds(&whole, steps)).cloned().collect::<Vec<_>>() {
            if let Some(reference) = self.reference(&steps) {
                ids::put(&mut whole, &steps, party.id(&reference, &name));
            }
        }
        Some(whole)
    }

    /// Whose id a field holds; none of a name that a caller chooses.
    pub(super) fn reference(&self, steps: &[String]) -> Option<String> {
        let field = steps.iter().rev().find(|step| *step != "0")?;
        (!self.free.contains(&field.as_str())).then(|| ids::of_path(field))
    }

    pub(super) async fn send(&self, call: &Call<'_>, token: Option<&str>) -> Answer {
        let mut url = Url::parse(&format!("{}{}", self.url, call.path)).expect("an address");
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let mut request = self.client.request(call.operation.method.clone(), url);
        if let Some(token) = token {
            request = request.header("authorization", format!("ApiToken {token}"));
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let name = call.operation.name();
        let mut response = request.send().await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let status = response.status();
        let mut text = format!("{status}\n");
        for (header, value) in response.headers() {
            text.push_str(&format!("{header}: {}\n", String::from_utf8_lossy(value.as_bytes())));
        }
        let bytes = if is_stream(&response) {
            // It does not end; what it says at once is its answer.
            response.chunk().await.map(Option::unwrap_or_default)
        } else {
            response.bytes().await
        };
        let bytes = bytes.unwrap_or_else(|error| panic!("{name}: {error}"));
        text.push_str(&String::from_utf8_lossy(&bytes));
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_no_json| Value::from(String::from_utf8_lossy(&bytes)));
        Answer { status: status.as_u16(), text, body }
    }
}

/// Whether the answer is one of events that goes on until somebody hangs up.
fn is_stream(response: &reqwest::Response) -> bool {
    let kind = response.headers().get("content-type");
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}
