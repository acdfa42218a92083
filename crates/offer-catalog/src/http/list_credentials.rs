//! `GET /api/v1/credentials`: a page of them.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, ProblemBody, Query, auth::Caller};
use kernel::AdvertiserId;
use serde::Deserialize;

use super::{
    answers,
    json::CredentialJson,
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
    /// Only of this advertiser.
    #[param(value_type = Option<Uuid>)]
    advertiser_id: Field,
    /// createdAt or -createdAt; -createdAt, the newest first, when left out.
    #[param(value_type = Option<String>, example = "createdAt", pattern = "^-?createdAt$")]
    sort: Field,
    #[serde(flatten)]
    #[param(ignore)]
    unknown: Unknown,
}

/// Postback credentials, masked
#[utoipa::path(
    tag = "Credentials",
    security(("apiToken" = ["read"])),
    params(Parameters, Page),
    responses(
        (status = 200, description = "A page of them.", body = ListBody<CredentialJson>),
        (status = 400, description = "A parameter can not be read, or is none of this list's.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/credentials")]
pub async fn list_credentials(
    caller: Caller,
    catalog: web::Data<Catalog>,
    page: Result<Page, Problem>,
    Query(parameters): Query<Parameters>,
) -> Result<Json<ListBody<CredentialJson>>, Problem> {
    caller.require_read_tenant()?;
    let mut r = Reader::new();
    r.refuse_unknown_parameters(&parameters.unknown, "advertiserId, sort, page and page_size");
    let filter = r.id::<AdvertiserId>("advertiserId", parameters.advertiser_id);
    let keys = [("createdAt", SortKey::CreatedAt)];
    let sort = r.sort(parameters.sort, &keys, Sort::down(SortKey::CreatedAt));
    let (page, (filter, sort)) = Page::beside(page, r.finish_parameters((filter, sort)))?;
    let found = catalog.list_credentials(caller.tenant, filter, sort, answers::window(page)).await?;
    Ok(Json(page.of(found.items.into_iter().map(CredentialJson::from).collect(), found.total)))
}
