//! `POST /api/v1/categories`.

use actix_web::{HttpRequest, HttpResponse, post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};

use super::{
    json::{CategoriesJson, CategoryBody},
    once,
};
use crate::flows::Catalog;

/// Agree on a category
///
/// Clients offer it for choice from then on. Offers may name others: nothing is refused for its category.
#[utoipa::path(
    tag = "Reference",
    security(("apiToken" = ["write"])),
    params(once::IdempotencyKey),
    request_body = CategoryBody,
    responses(
        (status = 201, description = "All categories.", body = CategoriesJson),
        (status = 400, description = "The Idempotency-Key or the body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "It is there already, or there are too many, or a call with this Idempotency-Key is under way.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/categories")]
pub async fn add_category(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    body: Json<CategoryBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let written = |categories| once::created(&CategoriesJson { categories });
    let once = once::once(&caller, &request, &body.0, written)?;
    Ok(once::told(&catalog.add_category(caller.tenant, caller.token, body.0.read()?, &once).await?))
}
