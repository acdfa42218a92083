//! `POST /api/v1/categories`.

use actix_web::{HttpResponse, post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};

use super::json::{CategoriesJson, CategoryBody};
use crate::flows::Catalog;

/// Agree on a category
///
/// Clients offer it for choice from then on. Offers may name others: nothing is refused for its category.
#[utoipa::path(
    tag = "Reference",
    security(("apiToken" = ["write"])),
    request_body = CategoryBody,
    responses(
        (status = 201, description = "All categories.", body = CategoriesJson),
        (status = 400, description = "The body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "It is there already, or there are too many.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/categories")]
pub async fn add_category(
    caller: Caller,
    catalog: web::Data<Catalog>,
    body: Json<CategoryBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let categories = catalog.add_category(caller.tenant, caller.token, body.0.read()?).await?;
    Ok(HttpResponse::Created().json(CategoriesJson { categories }))
}
