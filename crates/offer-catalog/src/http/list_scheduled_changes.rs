//! `GET /api/v1/offers/{offerId}/scheduled-changes`: a page of them, the latest due first.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, ProblemBody, Query, auth::Caller};
use kernel::OfferId;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    answers,
    json::ScheduledChangeJson,
    reading::{Field, Reader, Unknown},
};
use crate::{domain::schedule::ChangeStatus, flows::Catalog};

/// Which changes.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Pending, Applied, Failed or Cancelled.
    #[param(value_type = Option<String>, example = "Pending", pattern = "^(Pending|Applied|Failed|Cancelled)$")]
    status: Field,
    /// at or -at; -at, the latest due first, when left out.
    #[param(value_type = Option<String>, example = "at", pattern = "^-?at$")]
    sort: Field,
    #[serde(flatten)]
    #[param(ignore)]
    unknown: Unknown,
}

/// Scheduled changes of an offer, the latest due first
///
/// Those that happened, failed or were cancelled too.
#[utoipa::path(
    tag = "Scheduled changes",
    security(("apiToken" = ["read"])),
    params(("offer_id" = Uuid, Path), Filter, Page),
    responses(
        (status = 200, description = "A page of them.", body = ListBody<ScheduledChangeJson>),
        (status = 400, description = "A parameter can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 404, description = "No such offer.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/offers/{offer_id}/scheduled-changes")]
pub async fn list_scheduled_changes(
    caller: Caller,
    catalog: web::Data<Catalog>,
    offer_id: web::Path<Uuid>,
    page: Result<Page, Problem>,
    Query(filter): Query<Filter>,
) -> Result<Json<ListBody<ScheduledChangeJson>>, Problem> {
    caller.require_read_tenant()?;
    let mut r = Reader::new();
    r.refuse_unknown_parameters(&filter.unknown, "status, sort, page and page_size");
    let statuses = ChangeStatus::ALL.map(|status| (status.as_str(), status));
    let status = r.word("status", filter.status, &statuses);
    let is_descending = r.word("sort", filter.sort, &[("-at", true), ("at", false)]).unwrap_or(true);
    let read = r.finish_parameters((status, is_descending));
    let (page, (status, is_descending)) = Page::beside(page, read)?;
    let id = OfferId::from_uuid(*offer_id);
    let window = answers::window(page);
    let found = catalog.scheduled_changes(caller.tenant, id, status, is_descending, window).await?;
    Ok(Json(page.of(found.items.into_iter().map(ScheduledChangeJson::from).collect(), found.total)))
}
