//! `GET /api/v1/quarantine/redrives/{redrive_id}`: how far it is.

use actix_web::{get, web};
use http_kit::{Json, Problem, auth::Caller};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Api, unavailable};

/// How far an order to judge a group again is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "state": "done", "code": "UNMAPPED_EVENT", "offerId": "0194a3c0-0000-7000-8000-000000000001", "eventId": "level-10",
    "askedAt": "2026-12-03T09:00:00.000000Z", "postbacks": 42, "stillThere": 0
}))]
pub struct RedriveProgressBody {
    /// `running` or `done`.
    #[schema(example = "done")]
    pub state: &'static str,
    /// The cause.
    #[schema(example = "UNMAPPED_EVENT")]
    pub code: String,
    /// The offer.
    pub offer_id: Uuid,
    /// The Event ID.
    pub event_id: String,
    /// When it was asked for.
    pub asked_at: String,
    /// Postbacks in the group then.
    #[schema(example = 42)]
    pub postbacks: i64,
    /// Postbacks in the group now, with those that came since.
    #[schema(example = 0)]
    pub still_there: i64,
}

/// Read how far a re-drive is
#[utoipa::path(
    tag = "quarantine",
    params(("redrive_id" = Uuid, Path, description = "As ordering it answered")),
    security(("apiToken" = ["read"])),
    responses(
        (status = 200, description = "How far it is.", body = RedriveProgressBody),
        (status = 404, description = "No such order.")
    )
)]
#[get("/api/v1/quarantine/redrives/{redrive_id}")]
pub(super) async fn get_redrive(
    caller: Caller,
    redrive: web::Path<Uuid>,
    api: web::Data<Api>,
) -> Result<Json<RedriveProgressBody>, Problem> {
    caller.require_read_tenant()?;
    let found =
        api.attributor.redrive_progress(caller.tenant, redrive.into_inner()).await.map_err(unavailable)?;
    let progress = found.ok_or_else(|| Problem::not_found("redrive"))?;
    Ok(Json(RedriveProgressBody {
        state: if progress.is_done { "done" } else { "running" },
        code: progress.code,
        offer_id: progress.offer_id,
        event_id: progress.event_id,
        asked_at: progress.asked_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        postbacks: progress.postbacks,
        still_there: progress.still_there,
    }))
}
