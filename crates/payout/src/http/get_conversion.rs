//! `GET /api/v1/conversions/{id}`: a conversion with everything that followed from it.

use actix_web::{get, web};
use http_kit::{Json, Problem, auth::Caller};
use kernel::ConversionId;
use uuid::Uuid;

use super::{
    Api, error,
    json::{self, Sight, WholeConversionBody},
};
use crate::flows::read::{self, Scope};

/// A conversion with everything that followed from it
///
/// Its history, ledger rows, and deliveries with their attempts. A publisher's token sees its own, without the ledger.
#[utoipa::path(
    tag = "conversions",
    params(("id" = Uuid, Path, description = "The conversion's id")),
    security(("apiToken" = ["read-own"])),
    responses(
        (status = 200, description = "The conversion", body = WholeConversionBody),
        (status = 404, description = "No such conversion of this tenant"),
    )
)]
#[get("/api/v1/conversions/{id}")]
pub async fn get_conversion(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<Uuid>,
) -> Result<Json<WholeConversionBody>, Problem> {
    let publisher = caller.visible_publisher()?;
    let sight = if publisher.is_some() { Sight::Publisher } else { Sight::Tenant };
    let scope = Scope { tenant: caller.tenant, publisher };
    let whole = read::conversion(&api.pool, scope, ConversionId::from_uuid(id.into_inner()))
        .await
        .map_err(error::of_store)?
        .ok_or_else(|| Problem::not_found("conversion"))?;
    let transfers = match sight {
        Sight::Tenant => whole.transfers.into_iter().map(json::transfer).collect(),
        Sight::Publisher => Vec::new(),
    };
    Ok(Json(WholeConversionBody {
        conversion: json::conversion(whole.conversion, sight),
        history: whole.history.into_iter().map(|row| json::history(row, sight)).collect(),
        transfers,
        deliveries: json::deliveries(whole.deliveries, whole.attempts),
    }))
}
