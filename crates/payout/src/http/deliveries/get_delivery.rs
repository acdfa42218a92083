//! `GET /api/v1/deliveries/{delivery_id}`: one delivery with every attempt.

use actix_web::{get, web};
use http_kit::{Json, Problem, auth::Caller};
use kernel::DeliveryId;
use uuid::Uuid;

use super::body::LoggedDeliveryBody;
use crate::{
    flows::read::{self, Scope},
    http::{Api, error},
};

/// A delivery with every attempt
///
/// What was asked (no value of it), what was answered (2 KiB at most, without what is the publisher's secret), how long it took, why
/// it failed, and when the next one follows. A publisher's token sees its own.
#[utoipa::path(
    tag = "deliveries",
    params(("delivery_id" = Uuid, Path)),
    security(("apiToken" = ["read-own"])),
    responses(
        (status = 200, description = "The delivery.", body = LoggedDeliveryBody),
        (status = 404, description = "No such delivery of this tenant, or of this publisher."),
    )
)]
#[get("/api/v1/deliveries/{delivery_id}")]
pub(super) async fn get_delivery(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<Uuid>,
) -> Result<Json<LoggedDeliveryBody>, Problem> {
    let scope = Scope { tenant: caller.tenant, publisher: caller.visible_publisher()? };
    let found = read::delivery(&api.pool, scope, DeliveryId::from_uuid(id.into_inner())).await;
    let (row, attempts) = found.map_err(error::of_store)?.ok_or_else(|| Problem::not_found("delivery"))?;
    Ok(Json(LoggedDeliveryBody::of(row, attempts)))
}
