//! `GET /api/v1/offers/{offerId}/versions/{version}/diff`.

use actix_web::{get, web};
use http_kit::{Json, Problem, ProblemBody, Query, auth::Caller};
use kernel::OfferId;
use serde::Deserialize;
use uuid::Uuid;

use super::json::DiffJson;
use crate::flows::Catalog;

/// With which version.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct To {
    /// The other version; the newest when left out.
    to: Option<u32>,
}

/// What differs between two versions of an offer
///
/// Field by field: before, after, and for which clicks it counts.
#[utoipa::path(
    tag = "Offers",
    security(("apiToken" = ["read"])),
    params(("offer_id" = Uuid, Path), ("version" = u32, Path, description = "1, 2, 3 …"), To),
    responses(
        (status = 200, description = "The differences; none when the versions say the same.", body = DiffJson),
        (status = 400, description = "A parameter can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 404, description = "No such offer or version.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/offers/{offer_id}/versions/{version}/diff")]
pub async fn diff_versions(
    caller: Caller,
    catalog: web::Data<Catalog>,
    path: web::Path<(Uuid, u32)>,
    Query(To { to }): Query<To>,
) -> Result<Json<DiffJson>, Problem> {
    caller.require_read_tenant()?;
    let (offer_id, from) = *path;
    let (before, after) = catalog.two_versions(caller.tenant, OfferId::from_uuid(offer_id), from, to).await?;
    DiffJson::between(before, after).map(Json).map_err(Problem::internal)
}
