//! `GET /api/v1/ledger/balances`: what is owed and earned, by account.

use actix_web::{get, web};
use http_kit::{Json, Problem, auth::Caller};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Api, error,
    json::{self, BalanceBody},
};
use crate::flows::read;

/// Balances of every account.
#[derive(Debug, Serialize, ToSchema)]
pub struct BalancesBody {
    /// By currency, kind and party.
    items: Vec<BalanceBody>,
}

/// What is owed and earned, by account
///
/// A publisher's token sees its own account.
#[utoipa::path(
    tag = "ledger",
    security(("apiToken" = ["read-own"])),
    responses((status = 200, description = "The balances", body = BalancesBody))
)]
#[get("/api/v1/ledger/balances")]
pub async fn list_balances(caller: Caller, api: web::Data<Api>) -> Result<Json<BalancesBody>, Problem> {
    let publisher = caller.visible_publisher()?;
    let rows = read::balances(&api.pool, caller.tenant, publisher).await.map_err(error::of_store)?;
    Ok(Json(BalancesBody { items: rows.into_iter().map(json::balance).collect() }))
}
