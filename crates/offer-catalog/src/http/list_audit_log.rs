//! `GET /api/v1/audit-log`: who did what, newest first.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, ProblemBody, Query, auth::Caller};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    answers,
    json::AuditJson,
    reading::{Field, Reader, Unknown},
};
use crate::{
    domain::listing::{Sort, SortKey},
    flows::Catalog,
};

/// Which ones, and in which order.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct Parameters {
    /// Only about the thing with this id.
    #[param(value_type = Option<Uuid>)]
    subject: Field,
    /// createdAt or -createdAt; -createdAt, the newest first, when left out.
    #[param(value_type = Option<String>, example = "createdAt", pattern = "^-?createdAt$")]
    sort: Field,
    #[serde(flatten)]
    #[param(ignore)]
    unknown: Unknown,
}

/// The audit log, newest first
#[utoipa::path(
    tag = "Audit log",
    security(("apiToken" = ["write"])),
    params(Parameters, Page),
    responses(
        (status = 200, description = "A page of it.", body = ListBody<AuditJson>),
        (status = 400, description = "A parameter can not be read, or is none of this list's.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/audit-log")]
pub async fn list_audit_log(
    caller: Caller,
    catalog: web::Data<Catalog>,
    page: Result<Page, Problem>,
    Query(parameters): Query<Parameters>,
) -> Result<Json<ListBody<AuditJson>>, Problem> {
    caller.require_write()?;
    let mut r = Reader::new();
    r.refuse_unknown_parameters(&parameters.unknown, "subject, sort, page and page_size");
    let filter = r.parsed("subject", parameters.subject, subject);
    let keys = [("createdAt", SortKey::CreatedAt)];
    let sort = r.sort(parameters.sort, &keys, Sort::down(SortKey::CreatedAt));
    let (page, (filter, sort)) = Page::beside(page, r.finish_parameters((filter, sort)))?;
    let found = catalog.audit_log(caller.tenant, filter, sort, answers::window(page)).await?;
    Ok(Json(page.of(found.items.into_iter().map(AuditJson::from).collect(), found.total)))
}

fn subject(text: &str) -> Result<Uuid, &'static str> {
    text.trim().parse().map_err(|_not_an_id| "must be an id such as 01939b4e-5c00-7000-8000-000000000000")
}
