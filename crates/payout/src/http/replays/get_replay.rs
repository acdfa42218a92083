//! `GET /api/v1/delivery-replays/{replay_id}`: how far it is.

use actix_web::{get, web};
use http_kit::{Json, Problem, auth::Caller};
use uuid::Uuid;

use super::{body::DeliveryReplayBody, problem};
use crate::http::Api;

/// A replay of deliveries
///
/// How far it is, what became of those that were made due, and why others were not.
#[utoipa::path(
    tag = "deliveries",
    params(("replay_id" = Uuid, Path)),
    security(("apiToken" = ["read"])),
    responses(
        (status = 200, description = "The replay.", body = DeliveryReplayBody),
        (status = 404, description = "No such replay of this tenant."),
    )
)]
#[get("/api/v1/delivery-replays/{replay_id}")]
pub(super) async fn get_replay(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<Uuid>,
) -> Result<Json<DeliveryReplayBody>, Problem> {
    caller.require_read_tenant()?;
    let replay = api.replayer.get(caller.tenant, id.into_inner()).await;
    Ok(Json(replay.map_err(|failure| problem(failure, "replay"))?.into()))
}
