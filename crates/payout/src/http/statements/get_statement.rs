//! `GET /api/v1/statements/{statement_id}`: a statement with its lines.

use actix_web::{get, web};
use http_kit::{Json, Problem, auth::Caller};
use uuid::Uuid;

use super::{
    Api,
    bodies::{self, WholeStatementBody},
    scope, whole,
};

/// A statement with its lines and adjustments
///
/// A publisher's token sees its own.
#[utoipa::path(
    tag = "statements",
    params(("statement_id" = Uuid, Path, description = "The statement's id")),
    security(("apiToken" = ["read-own"])),
    responses(
        (status = 200, description = "The statement", body = WholeStatementBody),
        (status = 404, description = "No such statement that the caller may see"),
    )
)]
#[get("/api/v1/statements/{statement_id}")]
pub async fn get_statement(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<Uuid>,
) -> Result<Json<WholeStatementBody>, Problem> {
    let scope = scope(&caller)?;
    Ok(Json(bodies::whole(&whole(&api, scope, id.into_inner()).await?)))
}
