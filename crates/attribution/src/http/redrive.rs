//! `POST /api/v1/quarantine/redrives`: judge a group again.

use actix_web::{HttpResponse, post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};
use kernel::OfferId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Api, period::code, unavailable};
use crate::domain::{Code, QUARANTINE_CAUSES};

/// A group of the quarantine.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"code": "UNMAPPED_EVENT", "offerId": "0194a3c0-0000-7000-8000-000000000001", "eventId": "level-10"}))]
pub struct RedriveBody {
    /// The cause: `UNMAPPED_EVENT`, `WAITING_TERMS` or `REJECTED_TARGETING`.
    #[schema(example = "UNMAPPED_EVENT", pattern = "^(UNMAPPED_EVENT|WAITING_TERMS|REJECTED_TARGETING)$")]
    code: String,
    /// The offer.
    offer_id: Uuid,
    /// The Event ID as reported.
    #[schema(example = "level-10")]
    event_id: String,
}

/// The order to judge it again.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"redriveId": "019a2c00-1c3d-7a10-8b00-5d2c7a9e4f61"}))]
pub struct OrderedBody {
    /// Its progress is at `/api/v1/quarantine/redrives/{redriveId}`.
    pub redrive_id: Uuid,
}

/// Judge a group again
///
/// With everything that is known now. Asked for again before it is done, it is the same order. It only adds what the rules
/// give: nothing that is reached is un-reached.
#[utoipa::path(
    tag = "quarantine",
    security(("apiToken" = ["write"])),
    request_body = RedriveBody,
    responses(
        (status = 202, description = "Ordered.", body = OrderedBody),
        (status = 400, description = "The cause is none that judging again can change.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    )
)]
#[post("/api/v1/quarantine/redrives")]
pub(super) async fn redrive(
    caller: Caller,
    api: web::Data<Api>,
    body: Json<RedriveBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let body = body.0;
    let open: Vec<Code> = QUARANTINE_CAUSES.into_iter().filter(|code| code.may_be_lifted()).collect();
    let group = (OfferId::from_uuid(body.offer_id), code(&body.code, &open)?, body.event_id);
    let redrive_id = api.attributor.redrive(caller.tenant, caller.token, group).await.map_err(unavailable)?;
    Ok(HttpResponse::Accepted().json(OrderedBody { redrive_id }))
}
