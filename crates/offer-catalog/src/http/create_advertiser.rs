//! `POST /api/v1/advertisers`.

use actix_web::{HttpResponse, post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};

use super::{
    answers,
    json::{AdvertiserBody, AdvertiserJson},
};
use crate::flows::Catalog;

/// Make an advertiser
#[utoipa::path(
    tag = "Advertisers",
    security(("apiToken" = [])),
    request_body = AdvertiserBody,
    responses(
        (status = 201, description = "The advertiser.", body = AdvertiserJson),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/advertisers")]
pub async fn create_advertiser(
    caller: Caller,
    catalog: web::Data<Catalog>,
    body: Json<AdvertiserBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let advertiser = catalog.create_advertiser(caller.tenant, caller.token, body.0.read()?).await?;
    Ok(answers::created(&AdvertiserJson::from(advertiser)))
}
