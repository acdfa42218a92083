//! `GET /api/v1/credentials`: a page of them.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, auth::Caller};

use super::{answers, json::CredentialJson};
use crate::flows::Catalog;

/// Postback credentials, masked
#[utoipa::path(
    tag = "Credentials",
    security(("apiToken" = [])),
    params(Page),
    responses((status = 200, description = "A page of them.", body = ListBody<CredentialJson>)),
)]
#[get("/api/v1/credentials")]
pub async fn list_credentials(
    caller: Caller,
    catalog: web::Data<Catalog>,
    page: Page,
) -> Result<Json<ListBody<CredentialJson>>, Problem> {
    caller.require_read_tenant()?;
    let found = catalog.list_credentials(caller.tenant, answers::window(page)).await?;
    Ok(Json(page.of(found.items.into_iter().map(CredentialJson::from).collect(), found.total)))
}
