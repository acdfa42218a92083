//! One operation: what it is for, what it takes, what it answers.

use maud::{Markup, html};
use serde_json::Value;

use super::{
    prose::{paragraphs, sentence},
    schema::{items, kind, members, plain, pretty, text},
};

/// An operation where the document has it.
pub(super) struct Operation<'a> {
    pub(super) path: &'a str,
    pub(super) method: &'a str,
    pub(super) value: &'a Value,
}

impl Operation<'_> {
    /// The anchor: its id.
    pub(super) fn anchor(&self) -> &str {
        text(self.value, "operationId")
    }

    pub(super) fn has_tag(&self, tag: &str) -> bool {
        items(self.value, "tags").any(|one| one.as_str() == Some(tag))
    }

    pub(super) fn summary(&self) -> &str {
        text(self.value, "summary")
    }

    pub(super) fn method(&self) -> Markup {
        html! { span.method data-method=(self.method) { (self.method.to_uppercase()) } }
    }

    pub(super) fn article(&self) -> Markup {
        html! {
            article id=(self.anchor()) {
                h3 { (sentence(self.summary())) }
                p.route { (self.method()) " " code { (self.path) } }
                (paragraphs(text(self.value, "description")))
                p.access { (self.access()) }
                (self.parameters())
                (self.body())
                (self.answers())
            }
        }
    }

    fn access(&self) -> Markup {
        let schemes: Vec<&String> = items(self.value, "security")
            .filter_map(Value::as_object)
            .flatten()
            .map(|(name, _)| name)
            .collect();
        html! {
            @if schemes.is_empty() { "Open to everybody." }
            @else {
                "Takes "
                @for (at, scheme) in schemes.iter().enumerate() {
                    @if at > 0 { " or " }
                    a href={ "#security-" (scheme) } { code { (scheme) } }
                }
                "."
            }
        }
    }

    fn parameters(&self) -> Markup {
        let parameters: Vec<&Value> = items(self.value, "parameters").collect();
        html! {
            @if !parameters.is_empty() {
                h4 { "Parameters" }
                table {
                    thead { tr { th { "Name" } th { "Is" } th { "Means" } } }
                    tbody {
                        @for parameter in parameters {
                            tr {
                                td {
                                    code { (text(parameter, "name")) } " "
                                    span.place { (text(parameter, "in")) }
                                    @if parameter.get("required") == Some(&Value::Bool(true)) { " " span.must { "required" } }
                                }
                                td { (parameter.get("schema").map(kind).unwrap_or_default()) }
                                td {
                                    (sentence(text(parameter, "description")))
                                    @if let Some(example) = parameter.get("example") {
                                        " " span.example { "e.g. " code { (plain(example)) } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn body(&self) -> Markup {
        let Some(body) = self.value.get("requestBody") else { return Markup::default() };
        let is_required = body.get("required") == Some(&Value::Bool(true));
        html! {
            h4 { "Body" }
            (paragraphs(text(body, "description")))
            @if !is_required { p { "May be left out." } }
            @for (media, content) in members(body, "content") { (self::content(media, content, true)) }
        }
    }

    fn answers(&self) -> Markup {
        let (good, bad): (Vec<_>, Vec<_>) =
            members(self.value, "responses").partition(|(status, _)| status.starts_with(['2', '3']));
        html! {
            h4 { "Answers" }
            @for (status, response) in good { (answer(status, response, true)) }
            details.errors {
                summary {
                    "Errors: "
                    @for (at, (status, _)) in bad.iter().enumerate() {
                        @if at > 0 { ", " }
                        (status)
                    }
                }
                @for (status, response) in bad { (answer(status, response, false)) }
            }
        }
    }
}

fn answer(status: &str, response: &Value, is_open: bool) -> Markup {
    html! {
        div.answer {
            p { strong { (status) } " " (sentence(text(response, "description"))) }
            @for (name, header) in members(response, "headers") {
                p.header { "Header " code { (name) } ": " (sentence(text(header, "description"))) }
            }
            @for (media, content) in members(response, "content") { (self::content(media, content, is_open)) }
        }
    }
}

fn content(media: &str, content: &Value, is_open: bool) -> Markup {
    let several = members(content, "examples").filter_map(|(_, example)| example.get("value"));
    let examples: Vec<&Value> = content.get("example").into_iter().chain(several).collect();
    html! {
        p.media {
            code { (media) }
            @if let Some(schema) = content.get("schema") { ": " (kind(schema)) }
        }
        @for example in examples {
            details open[is_open] {
                summary { "Example" @if let Some(code) = example.get("code").and_then(Value::as_str) { " " code { (code) } } }
                pre { code { (example.as_str().map_or_else(|| pretty(example), str::to_owned)) } }
            }
        }
    }
}
