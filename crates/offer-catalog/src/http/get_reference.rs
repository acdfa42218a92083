//! `GET /api/v1/reference`: what may be chosen, so that no client needs to guess.

use actix_web::{get, web};
use http_kit::{Json, Problem, auth::Caller};

use super::json::ReferenceJson;
use crate::flows::Catalog;

/// What may be chosen
///
/// The valid words of offers, tokens and postbacks, and the categories that the tenant has agreed on.
#[utoipa::path(
    tag = "Reference",
    security(("apiToken" = ["read"])),
    responses((status = 200, description = "The words.", body = ReferenceJson)),
)]
#[get("/api/v1/reference")]
pub async fn get_reference(
    caller: Caller,
    catalog: web::Data<Catalog>,
) -> Result<Json<ReferenceJson>, Problem> {
    caller.require_read_tenant()?;
    Ok(Json(ReferenceJson::new(catalog.categories(caller.tenant).await?)))
}
