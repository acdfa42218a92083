//! `GET /api/v1/deliveries`: what publishers were told, newest status change first.

use actix_web::{get, http::StatusCode, web};
use chrono::{DateTime, Utc};
use http_kit::{FieldError, Json, Problem, Query, auth::Caller, openapi::Said};
use kernel::{ConversionId, DeliveryId, EndpointId, PublisherId};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    body::{DeliveryLine, DeliveryPage, StateWord},
    cursor,
};
use crate::{
    flows::read::{self, LogFilter, LogRow, Scope},
    http::{Api, error, period},
};

/// Deliveries on a page when the caller does not say.
const PAGE_DEFAULT: u32 = 10;
/// Deliveries on a page at most, as everywhere.
const PAGE_MAX: u32 = 100;

/// Which deliveries. Several filters: all of them hold.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// Of one publisher.
    #[param(value_type = Option<Uuid>)]
    publisher_id: Option<Uuid>,
    /// To one endpoint.
    #[param(value_type = Option<Uuid>)]
    endpoint_id: Option<Uuid>,
    /// Of one conversion.
    #[param(value_type = Option<Uuid>)]
    conversion_id: Option<Uuid>,
    /// In one state.
    #[param(inline)]
    state: Option<StateWord>,
    /// Of statuses that changed from then on.
    #[param(value_type = Option<String>, format = DateTime, min_length = 1)]
    from: Option<DateTime<Utc>>,
    /// Of statuses that changed before then.
    #[param(value_type = Option<String>, format = DateTime, min_length = 1)]
    to: Option<DateTime<Utc>>,
    /// The `nextCursor` of the page before. Whatever changes in between, a walk meets each delivery once.
    #[param(
        value_type = Option<String>,
        pattern = "^[0-9]{1,17}\\.[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
    )]
    cursor: Option<String>,
    /// Deliveries on a page.
    #[param(minimum = 1, maximum = 100, default = 10, required = false)]
    page_size: Option<u32>,
}

/// The delivery log
///
/// What publishers were told, newest status change first. A publisher's token sees its own.
#[utoipa::path(
    tag = "deliveries",
    params(LogQuery),
    security(("apiToken" = ["read-own"])),
    responses(
        (status = 200, description = "A page of deliveries.", body = DeliveryPage),
        (status = 422, description = "The period ends before it begins, or lies outside of the years 1970 to 9999."),
    )
)]
#[get("/api/v1/deliveries")]
pub(super) async fn list_deliveries(
    caller: Caller,
    api: web::Data<Api>,
    query: Query<LogQuery>,
) -> Result<Json<DeliveryPage>, Problem> {
    let own = caller.visible_publisher()?;
    let asked = query.0.publisher_id.map(PublisherId::from_uuid);
    if own.zip(asked).is_some_and(|(own, asked)| own != asked) {
        return Err(Problem::forbidden("this token sees the deliveries of its own publisher only"));
    }
    let size = query.0.page_size.unwrap_or(PAGE_DEFAULT);
    let filter = filter(&query.0, size)?;
    let scope = Scope { tenant: caller.tenant, publisher: own.or(asked) };
    let (mut rows, total) = read::log(&api.pool, scope, &filter).await.map_err(error::of_store)?;
    // One more than the page was asked for: whether there is a next page.
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let has_more = rows.len() > size;
    rows.truncate(size);
    let next_cursor = rows.last().filter(|_| has_more).map(|row| cursor::write(place(row)));
    Ok(Json(DeliveryPage { items: rows.into_iter().map(DeliveryLine::from).collect(), next_cursor, total }))
}

fn filter(query: &LogQuery, size: u32) -> Result<LogFilter, Problem> {
    let mut wrong = Vec::new();
    let mut refuse = |field: &str, detail: String| wrong.push(FieldError { field: field.to_owned(), detail });
    if !(1..=PAGE_MAX).contains(&size) {
        refuse("page_size", format!("must be a whole number from 1 to {PAGE_MAX}"));
    }
    let after = query.cursor.as_deref().map(cursor::read);
    if after == Some(None) {
        refuse("cursor", cursor::WRONG.to_owned());
    }
    if !wrong.is_empty() {
        let problem = Problem::bad_request("invalid_query", "a query parameter is not acceptable");
        return Err(wrong
            .into_iter()
            .fold(problem, |problem, error| problem.field(error.field, error.detail)));
    }
    // Each can be read; what they ask for is impossible.
    let (from, until) = period::read(query.from, query.to).map_err(impossible)?;
    Ok(LogFilter {
        conversion: query.conversion_id.map(ConversionId::from_uuid),
        endpoint: query.endpoint_id.map(EndpointId::from_uuid),
        state: query.state.map(StateWord::word),
        from,
        until,
        after: after.flatten(),
        limit: i64::from(size).saturating_add(1),
    })
}

fn impossible(wrong: Vec<FieldError>) -> Problem {
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_period", "there is no such period");
    wrong.into_iter().fold(problem, |problem, error| problem.field(error.field, error.detail))
}

/// Problems as the document shows them.
pub(in crate::http) fn problems() -> Vec<Said> {
    let wrong = FieldError { field: "to".to_owned(), detail: period::BACKWARDS.to_owned() };
    vec![Said::by("list_deliveries", impossible(vec![wrong]))]
}

fn place(row: &LogRow) -> read::LogPlace {
    let created_at = kernel::Timestamp::from_micros(row.created_at.timestamp_micros());
    (created_at, DeliveryId::from_uuid(row.delivery_id))
}
