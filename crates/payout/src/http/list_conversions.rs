//! `GET /api/v1/conversions`: conversions, newest postback first.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, Query, auth::Caller};
use kernel::ClickId;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Api, error,
    json::{self, ConversionBody, Sight},
};
use crate::{
    domain::standing::Told,
    flows::read::{self, Filter, Scope},
};

/// Which conversions.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ConversionFilter {
    /// Of one click.
    gk_click_id: Option<Uuid>,
    /// In one status.
    status: Option<StatusWord>,
}

/// A status by its word.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
pub enum StatusWord {
    /// May become Success.
    #[serde(alias = "pending")]
    Pending,
    /// Earned.
    #[serde(alias = "success")]
    Success,
    /// Not earned.
    #[serde(alias = "rejected")]
    Rejected,
}

/// Conversions, newest postback first
///
/// A publisher's token sees its own.
#[utoipa::path(
    tag = "conversions",
    params(Page),
    security(("apiToken" = ["read-own"])),
    responses((status = 200, description = "A page of conversions", body = ListBody<ConversionBody>))
)]
#[get("/api/v1/conversions")]
pub async fn list_conversions(
    caller: Caller,
    api: web::Data<Api>,
    page: Page,
    filter: Query<ConversionFilter>,
) -> Result<Json<ListBody<ConversionBody>>, Problem> {
    let publisher = caller.visible_publisher()?;
    let sight = if publisher.is_some() { Sight::Publisher } else { Sight::Tenant };
    let filter = Filter {
        click: filter.0.gk_click_id.map(ClickId::from_uuid),
        told: filter.0.status.map(|status| match status {
            StatusWord::Pending => Told::Pending,
            StatusWord::Success => Told::Success,
            StatusWord::Rejected => Told::Rejected,
        }),
        offset: page.offset(),
        limit: page.limit(),
    };
    let scope = Scope { tenant: caller.tenant, publisher };
    let (rows, total) = read::conversions(&api.pool, scope, filter).await.map_err(error::of_store)?;
    Ok(Json(page.of(rows.into_iter().map(|row| json::conversion(row, sight)).collect(), total)))
}
