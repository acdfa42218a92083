//! `GET /api/v1/integrations/offer-providers/custom/imports/{importId}/results`: a page of what became of its rows.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, ProblemBody, Query, auth::Caller};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    answers,
    json::ImportResultJson,
    reading::{Field, Reader, Unknown},
};
use crate::{domain::import::Outcome, flows::Catalog};

/// Which rows.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Created, Changed, Unchanged or Failed.
    #[param(value_type = Option<String>, pattern = "^(Created|Changed|Unchanged|Failed)$", example = "Failed")]
    outcome: Field,
    #[serde(flatten)]
    #[param(ignore)]
    unknown: Unknown,
}

/// What became of the rows of an import, in their order
///
/// Those that failed say everything that was wrong with them.
#[utoipa::path(
    tag = "Imports",
    security(("apiToken" = ["read"])),
    params(("import_id" = Uuid, Path), Filter, Page),
    responses(
        (status = 200, description = "A page of them.", body = ListBody<ImportResultJson>),
        (status = 400, description = "A parameter can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 404, description = "No such import.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/integrations/offer-providers/custom/imports/{import_id}/results")]
pub async fn list_import_results(
    caller: Caller,
    catalog: web::Data<Catalog>,
    import_id: web::Path<Uuid>,
    page: Result<Page, Problem>,
    Query(filter): Query<Filter>,
) -> Result<Json<ListBody<ImportResultJson>>, Problem> {
    caller.require_read_tenant()?;
    let mut r = Reader::new();
    r.refuse_unknown_parameters(&filter.unknown, "outcome, page and page_size");
    let outcomes: Vec<_> = Outcome::ALL.iter().map(|outcome| (outcome.as_str(), *outcome)).collect();
    let outcome = r.word("outcome", filter.outcome, &outcomes);
    let (page, outcome) = Page::beside(page, r.finish_parameters(outcome))?;
    let window = answers::window(page);
    let found = catalog.import_rows(caller.tenant, *import_id, outcome, window).await?;
    Ok(Json(page.of(found.items.into_iter().map(ImportResultJson::from).collect(), found.total)))
}
