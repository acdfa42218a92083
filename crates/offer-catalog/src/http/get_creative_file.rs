//! `GET /api/v1/creatives/files/{file}`: a picture or its thumbnail, for everybody. Publishers' pages show it.
//!
//! A name says what its file holds, so a file never changes and may be kept for ever. What is served was written by our
//! own encoder; the headers hold even if that were not so: a browser takes it for nothing but the picture it is said to
//! be, and runs nothing in it.

use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header::{self, EntityTag, Header as _, IfNoneMatch},
    web,
};
use http_kit::{Problem, ProblemBody};

use crate::{domain::creative::FileName, flows::Catalog};

/// A year, which is as long as anybody keeps anything.
const FOR_EVER: (header::HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=31536000, immutable");

/// The file of a picture
///
/// Public: whoever has the address sees the picture. `url` and `thumbnailUrl` of a creative lead here.
#[utoipa::path(
    tag = "Creatives",
    security(()),
    params(
        ("file" = String, Path, description = "As in `url` or `thumbnailUrl`.",
         example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08.png"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer."),
    ),
    responses(
        (status = 200, description = "The file; its `ETag` is its name's hash.", content(("image/png"), ("image/jpeg"), ("image/webp"))),
        (status = 304, description = "The caller has it."),
        (status = 404, description = "No such file.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 503, description = "The files can not be reached.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/creatives/files/{file}")]
pub async fn get_creative_file(
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    file: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let name: FileName = file.parse().map_err(|_not_a_name| Problem::not_found("file of a creative"))?;
    let tag = EntityTag::new_strong(name.hash());
    if caller_has(&request, &tag) {
        // A name that is held can not mean anything else by now: nothing needs to be read.
        return Ok(HttpResponse::NotModified()
            .insert_header(header::ETag(tag))
            .insert_header(FOR_EVER)
            .finish());
    }
    let content = catalog.creative_file(name).await?;
    Ok(HttpResponse::Ok()
        .insert_header(header::ETag(tag))
        .insert_header(FOR_EVER)
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .insert_header((header::CROSS_ORIGIN_RESOURCE_POLICY, "cross-origin"))
        .insert_header((header::CONTENT_DISPOSITION, format!("inline; filename=\"{name}\"")))
        .content_type(name.format.media_type())
        .body(content))
}

fn caller_has(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|held| held.weak_eq(tag)),
        Ok(IfNoneMatch::Any) | Err(_) => false,
    }
}
