//! `POST /api/v1/creatives`: the body is the file itself.
//!
//! No form around it: `curl --data-binary @golfin.png` is all it takes, from a shell as from a program. The declared
//! content type and the name of the file are not believed, so neither is needed.

use actix_web::{
    Error, HttpMessage as _, HttpRequest, HttpResponse,
    http::StatusCode,
    post,
    web::{self, BytesMut},
};
use futures_util::StreamExt as _;
use http_kit::{Problem, ProblemBody, Query, auth::Caller};
use serde::Deserialize;

use super::json::UploadedCreativeJson;
use crate::{
    domain::creative::{Refusal, check_name, limits::UPLOAD_BYTES_MAX},
    flows::{Catalog, FlowError, Upload},
};

/// What it is to be called.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Naming {
    /// For people, such as golfin.png: at most 200 characters, no folders. The public never sees it.
    #[param(min_length = 1, max_length = 200, example = "golfin.png")]
    name: Option<String>,
}

/// Upload a picture
///
/// The body is the file: PNG, JPEG, WebP or GIF (its first frame), at most 5 MB, 8192 pixels a side and 16777216 in all.
/// It is recognised by its content, decoded and written anew, so metadata and whatever else was in the file do not
/// survive; a thumbnail of at most 320 pixels a side is made. Offers refer to it by its `creativeId`. The same picture
/// again is the same creative (200).
#[utoipa::path(
    tag = "Creatives",
    security(("apiToken" = ["write"])),
    params(Naming),
    request_body(
        description = "The file itself, such as `curl --data-binary @golfin.png`; a declared type is not believed.",
        content(("image/png"), ("image/jpeg"), ("image/webp"), ("image/gif"), ("application/octet-stream"))
    ),
    responses(
        (status = 201, description = "The creative.", body = UploadedCreativeJson),
        (status = 200, description = "The tenant has this picture already; this is its creative.", body = UploadedCreativeJson),
        (status = 400, description = "The body did not arrive whole.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 413, description = "More than 5 MB.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 415, description = "A form instead of a file.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "`image` is no picture that we take, or `name` is no name; the detail says why and what would be right.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 503, description = "Too many uploads at once, or the files or the database can not be reached. Nothing was changed.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/creatives")]
pub async fn upload_creative(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    Query(naming): Query<Naming>,
    body: web::Payload,
) -> Result<HttpResponse, Error> {
    caller.require_write()?;
    let name = check_name(&naming.name.unwrap_or_default());
    let name = name.map_err(|problems| Problem::from(FlowError::from(problems)))?;
    if request.content_type().to_ascii_lowercase().starts_with("multipart/") {
        return Err(not_a_form().into());
    }
    let place = catalog.place_for_upload().map_err(Problem::from)?;
    let file = read(body).await?.freeze();
    let uploaded = catalog.upload_creative(place, caller.tenant, caller.token, name, file).await;
    Ok(match uploaded.map_err(Problem::from)? {
        Upload::New(creative) => HttpResponse::Created().json(UploadedCreativeJson::from(creative)),
        Upload::Known(creative) => HttpResponse::Ok().json(UploadedCreativeJson::from(creative)),
    })
}

/// 415.
pub(super) fn not_a_form() -> Problem {
    Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        .detail("send the file itself as the body, not a form: curl --data-binary @golfin.png")
}

/// The whole body; nothing beyond the limit is kept.
async fn read(mut body: web::Payload) -> Result<BytesMut, Error> {
    let mut file = BytesMut::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        if file.len().saturating_add(chunk.len()) > UPLOAD_BYTES_MAX {
            let too_large = Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE);
            return Err(too_large.field("image", Refusal::TooLarge.to_string()).into());
        }
        file.extend_from_slice(&chunk);
    }
    Ok(file)
}
