//! `GET /api/v1/ledger/transfers`: the ledger's rows, newest first.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, Query, auth::Caller};
use kernel::ConversionId;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Api, error,
    json::{self, TransferBody},
};
use crate::flows::read;

/// Which rows.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TransferFilter {
    /// Of one conversion.
    #[param(value_type = Option<Uuid>)]
    conversion_id: Option<Uuid>,
}

/// The ledger's rows, newest first
#[utoipa::path(
    tag = "ledger",
    params(Page, TransferFilter),
    security(("apiToken" = ["read"])),
    responses((status = 200, description = "A page of ledger rows", body = ListBody<TransferBody>))
)]
#[get("/api/v1/ledger/transfers")]
pub async fn list_transfers(
    caller: Caller,
    api: web::Data<Api>,
    page: Page,
    filter: Query<TransferFilter>,
) -> Result<Json<ListBody<TransferBody>>, Problem> {
    caller.require_read_tenant()?;
    let conversion = filter.0.conversion_id.map(ConversionId::from_uuid);
    let (rows, total) = read::transfers(&api.pool, caller.tenant, conversion, page.offset(), page.limit())
        .await
        .map_err(error::of_store)?;
    Ok(Json(page.of(rows.into_iter().map(json::transfer).collect(), total)))
}
