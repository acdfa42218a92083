//! `GET /api/v1/replays`: what was ordered.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, auth::Caller};

use super::body::ReplayBody;
use crate::{flows::replay::Replayer, http::unavailable};

/// Replays, the latest first
#[utoipa::path(
    tag = "Replay",
    security(("apiToken" = ["read"])),
    params(Page),
    responses((status = 200, description = "A page of them, without what they found.", body = ListBody<ReplayBody>)),
)]
#[get("/api/v1/replays")]
pub(super) async fn list_replays(
    caller: Caller,
    replayer: web::Data<Replayer>,
    page: Page,
) -> Result<Json<ListBody<ReplayBody>>, Problem> {
    caller.require_read_tenant()?;
    let found = replayer.list(caller.tenant, page.offset(), page.limit()).await;
    let (shown, total) = found.map_err(unavailable)?;
    Ok(Json(page.of(shown.into_iter().map(ReplayBody::new).collect(), total)))
}
