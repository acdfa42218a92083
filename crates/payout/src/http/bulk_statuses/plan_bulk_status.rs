//! `POST /api/v1/bulk-statuses`: the dry run.

use std::time::Duration;

use actix_web::{
    Error, HttpMessage as _, HttpRequest, HttpResponse,
    http::{StatusCode, header},
    post, web,
};
use futures_util::StreamExt as _;
use http_kit::{Problem, ProblemBody, RouteBody, auth::Caller, openapi::Said};

use super::body::BulkStatusBody;
use crate::{
    domain::bulk::{self, BYTES_MAX, Fault},
    flows::bulk::{CONVERSIONS_MAX, PlanError, find, plan},
    http::{Api, error},
};

/// The bounds of this path: the largest file, over a slow line.
pub const BODY: RouteBody =
    RouteBody { path: "/api/v1/bulk-statuses", bytes: BYTES_MAX, timeout: Duration::from_mins(2) };

/// Plan statuses of many conversions
///
/// A dry run: nothing changes. The body is CSV in UTF-8 of at most 4 MiB and 10000 lines, its first line the header with the
/// columns `gk_click_id`, `EventId` (may be left out or empty: every conversion of the click), `status` (`Success`, `Rejected` or
/// `Pending`) and `reason`. The answer counts what would be done, and its token applies exactly that within 24 hours.
#[utoipa::path(
    tag = "bulk statuses",
    security(("apiToken" = ["write"])),
    request_body(content = String, content_type = "text/csv", description = "The lines.", example = "gk_click_id,EventId,status,reason\n0198c7a2-5b1e-8c4e-9d5a-0f4b8a3c2d1e,level_10,Rejected,The advertiser found a test device.\n"),
    responses(
        (status = 201, description = "The plan. `Location` says where to ask for it", body = BulkStatusBody),
        (status = 400, description = "The body breaks off", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 408, description = "The body takes longer than two minutes", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 413, description = "More than 4 MiB", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 415, description = "Not text/csv", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Lines can not be read: each is named with what would be right, and nothing is stored", body = ProblemBody<'static>, content_type = "application/problem+json"),
    )
)]
#[post("/api/v1/bulk-statuses")]
pub async fn plan_bulk_status(
    caller: Caller,
    api: web::Data<Api>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Error> {
    caller.require_write()?;
    if !request.content_type().eq_ignore_ascii_case("text/csv") {
        return Err(not_csv().into());
    }
    let file = read(payload).await?;
    let lines = bulk::read(&file).map_err(not_lines)?;
    let id = plan(&api.pool, &api.ids, caller.tenant, caller.token, &lines).await.map_err(problem)?;
    let shown = find(&api.pool, (caller.tenant, id)).await.map_err(error::of_store)?;
    let shown = shown.ok_or_else(|| Problem::internal("a plan that was just stored is gone"))?;
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, format!("/api/v1/bulk-statuses/{id}")))
        .json(BulkStatusBody::from(shown)))
}

/// The server bounds the body.
async fn read(mut payload: web::Payload) -> Result<Vec<u8>, Error> {
    let mut file = Vec::new();
    while let Some(chunk) = payload.next().await {
        file.extend_from_slice(&chunk?);
    }
    Ok(file)
}

fn not_csv() -> Problem {
    let detail = "send the lines as CSV with the header content-type: text/csv";
    Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE).detail(detail)
}

fn not_lines(faults: Vec<Fault>) -> Problem {
    faults.into_iter().fold(Problem::invalid(Vec::new()), |problem, fault| {
        let field = match fault.column {
            "" => format!("line {}", fault.line),
            column => format!("line {}, {column}", fault.line),
        };
        problem.field(field, format!("must be {}", fault.right))
    })
}

fn problem(error: PlanError) -> Problem {
    match error {
        PlanError::Store(error) => error::of_store(error),
        PlanError::TooMany => too_many(),
    }
}

fn too_many() -> Problem {
    let detail = format!("its clicks have more than {CONVERSIONS_MAX} conversions: send it in parts");
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_conversions", "the file names too much")
        .detail(detail)
}

/// Its problems as the document shows them.
pub(super) fn problems() -> Vec<Said> {
    let late = Problem::of_status(StatusCode::REQUEST_TIMEOUT);
    let wrong = Fault { line: 2, column: "status", right: String::from("Success, Rejected or Pending") };
    let broken = Problem::bad_request("unreadable_body", "the body did not arrive whole; send it again");
    let said = [broken, late, not_csv(), not_lines(vec![wrong]), too_many()];
    said.map(|problem| Said::by("plan_bulk_status", problem)).into()
}
