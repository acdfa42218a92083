//! `POST /api/v1/integrations/offer-providers/custom/offers`: many offers in one call.

use std::time::Duration;

use actix_web::{
    Error, HttpMessage as _, HttpRequest, HttpResponse,
    http::{StatusCode, header},
    post, web,
};
use http_kit::{Problem, ProblemBody, RouteBody, auth::Caller};

use super::{
    importing::receive,
    json::{ImportBody, ImportJson},
};
use crate::{
    domain::import::BODY_BYTES_MAX,
    flows::{Catalog, Received},
};

/// The bounds of this path: a whole catalog over a slow line.
pub const BODY: RouteBody = RouteBody {
    path: "/api/v1/integrations/offer-providers/custom/offers",
    bytes: BODY_BYTES_MAX,
    timeout: Duration::from_mins(5),
};

/// Import offers
///
/// Up to 10 000 offers (64 MiB, 256 KiB each), read as they arrive. They are stored first and worked off in the background,
/// each as if a person had entered and created it: ask the import how far it is. An offer that is as it was gets no new version.
/// A row that fails harms no other, but nothing absent is paused then. Imports of one provider follow each other.
#[utoipa::path(
    tag = "Imports",
    security(("apiToken" = ["write"])),
    request_body = ImportBody,
    responses(
        (status = 202, description = "It is stored and will be worked off. `Location` says where to ask.", body = ImportJson),
        (status = 200, description = "The very same came before: how far it is.", body = ImportJson),
        (status = 400, description = "The body is not JSON, or is cut off.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 408, description = "The body takes longer than 5 minutes.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "Another content came with this concurrencyRequestId.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 413, description = "More than 10 000 offers, 64 MiB, or 256 KiB in one offer.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields beside the offers, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/integrations/offer-providers/custom/offers")]
pub async fn import_offers(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Error> {
    caller.require_write()?;
    if !request.content_type().eq_ignore_ascii_case("application/json") {
        let detail = "send a JSON body with the header content-type: application/json";
        return Err(Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE).detail(detail).into());
    }
    let (status, view) = match receive(&catalog, &caller, payload).await? {
        Received::New(view) => (StatusCode::ACCEPTED, view),
        Received::Known(view) => (StatusCode::OK, view),
    };
    let location = format!("/api/v1/integrations/offer-providers/custom/imports/{}", view.import.import_id);
    let answer = ImportJson::from(view);
    Ok(HttpResponse::build(status).insert_header((header::LOCATION, location)).json(answer))
}
