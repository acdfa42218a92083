//! `GET /api/v1/integrations/offer-providers/custom/imports/{importId}/results`: a page of what became of its rows.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, ProblemBody, Query, auth::Caller};
use serde::Deserialize;
use uuid::Uuid;

use super::{answers, json::ImportResultJson};
use crate::{domain::import::Outcome, flows::Catalog};

/// Which rows.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Created, Changed, Unchanged or Failed.
    outcome: Option<String>,
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
    let outcome = filter.outcome.map(|word| {
        Outcome::parse(&word).ok_or_else(|| {
            Problem::bad_request("invalid_query", "a query parameter is not acceptable")
                .field("outcome", "must be one of Created, Changed, Unchanged, Failed")
        })
    });
    let (page, outcome) = Page::beside(page, outcome.transpose())?;
    let window = answers::window(page);
    let found = catalog.import_rows(caller.tenant, *import_id, outcome, window).await?;
    Ok(Json(page.of(found.items.into_iter().map(ImportResultJson::from).collect(), found.total)))
}
