//! `GET /api/v1/erasures`: who ordered when that somebody be forgotten.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, auth::Caller};

use super::{Api, get_erasure::ErasureBody, unavailable};

/// Orders to forget a person, the latest first
#[utoipa::path(
    tag = "erasures",
    params(Page),
    security(("apiToken" = ["manage"])),
    responses((status = 200, description = "A page of orders.", body = ListBody<ErasureBody>))
)]
#[get("/api/v1/erasures")]
pub(super) async fn list_erasures(
    caller: Caller,
    api: web::Data<Api>,
    page: Page,
) -> Result<Json<ListBody<ErasureBody>>, Problem> {
    caller.require_owner()?;
    let orders = api.attributor.erasures(caller.tenant, page.offset(), page.limit()).await;
    let (orders, total) = orders.map_err(unavailable)?;
    Ok(Json(page.of(orders.into_iter().map(ErasureBody::from).collect(), total)))
}
