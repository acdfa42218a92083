//! `PUT /api/v1/tenants/me`: an owner changes what is stated of the tenant.

use actix_web::{HttpRequest, HttpResponse, put, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};

use super::{
    answers,
    json::{TenantJson, TenantProfileBody},
};
use crate::flows::Catalog;

/// Change the tenant
///
/// Replaces everything but the domain, which never changes, and the rate table. A new time zone cuts the statement periods
/// that are not open yet. With If-Match, only when nobody has changed it since.
#[utoipa::path(
    tag = "Tenants",
    security(("apiToken" = ["manage"])),
    params(answers::IfMatch),
    request_body = TenantProfileBody,
    responses(
        (status = 200, description = "The tenant.", body = TenantJson),
        (status = 400, description = "If-Match or the body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else changed it since.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[put("/api/v1/tenants/me")]
pub async fn change_tenant(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    body: Json<TenantProfileBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_owner()?;
    let expected = answers::expected_revision(&request)?;
    let changed = catalog.change_tenant(caller.tenant, caller.token, body.0.read()?, expected).await?;
    Ok(answers::tagged(changed.revision, &TenantJson::from(changed)))
}
