//! One look for every service's OpenAPI document.
//!
//! The document is made from the same `routes` function that the server registers, so it cannot describe what is not
//! served. [`document`] then adds what all services share and no handler should have to repeat: the security schemes, the
//! errors that follow from what an operation takes (`problems`), what headers and ids are (`parameters`), and examples
//! made of the examples of the schemas (`examples`), and who
//! may call what (`doors`). What a handler says itself stays as it is.

mod about;
mod descriptions;
mod doors;
mod examples;
mod facts;
mod parameters;
mod problems;

use std::collections::BTreeSet;

use actix_web::App;
use serde_json::Value;
use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{
        Components, InfoBuilder, OpenApi, RefOr,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
        tag::TagBuilder,
    },
};
use utoipa_actix_web::{AppExt as _, service_config::ServiceConfig};

pub use self::about::{About, Parameter, Said};
use crate::problem::{FieldError, ProblemBody};

/// The name of the scheme for API tokens; in a handler, with the name of its [`Door`](crate::auth::Door):
/// `security(("apiToken" = ["read"]))`.
pub const API_TOKEN: &str = "apiToken";
/// The name of the scheme for the operator's token.
pub const OPERATOR_TOKEN: &str = "operatorToken";

/// Methods that a path item can have, in the order in which they are told.
const METHODS: [&str; 8] = ["get", "head", "post", "put", "patch", "delete", "options", "trace"];

/// The document of the service whose handlers `routes` registers. Needs no state: nothing is run.
///
/// # Errors
/// When the document cannot be written as JSON: a bug of a schema.
pub fn document(
    about: &About,
    routes: impl FnOnce(&mut ServiceConfig<'_>),
) -> Result<Value, serde_json::Error> {
    let mut document = described(routes);
    document.info = InfoBuilder::new()
        .title(about.title)
        .version(about.version)
        .description(Some(about.description))
        .build();
    let tag = |(name, text): &(&str, &str)| TagBuilder::new().name(*name).description(Some(*text)).build();
    document.tags = (!about.tags.is_empty()).then(|| about.tags.iter().map(tag).collect());
    let components = document.components.get_or_insert(Components::new());
    components.schemas.insert(ProblemBody::name().into_owned(), ProblemBody::schema());
    components.schemas.insert(FieldError::name().into_owned(), FieldError::schema());
    components.security_schemes.insert(API_TOKEN.to_owned(), RefOr::T(api_token()));
    components.security_schemes.insert(OPERATOR_TOKEN.to_owned(), RefOr::T(operator_token()));

    let mut document = serde_json::to_value(document)?;
    let described = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut);
    described.into_iter().flatten().for_each(|(_, schema)| descriptions::lift(schema));
    let schemas = document.pointer("/components/schemas").cloned().unwrap_or_default();
    let said = (about.problems)();
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations_mut(&mut document) {
        // GET and HEAD have no body, whatever their handler does with the POST it serves too.
        if matches!(method.as_str(), "get" | "head")
            && let Some(operation) = operation.as_object_mut()
        {
            operation.remove("requestBody");
        }
        tell_apart(&mut ids, &method, operation);
        doors::explain(operation);
        parameters::explain(operation, about.parameters);
        problems::complete(&path, operation, &schemas, about.parameters, &said);
        examples::complete(operation, &schemas);
    }
    Ok(document)
}

/// [`document`] as the text that `print-openapi` prints.
///
/// # Errors
/// When the document cannot be written as JSON: a bug of a schema.
pub fn json(about: &About, routes: impl FnOnce(&mut ServiceConfig<'_>)) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&document(about, routes)?)
}

/// Every operation with its path and method.
fn operations_mut(document: &mut Value) -> impl Iterator<Item = (String, String, &mut Value)> {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    paths.into_iter().flatten().flat_map(|(path, item)| {
        let members = item.as_object_mut().into_iter().flatten();
        let operations = members.filter(|(name, _)| METHODS.contains(&name.as_str()));
        operations.map(move |(method, operation)| (path.clone(), method.clone(), operation))
    })
}

/// One handler may serve several methods; an id names one operation.
fn tell_apart(ids: &mut BTreeSet<String>, method: &str, operation: &mut Value) {
    let Some(Value::String(id)) = operation.get_mut("operationId") else { return };
    if !ids.insert(id.clone()) {
        *id = format!("{id}_{method}");
        ids.insert(id.clone());
    }
}

/// The bare document: paths and schemas.
pub(crate) fn described(routes: impl FnOnce(&mut ServiceConfig<'_>)) -> OpenApi {
    App::new().into_utoipa_app().configure(routes).split_for_parts().1
}

fn api_token() -> SecurityScheme {
    SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
        "authorization",
        "`ApiToken gkt_…` or `Bearer gkt_…`: a token of the tenant, shown once when it was made",
    )))
}

fn operator_token() -> SecurityScheme {
    SecurityScheme::Http(
        HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("the operator's token from the service's settings"))
            .build(),
    )
}
