//! `GET /api/v1/tokens`: a page of them.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, auth::Caller};

use super::{answers, json::TokenJson};
use crate::flows::Catalog;

/// API tokens, without their texts
#[utoipa::path(
    tag = "Tokens",
    security(("apiToken" = [])),
    params(Page),
    responses((status = 200, description = "A page of them.", body = ListBody<TokenJson>)),
)]
#[get("/api/v1/tokens")]
pub async fn list_tokens(
    caller: Caller,
    catalog: web::Data<Catalog>,
    page: Page,
) -> Result<Json<ListBody<TokenJson>>, Problem> {
    caller.require_owner()?;
    let found = catalog.list_tokens(caller.tenant, answers::window(page)).await?;
    Ok(Json(page.of(found.items.into_iter().map(TokenJson::from).collect(), found.total)))
}
