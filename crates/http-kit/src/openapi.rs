//! One look for every service's OpenAPI document.
//!
//! The document is made from the same `routes` function that the server registers, so it cannot describe what is not
//! served. [`document`] then adds what all services share: the security schemes and the shape of errors.

mod doors;

use actix_web::App;
use serde_json::Value;
use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{
        Components, ContentBuilder, InfoBuilder, OpenApi, PathItem, Ref, RefOr, Response, ResponseBuilder,
        path::Operation,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};
use utoipa_actix_web::{AppExt as _, service_config::ServiceConfig};

use crate::problem::{FieldError, PROBLEM_JSON, ProblemBody};

/// The name of the scheme for API tokens; in a handler, with the name of its [`Door`](crate::auth::Door):
/// `security(("apiToken" = ["read"]))`.
pub const API_TOKEN: &str = "apiToken";
/// The name of the scheme for the operator's token.
pub const OPERATOR_TOKEN: &str = "operatorToken";

/// What a service says about itself on top of its document.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// Such as `GoKart offer-catalog`.
    pub title: &'static str,
    /// `env!("CARGO_PKG_VERSION")` of the service.
    pub version: &'static str,
    /// A paragraph for people who meet the service for the first time.
    pub description: &'static str,
}

/// The document of the service whose handlers `routes` registers. Needs no state: nothing is run.
#[must_use]
pub fn document(about: About, routes: impl FnOnce(&mut ServiceConfig<'_>)) -> OpenApi {
    let mut document = described(routes);
    document.info = InfoBuilder::new()
        .title(about.title)
        .version(about.version)
        .description(Some(about.description))
        .build();
    let components = document.components.get_or_insert(Components::new());
    components.schemas.insert(ProblemBody::name().into_owned(), ProblemBody::schema());
    components.schemas.insert(FieldError::name().into_owned(), FieldError::schema());
    components.security_schemes.insert(API_TOKEN.to_owned(), RefOr::T(api_token()));
    components.security_schemes.insert(OPERATOR_TOKEN.to_owned(), RefOr::T(operator_token()));
    for item in document.paths.paths.values_mut() {
        operations(item).for_each(add_problems);
    }
    document
}

/// [`document`] as the text that `print-openapi` prints, with who may call what.
///
/// # Errors
/// When the document cannot be written as JSON: a bug of a schema.
pub fn json(about: About, routes: impl FnOnce(&mut ServiceConfig<'_>)) -> Result<String, serde_json::Error> {
    let mut document = serde_json::to_value(document(about, routes))?;
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    let items = paths.into_iter().flatten().filter_map(|(_, item)| item.as_object_mut());
    items.flatten().for_each(|(_, operation)| doors::explain(operation));
    serde_json::to_string_pretty(&document)
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

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.options,
        &mut item.head,
        &mut item.patch,
        &mut item.trace,
    ]
    .into_iter()
    .flatten()
}

/// Every operation can fail in these ways; what a handler documents itself stays as it is.
fn add_problems(operation: &mut Operation) {
    let secured = operation
        .security
        .as_ref()
        .is_some_and(|schemes| schemes.iter().any(|scheme| *scheme != SecurityRequirement::default()));
    let responses = &mut operation.responses.responses;
    let mut add = |status: &str, text: &str| {
        responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(problem(text)));
    };
    add("default", "Any other error.");
    if secured {
        add("401", "No token, or one that is unknown, expired or revoked.");
        add("403", "The token's role or scopes do not allow this.");
    }
}

fn problem(text: &str) -> Response {
    let schema = Ref::from_schema_name(ProblemBody::name().into_owned());
    ResponseBuilder::new()
        .description(text)
        .content(PROBLEM_JSON, ContentBuilder::new().schema(Some(schema)).build())
        .build()
}
