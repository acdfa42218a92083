//! `POST /api/v1/offers/{offerId}/scheduled-changes`.

use actix_web::{HttpRequest, HttpResponse, post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};
use kernel::OfferId;
use uuid::Uuid;

use super::{
    json::{ScheduledChangeBody, ScheduledChangeJson},
    once,
};
use crate::flows::Catalog;

/// Schedule a change of an event's revenue, payout or reward
///
/// It happens by itself at that hour, as a version like any other. At most 5 wait for one field of one event, and never two
/// at one hour. What the linter would say then is said now; what changed until then may still make it fail, with a reason.
#[utoipa::path(
    tag = "Scheduled changes",
    security(("apiToken" = ["write"])),
    params(("offer_id" = Uuid, Path), once::IdempotencyKey),
    request_body = ScheduledChangeBody,
    responses(
        (status = 201, description = "The change, pending.", body = ScheduledChangeJson),
        (status = 400, description = "The Idempotency-Key or the body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 404, description = "No such offer.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "The offer is a draft or has ended, five changes are pending or one at that hour, or a call with this Idempotency-Key is under way.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields, an hour that never comes or comes twice, or what the linter would say then.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/offers/{offer_id}/scheduled-changes")]
pub async fn schedule_change(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    offer_id: web::Path<Uuid>,
    body: Json<ScheduledChangeBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let id = OfferId::from_uuid(*offer_id);
    let written = |change| once::created(&ScheduledChangeJson::from(change));
    let once = once::once(&caller, &request, &body.0, written)?;
    let change = body.0.read()?;
    Ok(once::told(&catalog.schedule_change(caller.tenant, caller.token, id, change, &once).await?))
}
