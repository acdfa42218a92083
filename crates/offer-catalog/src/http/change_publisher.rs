//! `PUT /api/v1/publishers/{publisherId}`.

use actix_web::{HttpRequest, HttpResponse, put, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};
use kernel::PublisherId;
use uuid::Uuid;

use super::{
    answers,
    json::{PublisherChangeBody, PublisherJson},
};
use crate::flows::Catalog;

/// Change a publisher
///
/// Its name, how fast it is told, and whether it takes part: all of them at once, what is left out of its pace is the
/// installation's again. Its postbacks are changed on their own. While it is inactive nothing more is shared with
/// it, its tokens are refused (they work again when it is active), and it is told nothing; conversions of offers that it has go
/// on counting.
#[utoipa::path(
    tag = "Publishers",
    security(("apiToken" = ["write"])),
    params(("publisher_id" = Uuid, Path), answers::IfMatch),
    request_body = PublisherChangeBody,
    responses(
        (status = 200, description = "The publisher.", body = PublisherJson),
        (status = 400, description = "If-Match or the body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 404, description = "No such publisher.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else changed it since.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[put("/api/v1/publishers/{publisher_id}")]
pub async fn change_publisher(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    publisher_id: web::Path<Uuid>,
    body: Json<PublisherChangeBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let id = PublisherId::from_uuid(*publisher_id);
    let expected = answers::expected_revision(&request)?;
    let changed = catalog.change_publisher(caller.tenant, caller.token, id, body.0.read()?, expected).await?;
    Ok(answers::tagged(changed.revision, &PublisherJson::from(changed)))
}
