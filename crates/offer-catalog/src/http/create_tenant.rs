//! `POST /api/v1/tenants`: the operator makes a tenant.

use actix_web::{HttpResponse, post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Operator};

use super::{
    answers,
    json::{CreatedTenantJson, TenantBody},
};
use crate::flows::Catalog;

/// Make a tenant
///
/// Answers the tenant and its owner's API token, which is shown this once.
#[utoipa::path(
    tag = "Tenants",
    security(("operatorToken" = [])),
    request_body = TenantBody,
    responses(
        (status = 201, description = "The tenant and its owner's token.", body = CreatedTenantJson),
        (status = 409, description = "The domain belongs to another tenant.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/tenants")]
pub async fn create_tenant(
    _operator: Operator,
    catalog: web::Data<Catalog>,
    body: Json<TenantBody>,
) -> Result<HttpResponse, Problem> {
    let (domain, profile) = body.0.read()?;
    let created = catalog.create_tenant(domain, profile).await?;
    Ok(answers::created_secret(&CreatedTenantJson::from(created)))
}
