//! `PUT /api/v1/tenants/me/rates`: replaces the tenant's rate table.

use actix_web::{HttpRequest, HttpResponse, put, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};

use super::{
    answers,
    json::{RatesBody, RatesJson},
};
use crate::flows::Catalog;

/// Replace the rate table
///
/// Counts for conversions that qualify from then on: a conversion keeps the rate it was priced with, and one that waits for a
/// rate is priced when there is one. A pair is looked up as it stands: what is converted both ways needs two lines.
#[utoipa::path(
    tag = "Tenants",
    security(("apiToken" = ["write"])),
    params(answers::IfMatch),
    request_body = RatesBody,
    responses(
        (status = 200, description = "The rates.", body = RatesJson),
        (status = 400, description = "If-Match or the body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else changed the tenant since.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[put("/api/v1/tenants/me/rates")]
pub async fn change_rates(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    body: Json<RatesBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let expected = answers::expected_revision(&request)?;
    let changed = catalog.change_rates(caller.tenant, caller.token, body.0.read()?, expected).await?;
    Ok(answers::tagged(changed.revision, &RatesJson::from(changed)))
}
