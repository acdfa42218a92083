//! The page: what the API is, its operations by tag, its schemas.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;

use super::{
    operation::Operation,
    prose::{paragraphs, sentence},
    schema::{self, items, members, text},
};

/// Methods of a path item that are operations, in the order in which they are shown.
const METHODS: [&str; 7] = ["get", "head", "post", "put", "patch", "delete", "options"];

/// The whole page.
pub(super) fn page(document: &Value, style: &str) -> Markup {
    let info = document.get("info").unwrap_or(&Value::Null);
    let title = text(info, "title");
    let chapters = chapters(document);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " API" }
                style { (PreEscaped(style)) }
            }
            body {
                header {
                    h1 { (title) " API" }
                    p.version { "Version " (text(info, "version")) ", " a href="/openapi.json" { "OpenAPI " (text(document, "openapi")) } }
                }
                nav aria-label="Contents" { details open { summary { "Contents" } (contents(&chapters)) } }
                main {
                    section id="about" {
                        (paragraphs(text(info, "description")))
                        (security(document))
                    }
                    @for chapter in &chapters {
                        section id=(chapter.anchor()) {
                            h2 { (chapter.tag) }
                            (paragraphs(chapter.description))
                            @for operation in &chapter.operations { (operation.article()) }
                        }
                    }
                    section id="schemas" { h2 { "Schemas" } (schema::all(document)) }
                }
            }
        }
    }
}

/// The operations of one tag.
struct Chapter<'a> {
    tag: &'a str,
    description: &'a str,
    operations: Vec<Operation<'a>>,
}

impl Chapter<'_> {
    fn anchor(&self) -> String {
        let letters = self.tag.to_lowercase();
        format!("tag-{}", letters.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-"))
    }
}

/// The document's tags in its order, then those that it does not list.
fn chapters(document: &Value) -> Vec<Chapter<'_>> {
    let mut tags: Vec<(&str, &str)> =
        items(document, "tags").map(|tag| (text(tag, "name"), text(tag, "description"))).collect();
    for operation in operations(document) {
        for tag in items(operation.value, "tags").filter_map(Value::as_str) {
            if !tags.iter().any(|(known, _)| *known == tag) {
                tags.push((tag, ""));
            }
        }
    }
    let chapter = |(tag, description)| Chapter {
        tag,
        description,
        operations: operations(document).filter(|operation| operation.has_tag(tag)).collect(),
    };
    tags.into_iter().map(chapter).filter(|chapter| !chapter.operations.is_empty()).collect()
}

fn operations(document: &Value) -> impl Iterator<Item = Operation<'_>> {
    members(document, "paths").flat_map(|(path, item)| {
        let operation = move |method| Some(Operation { path, method, value: item.get(method)? });
        METHODS.into_iter().filter_map(operation)
    })
}

fn contents(chapters: &[Chapter<'_>]) -> Markup {
    html! {
        ul {
            li { a href="#about" { "About" } }
            @for chapter in chapters {
                li {
                    a href={ "#" (chapter.anchor()) } { (chapter.tag) }
                    ul {
                        @for operation in &chapter.operations {
                            li { a href={ "#" (operation.anchor()) } { (operation.method()) " " (sentence(operation.summary())) } }
                        }
                    }
                }
            }
            li { a href="#schemas" { "Schemas" } }
        }
    }
}

fn security(document: &Value) -> Markup {
    let schemes = document.pointer("/components/securitySchemes").unwrap_or(&Value::Null);
    html! {
        h2 { "Who calls" }
        dl {
            @for (name, scheme) in schemes.as_object().into_iter().flatten() {
                dt id={ "security-" (name) } { code { (name) } }
                dd { "Header " code { "Authorization" } ": " (sentence(text(scheme, "description"))) "." }
            }
        }
    }
}
