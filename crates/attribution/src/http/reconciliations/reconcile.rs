//! `POST /api/v1/reconciliations`: a report comes in.

use std::time::Duration;

use actix_web::{
    Error, HttpMessage as _, HttpRequest, HttpResponse,
    http::{StatusCode, header},
    post, web,
};
use futures_util::StreamExt as _;
use http_kit::{Problem, ProblemBody, Query, RouteBody, auth::Caller, openapi::Said};
use serde::Deserialize;
use telemetry::chain;

use super::body::ReconciliationBody;
use crate::{
    domain::reconcile::{Columns, HeaderError, LineError, Lines, Report, ReportRow},
    flows::reconcile::{NewReport, Reconciler, ReportWriter},
    http::unavailable,
};

/// The bounds of this path: AppsFlyer's largest exports (a million rows) over a slow line.
pub const BODY: RouteBody =
    RouteBody { path: "/api/v1/reconciliations", bytes: 1_073_741_824, timeout: Duration::from_hours(1) };
/// When the caller does not say how far times may lie apart: clocks of AppsFlyer's pipelines, and rounding to the second.
const TOLERANCE_SECONDS: u32 = 600;
/// Further apart, two events of a click would be taken for each other.
const TOLERANCE_SECONDS_MAX: u32 = 86_400;

/// What the report is.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// `installs`, `inAppEvents` or `postbacks`, as AppsFlyer names its raw-data exports.
    #[param(example = "inAppEvents", required = true, pattern = "^(installs|inAppEvents|postbacks)$")]
    report: Option<String>,
    /// How many seconds a line's time may be from its postback's: 0 to 86400, 600 when left out.
    #[param(example = 600, minimum = 0, maximum = 86_400)]
    tolerance_seconds: Option<u32>,
}

/// Compare a report
///
/// The body is one of AppsFlyer's raw-data exports in CSV, times in UTC, up to 1 GiB, read as it arrives. It needs the columns
/// `Original URL` (where alone the click id stands) and `Event Time` or `Install Time`; `Event Name`, `Event Value`, the event's
/// revenue and currency, and `Partner Event ID` make it more exact. When it is whole, its lines are laid beside the postbacks of
/// their clicks, in the background: ask the reconciliation how far it is.
#[utoipa::path(
    tag = "Reconciliation",
    security(("apiToken" = ["read"])),
    params(Parameters),
    request_body(content = String, content_type = "text/csv", description = "The report.", example = "Event Time,Event Name,Original URL\n2026-11-25 10:00:00,af_purchase,https://app.appsflyer.com/id123456789?pid=gokart_int&clickid=0195a2b4-0000-8000-8000-000000000001\n"),
    responses(
        (status = 202, description = "It is stored and will be compared. `Location` says where to ask.", body = ReconciliationBody),
        (status = 400, description = "A parameter or the report can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 408, description = "The body takes longer than an hour.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 413, description = "More than 1 GiB.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 415, description = "Not text/csv.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "A column is missing.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/reconciliations")]
pub(super) async fn reconcile(
    caller: Caller,
    reconciler: web::Data<Reconciler>,
    request: HttpRequest,
    Query(parameters): Query<Parameters>,
    mut payload: web::Payload,
) -> Result<HttpResponse, Error> {
    caller.require_read_tenant()?;
    let (report, tolerance_seconds) = parameters.read()?;
    if !request.content_type().eq_ignore_ascii_case("text/csv") {
        return Err(not_csv().into());
    }
    let new = NewReport { tenant: caller.tenant, token: caller.token, report, tolerance_seconds };
    let mut writer = reconciler.receive(new).await.map_err(unavailable)?;
    let id = match read(&mut payload, report, &mut writer).await {
        Ok(()) => writer.finish().await.map_err(unavailable)?,
        Err(error) => {
            // When this fails as well, the sweep gives it up.
            if let Err(failure) = writer.break_off("it could not be read to its end").await {
                tracing::warn!(
                    error = chain(&failure),
                    "what came of a refused report stays until it is swept"
                );
            }
            return Err(error);
        }
    };
    let found = reconciler.get(caller.tenant, id).await.map_err(unavailable)?;
    let (shown, counts) = found.ok_or_else(|| Problem::internal("a report that was just stored is gone"))?;
    Ok(HttpResponse::Accepted()
        .insert_header((header::LOCATION, format!("/api/v1/reconciliations/{id}")))
        .json(ReconciliationBody::with(shown, &counts)))
}

impl Parameters {
    fn read(&self) -> Result<(Report, i32), Problem> {
        let mut problem = Problem::bad_request("invalid_query", "a query parameter is not acceptable");
        let said = self.report.as_deref();
        let report = Report::ALL.into_iter().find(|report| Some(report.as_str()) == said);
        if report.is_none() {
            problem = problem.field("report", "must be installs, inAppEvents or postbacks");
        }
        let tolerance = self.tolerance_seconds.unwrap_or(TOLERANCE_SECONDS);
        let tolerance = i32::try_from(tolerance).ok().filter(|_| tolerance <= TOLERANCE_SECONDS_MAX);
        if tolerance.is_none() {
            problem = problem.field("toleranceSeconds", "must be 0 to 86400");
        }
        report.zip(tolerance).ok_or(problem)
    }
}

/// Reads the body line by line. The next bytes are asked for when a batch is stored, so a fast caller waits for the
/// database, and not in our memory.
async fn read(payload: &mut web::Payload, report: Report, writer: &mut ReportWriter) -> Result<(), Error> {
    let mut lines = Lines::default();
    let mut columns = None;
    loop {
        // An empty chunk of the body would mean its end.
        let chunk = match payload.next().await {
            Some(chunk) => Some(chunk?).filter(|chunk| !chunk.is_empty()),
            None => None,
        };
        let is_end = chunk.is_none();
        let chunk = chunk.unwrap_or_default();
        let mut rest: &[u8] = &chunk;
        while let Some(line) = lines.next(&mut rest).map_err(malformed)? {
            let fields: Vec<&str> = line.fields.iter().map(AsRef::as_ref).collect();
            match &columns {
                None => columns = Some(Columns::of(fields).map_err(not_a_report)?),
                Some(columns) => {
                    let row = ReportRow::read(line.number, report, columns, &fields);
                    writer.add(row).await.map_err(unavailable)?;
                }
            }
        }
        if is_end {
            break;
        }
    }
    if columns.is_none() {
        return Err(not_a_report(HeaderError::Empty).into());
    }
    Ok(())
}

fn malformed(error: LineError) -> Problem {
    Problem::bad_request("malformed_report", error.to_string())
}

fn not_a_report(error: HeaderError) -> Problem {
    let title = "this is not a report that can be compared";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_report", title).detail(error.to_string())
}

fn not_csv() -> Problem {
    let detail = "send the report as AppsFlyer exports it, with the header content-type: text/csv";
    Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE).detail(detail)
}

/// Its problems as the document shows them.
pub(in crate::http) fn problems() -> Vec<Said> {
    let late = Problem::of_status(StatusCode::REQUEST_TIMEOUT);
    let said = [late, not_csv(), not_a_report(HeaderError::NoOriginalUrl), malformed(LineError::TooLong(2))];
    said.map(|problem| Said::by("reconcile", problem)).into()
}
