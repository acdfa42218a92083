//! `PUT /api/v1/advertisers/{advertiserId}`.

use actix_web::{HttpRequest, HttpResponse, put, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};
use kernel::AdvertiserId;
use uuid::Uuid;

use super::{
    answers,
    json::{AdvertiserBody, AdvertiserJson},
};
use crate::flows::Catalog;

/// Change an advertiser
///
/// Replaces everything that was entered: what is left out is nothing from then on.
#[utoipa::path(
    tag = "Advertisers",
    security(("apiToken" = ["write"])),
    params(("advertiser_id" = Uuid, Path), answers::IfMatch),
    request_body = AdvertiserBody,
    responses(
        (status = 200, description = "The advertiser.", body = AdvertiserJson),
        (status = 400, description = "If-Match or the body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 404, description = "No such advertiser.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else changed it since.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[put("/api/v1/advertisers/{advertiser_id}")]
pub async fn change_advertiser(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    advertiser_id: web::Path<Uuid>,
    body: Json<AdvertiserBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let id = AdvertiserId::from_uuid(*advertiser_id);
    let expected = answers::expected_revision(&request)?;
    let changed =
        catalog.change_advertiser(caller.tenant, caller.token, id, body.0.read()?, expected).await?;
    Ok(answers::tagged(changed.revision, &AdvertiserJson::from(changed)))
}
