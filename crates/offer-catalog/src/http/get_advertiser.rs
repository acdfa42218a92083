//! `GET /api/v1/advertisers/{advertiserId}`.

use actix_web::{HttpResponse, get, web};
use http_kit::{Problem, ProblemBody, auth::Caller};
use kernel::AdvertiserId;
use uuid::Uuid;

use super::{answers, json::AdvertiserJson};
use crate::flows::Catalog;

/// One advertiser
#[utoipa::path(
    tag = "Advertisers",
    security(("apiToken" = ["read"])),
    params(("advertiser_id" = Uuid, Path)),
    responses(
        (status = 200, description = "The advertiser.", body = AdvertiserJson),
        (status = 404, description = "No such advertiser.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/advertisers/{advertiser_id}")]
pub async fn get_advertiser(
    caller: Caller,
    catalog: web::Data<Catalog>,
    advertiser_id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    caller.require_read_tenant()?;
    let advertiser = catalog.advertiser(caller.tenant, AdvertiserId::from_uuid(*advertiser_id)).await?;
    Ok(answers::tagged(advertiser.revision, &AdvertiserJson::from(advertiser)))
}
