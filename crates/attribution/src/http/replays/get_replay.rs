//! `GET /api/v1/replays/{replay_id}`: how far it is, and what it found.

use actix_web::{get, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};
use uuid::Uuid;

use super::body::ReplayBody;
use crate::{flows::replay::Replayer, http::unavailable};

/// A replay
///
/// How far it is, and what differs: decisions from code to code, conversions by what a replay for real does to them, and money
/// by publisher and currency, before caps and budget.
#[utoipa::path(
    tag = "Replay",
    security(("apiToken" = ["read"])),
    params(("replay_id" = Uuid, Path, description = "As ordering it answered.", example = "019abf10-7a10-7c4e-8f00-3d2b5a6c7d8e")),
    responses(
        (status = 200, description = "The replay.", body = ReplayBody),
        (status = 404, description = "No such replay; they are kept for 30 days.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/replays/{replay_id}")]
pub(super) async fn get_replay(
    caller: Caller,
    replayer: web::Data<Replayer>,
    path: web::Path<Uuid>,
) -> Result<Json<ReplayBody>, Problem> {
    caller.require_read_tenant()?;
    let found = replayer.get(caller.tenant, path.into_inner()).await.map_err(unavailable)?;
    let (shown, counts, sums) = found.ok_or_else(unknown)?;
    Ok(Json(ReplayBody::with(shown, &counts, &sums)))
}

/// 404.
pub(super) fn unknown() -> Problem {
    Problem::not_found("replay")
}
