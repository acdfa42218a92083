//! `GET /api/v1/tokens`: a page of them.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, ProblemBody, Query, auth::Caller};
use kernel::Role;
use serde::Deserialize;

use super::{
    answers,
    json::TokenJson,
    reading::{Field, Reader, Unknown},
};
use crate::{
    domain::listing::{Sort, SortKey, TokenFilter},
    flows::Catalog,
};

/// Which ones, and in which order.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct Parameters {
    /// owner, manager, analyst or publisher.
    #[param(value_type = Option<String>, example = "publisher", pattern = "^(owner|manager|analyst|publisher)$")]
    role: Field,
    /// Only of this publisher.
    #[param(value_type = Option<Uuid>)]
    publisher_id: Field,
    /// createdAt or -createdAt; -createdAt, the newest first, when left out.
    #[param(value_type = Option<String>, example = "createdAt", pattern = "^-?createdAt$")]
    sort: Field,
    #[serde(flatten)]
    #[param(ignore)]
    unknown: Unknown,
}

/// API tokens, without their texts
#[utoipa::path(
    tag = "Tokens",
    security(("apiToken" = ["manage"])),
    params(Parameters, Page),
    responses(
        (status = 200, description = "A page of them.", body = ListBody<TokenJson>),
        (status = 400, description = "A parameter can not be read, or is none of this list's.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/tokens")]
pub async fn list_tokens(
    caller: Caller,
    catalog: web::Data<Catalog>,
    page: Result<Page, Problem>,
    Query(parameters): Query<Parameters>,
) -> Result<Json<ListBody<TokenJson>>, Problem> {
    caller.require_owner()?;
    let mut r = Reader::new();
    r.refuse_unknown_parameters(&parameters.unknown, "role, publisherId, sort, page and page_size");
    let roles =
        [Role::Owner, Role::Manager, Role::Analyst, Role::Publisher].map(|role| (role.as_str(), role));
    let filter = TokenFilter {
        role: r.word("role", parameters.role, &roles),
        publisher: r.id("publisherId", parameters.publisher_id),
    };
    let keys = [("createdAt", SortKey::CreatedAt)];
    let sort = r.sort(parameters.sort, &keys, Sort::down(SortKey::CreatedAt));
    let (page, (filter, sort)) = Page::beside(page, r.finish_parameters((filter, sort)))?;
    let found = catalog.list_tokens(caller.tenant, filter, sort, answers::window(page)).await?;
    Ok(Json(page.of(found.items.into_iter().map(TokenJson::from).collect(), found.total)))
}
