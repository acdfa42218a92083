//! `POST /api/v1/offers/lint`: a form that nobody has saved.

use actix_web::{post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};

use super::json::{FindingJson, LintJson, OfferBody};
use crate::{
    domain::lint::{Finding, Severity},
    flows::Catalog,
};

/// Lint an offer that is not saved
///
/// What creation would say of these fields. Saves nothing.
#[utoipa::path(
    tag = "Offers",
    security(("apiToken" = ["read"])),
    request_body = OfferBody,
    responses(
        (status = 200, description = "Errors, warnings and infos.", body = LintJson),
        (status = 400, description = "The body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/offers/lint")]
pub async fn lint_offer(
    caller: Caller,
    catalog: web::Data<Catalog>,
    body: Json<OfferBody>,
) -> Result<Json<LintJson>, Problem> {
    caller.require_read_tenant()?;
    let (fields, codes) = body.0.read()?;
    let findings = catalog.lint_offer(caller.tenant, fields).await?;
    let can_be_created = !findings.iter().any(|finding| finding.code.severity() == Severity::Error);
    let shown = |finding: Finding| {
        let is_accepted = codes.contains(&finding.code);
        FindingJson::new(finding, is_accepted)
    };
    Ok(Json(LintJson::new(can_be_created, findings.into_iter().map(shown).collect())))
}
