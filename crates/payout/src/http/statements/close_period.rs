//! `POST /api/v1/statement-periods/{month}/close`: a month is over and done.

use actix_web::{post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller, openapi::Said};
use kernel::Timestamp;

use super::{
    Api,
    bodies::{self, PeriodBody},
    error,
};
use crate::{
    domain::statements::{Month, next_period},
    flows::statements::{self, CloseError, Closing},
};

/// Close a month
///
/// Only one that is over in its zone, and only when all before it are closed. Its statements are fixed with it; nothing lands in
/// it any more: a reversal that comes later is a line of the next one. One that is closed already stays as it is.
#[utoipa::path(
    tag = "statements",
    params(("month" = String, Path, description = "The month", pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$")),
    security(("apiToken" = ["write"])),
    responses(
        (status = 200, description = "The period, closed", body = PeriodBody),
        (status = 404, description = "No transfer of this tenant has ever taken it"),
        (status = 409, description = "It is not over yet, or an earlier one is open: the detail says which", body = ProblemBody<'static>, content_type = "application/problem+json"),
    )
)]
#[post("/api/v1/statement-periods/{month}/close")]
pub async fn close_period(
    caller: Caller,
    api: web::Data<Api>,
    month: web::Path<String>,
) -> Result<Json<PeriodBody>, Problem> {
    caller.require_write()?;
    let month = Month::parse(&month).ok_or_else(|| Problem::not_found("statement period"))?;
    let asked = Closing { tenant: caller.tenant, month, token: caller.token };
    let closed = statements::close(&api.pool, asked).await.map_err(problem)?;
    Ok(Json(bodies::period(&closed)))
}

/// Problems as the document shows them.
pub(super) fn problems() -> Vec<Said> {
    let at = Timestamp::from_micros(1_797_000_000_000_000);
    let month = next_period(None, chrono_tz::Tz::UTC, at).month;
    let refused = [
        CloseError::NotOver {
            month,
            ends_at: String::from("2026-12-31T23:00:00Z"),
            zone: String::from("Europe/Berlin"),
        },
        CloseError::EarlierIsOpen(month),
    ];
    refused.map(|refused| Said::by("close_period", problem(refused))).into_iter().collect()
}

fn problem(error: CloseError) -> Problem {
    let sentence = error.to_string();
    match error {
        CloseError::NotFound => Problem::not_found("statement period"),
        CloseError::NotOver { .. } => Problem::conflict("period_is_not_over", sentence),
        CloseError::EarlierIsOpen(_) => Problem::conflict("earlier_period_is_open", sentence),
        CloseError::Store(error) => error::of_store(error),
    }
}
