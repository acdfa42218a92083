//! `POST /api/v1/deliveries/{delivery_id}/replay`: tell one delivery again.

use actix_web::{HttpRequest, HttpResponse, http::header, post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};
use kernel::DeliveryId;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{WRONG_REASON, body::DeliveryReplayBody, problem, reason};
use crate::{
    flows::replays::By,
    http::{
        Api,
        idempotency_key::{self, IdempotencyKey},
    },
};

/// Why one delivery is told again.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"reason": "The publisher repaired its endpoint."}))]
pub struct ReplayDeliveryBody {
    /// Why: 1 to 1000 characters, not only white space. Kept with the replay.
    #[schema(
        example = "The publisher repaired its endpoint.",
        min_length = 1,
        max_length = 1000,
        pattern = r"\S"
    )]
    reason: String,
}

/// Tell one delivery again
///
/// At once, with the same `webhook-id` and a schedule of attempts that begins anew; how it ended makes no difference. Refused when it
/// would leave the publisher on a stale status, or beside another telling that is outstanding.
#[utoipa::path(
    tag = "deliveries",
    params(("delivery_id" = Uuid, Path), IdempotencyKey),
    security(("apiToken" = ["write"])),
    request_body = ReplayDeliveryBody,
    responses(
        (status = 202, description = "It is due; `Location` says where to look.", body = DeliveryReplayBody),
        (status = 404, description = "No such delivery of this tenant."),
        (status = 409, description = "It is outstanding, the conversion has moved on, or its endpoint is switched off.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    )
)]
#[post("/api/v1/deliveries/{delivery_id}/replay")]
pub(super) async fn replay_delivery(
    caller: Caller,
    api: web::Data<Api>,
    request: HttpRequest,
    id: web::Path<Uuid>,
    body: Json<ReplayDeliveryBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let key = idempotency_key::read(&request)?;
    let reason =
        reason(&body.0.reason).ok_or_else(|| Problem::invalid(Vec::new()).field("reason", WRONG_REASON))?;
    let by = By { tenant: caller.tenant, token: caller.token, reason, key };
    let replay = api.replayer.one(DeliveryId::from_uuid(id.into_inner()), &by).await;
    let replay = replay.map_err(|failure| problem(failure, "delivery"))?;
    let location = format!("/api/v1/delivery-replays/{}", replay.order.replay_id);
    Ok(HttpResponse::Accepted()
        .insert_header((header::LOCATION, location))
        .json(DeliveryReplayBody::from(replay)))
}
