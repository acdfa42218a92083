//! `GET /api/v1/delivery-replays`: what was ordered.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, auth::Caller};

use super::body::DeliveryReplayBody;
use crate::http::{Api, error};

/// Replays of deliveries, the latest first
///
/// Single ones too: who had what told again, and why.
#[utoipa::path(
    tag = "deliveries",
    params(Page),
    security(("apiToken" = ["read"])),
    responses((status = 200, description = "A page of them, without their progress.", body = ListBody<DeliveryReplayBody>))
)]
#[get("/api/v1/delivery-replays")]
pub(super) async fn list_replays(
    caller: Caller,
    api: web::Data<Api>,
    page: Page,
) -> Result<Json<ListBody<DeliveryReplayBody>>, Problem> {
    caller.require_read_tenant()?;
    let found = api.replayer.list(caller.tenant, page.offset(), page.limit()).await;
    let (rows, total) = found.map_err(error::of_store)?;
    Ok(Json(page.of(rows.into_iter().map(DeliveryReplayBody::from).collect(), total)))
}
