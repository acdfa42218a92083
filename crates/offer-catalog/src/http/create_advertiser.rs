//! `POST /api/v1/advertisers`.

use actix_web::{HttpRequest, HttpResponse, post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};

use super::{
    json::{AdvertiserBody, AdvertiserJson},
    once,
};
use crate::flows::Catalog;

/// Make an advertiser
#[utoipa::path(
    tag = "Advertisers",
    security(("apiToken" = ["write"])),
    params(once::IdempotencyKey),
    request_body = AdvertiserBody,
    responses(
        (status = 201, description = "The advertiser.", body = AdvertiserJson),
        (status = 400, description = "The Idempotency-Key or the body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "A call with this Idempotency-Key is under way.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/advertisers")]
pub async fn create_advertiser(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    body: Json<AdvertiserBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let once = once::once(&caller, &request, &body.0, |made| once::created(&AdvertiserJson::from(made)))?;
    let fields = body.0.read()?;
    Ok(once::told(&catalog.create_advertiser(caller.tenant, caller.token, fields, &once).await?))
}
