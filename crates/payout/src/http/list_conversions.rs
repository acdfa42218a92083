//! `GET /api/v1/conversions`: conversions, newest postback first.

use actix_web::{get, http::StatusCode, web};
use http_kit::{Json, ListBody, Page, Problem, Query, auth::Caller, openapi::Said};
use kernel::ClickId;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Api, error,
    json::{self, ConversionBody, Sight},
    reason_code::ReasonCode,
};
use crate::{
    domain::standing::Told,
    flows::read::{self, Filter, Scope},
};

/// Which conversions. Several filters: all of them hold.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ConversionFilter {
    /// Of one click.
    #[param(value_type = Option<Uuid>)]
    gk_click_id: Option<Uuid>,
    /// In one status.
    #[param(inline)]
    status: Option<StatusWord>,
    /// Those that are on review: Pending, and not released by time; `false` for all others. Only with the status Pending, or
    /// with none.
    #[serde(rename = "onReview")]
    #[param(rename = "onReview", value_type = Option<bool>, example = true)]
    on_review: Option<bool>,
    /// With a reason of this code, whatever the status: what was flagged or reversed keeps the code of what was reported.
    #[serde(rename = "reasonCode")]
    #[param(rename = "reasonCode", inline, example = "REVIEW_TAINTED")]
    reason_code: Option<ReasonCode>,
}

/// A status by its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
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
    params(Page, ConversionFilter),
    security(("apiToken" = ["read-own"])),
    responses(
        (status = 200, description = "A page of conversions", body = ListBody<ConversionBody>),
        (status = 422, description = "What is on review is Pending, and another status was asked for.")
    )
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
    let filter = filter.0;
    let is_settled = filter.status.is_some_and(|status| status != StatusWord::Pending);
    if filter.on_review == Some(true) && is_settled {
        return Err(contradiction());
    }
    let filter = Filter {
        click: filter.gk_click_id.map(ClickId::from_uuid),
        told: filter.status.map(|status| match status {
            StatusWord::Pending => Told::Pending,
            StatusWord::Success => Told::Success,
            StatusWord::Rejected => Told::Rejected,
        }),
        on_review: filter.on_review,
        reason_code: filter.reason_code.map(|code| code.0),
        offset: page.offset(),
        limit: page.limit(),
    };
    let scope = Scope { tenant: caller.tenant, publisher };
    let (rows, total) = read::conversions(&api.pool, scope, filter).await.map_err(error::of_store)?;
    Ok(Json(page.of(rows.into_iter().map(|row| json::conversion(row, sight)).collect(), total)))
}

/// 422: each can be read, and no conversion is both.
fn contradiction() -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_query", "what is on review is Pending")
        .field("onReview", "true goes with status=Pending, or without a status")
}

/// Problems as the document shows them.
pub(super) fn problems() -> Vec<Said> {
    vec![Said::by("list_conversions", contradiction())]
}
