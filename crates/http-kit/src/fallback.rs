//! Answers for requests that no handler takes: 404, and 405 with `Allow` when the path exists.

use std::collections::BTreeMap;

use actix_web::{
    HttpRequest, guard,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    web::{self, ServiceConfig},
};
use utoipa::openapi::{OpenApi, PathItem};

use crate::problem::Problem;

/// Which methods each route pattern takes, read from the same description that callers read.
pub(crate) struct Methods(BTreeMap<String, String>);

impl Methods {
    pub(crate) fn of(document: &OpenApi) -> Self {
        Self(document.paths.paths.iter().map(|(path, item)| (path.clone(), allowed(item))).collect())
    }

    /// A path that the description leaves out.
    pub(crate) fn add(&mut self, path: &str, allow: &str) {
        self.0.insert(path.to_owned(), allow.to_owned());
    }
}

/// Answers for the methods that a path does not take where a pattern would take it with them: `PUT /offers/lint` is no
/// offer called `lint`. To be registered before the routes.
pub(crate) fn refuse_other_methods(methods: &Methods, config: &mut ServiceConfig) {
    for (path, allow) in &methods.0 {
        if path.contains('{') || !methods.0.keys().any(|pattern| takes(pattern, path)) {
            continue;
        }
        let allow = allow.clone();
        let other = guard::fn_guard(move |context| {
            let method = context.head().method.as_str();
            allow.split(", ").all(|allowed| allowed != method)
        });
        config.service(web::resource(path.as_str()).guard(other).to(no_handler));
    }
}

/// Whether a pattern with parameters stands for a path as well.
fn takes(pattern: &str, path: &str) -> bool {
    pattern.contains('{')
        && pattern.split('/').count() == path.split('/').count()
        && pattern.split('/').zip(path.split('/')).all(|(part, is)| part == is || part.starts_with('{'))
}

fn allowed(item: &PathItem) -> String {
    [
        ("GET", &item.get),
        ("PUT", &item.put),
        ("POST", &item.post),
        ("DELETE", &item.delete),
        ("OPTIONS", &item.options),
        ("HEAD", &item.head),
        ("PATCH", &item.patch),
        ("TRACE", &item.trace),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_ref().map(|_| method))
    .collect::<Vec<_>>()
    .join(", ")
}

/// A route pattern as OpenAPI writes it: `{rest:.*}` is `{rest}` there.
fn documented(pattern: &str) -> String {
    let mut plain = String::with_capacity(pattern.len());
    let mut in_expression = false;
    for letter in pattern.chars() {
        in_expression = match letter {
            ':' if plain.rfind('{') > plain.rfind('}') => true,
            '}' => false,
            _ => in_expression,
        };
        if !in_expression {
            plain.push(letter);
        }
    }
    plain
}

/// The default service of every app.
pub(crate) async fn no_handler(request: HttpRequest) -> Result<&'static str, Problem> {
    let methods = request.app_data::<web::Data<Methods>>();
    let pattern = request.match_pattern().map(|pattern| documented(&pattern));
    let allow = pattern.and_then(|pattern| methods.and_then(|known| known.0.get(&pattern)));
    match allow.and_then(|allow| HeaderValue::from_str(allow).ok()) {
        Some(allow) => Err(Problem::of_status(StatusCode::METHOD_NOT_ALLOWED)
            .detail("the header Allow lists the methods of this path")
            .header(header::ALLOW, allow)),
        None => Err(Problem::of_status(StatusCode::NOT_FOUND)
            .detail("nothing is served at this path; the service's OpenAPI document lists what is")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_takes_paths_of_its_own_length() {
        assert!(takes("/offers/{id}", "/offers/lint"));
        assert!(!takes("/offers/{id}/share", "/offers/lint"));
        assert!(!takes("/tokens/{id}", "/offers/lint"));
        assert!(!takes("/offers/lint", "/offers/lint"));
    }

    #[test]
    fn expressions_are_no_part_of_a_documented_path() {
        assert_eq!(documented("/api/v1/{segment:.*}"), "/api/v1/{segment}");
        assert_eq!(documented("/a:b/{id}/x"), "/a:b/{id}/x");
    }
}
