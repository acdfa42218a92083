//! `POST /api/v1/delivery-replays/{replay_id}/stop`: end it before its time.

use actix_web::{post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};
use uuid::Uuid;

use super::{body::DeliveryReplayBody, problem};
use crate::http::Api;

/// Stop a replay of deliveries
///
/// It makes nothing more due; what it made due, 50 deliveries at most, is told all the same. Once more changes nothing.
#[utoipa::path(
    tag = "deliveries",
    params(("replay_id" = Uuid, Path)),
    security(("apiToken" = ["write"])),
    responses(
        (status = 200, description = "The replay as it stands now.", body = DeliveryReplayBody),
        (status = 404, description = "No such replay of this tenant."),
        (status = 409, description = "It is done.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    )
)]
#[post("/api/v1/delivery-replays/{replay_id}/stop")]
pub(super) async fn stop_replay(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<Uuid>,
) -> Result<Json<DeliveryReplayBody>, Problem> {
    caller.require_write()?;
    let replay = api.replayer.stop(caller.tenant, id.into_inner(), caller.token).await;
    Ok(Json(replay.map_err(|failure| problem(failure, "replay"))?.into()))
}
