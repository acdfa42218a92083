//! `POST /api/v1/statements/{statement_id}/paid`: what a statement asks for was paid.

use actix_web::{post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller, openapi::Said};
use kernel::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Api, REFERENCE_CHARS_MAX,
    bodies::{self, StatementBody},
    checked, problem, whole, wrong_text,
};
use crate::{
    domain::statements::{Month, StatementId},
    flows::statements::{self, CorrectError, Payment, Scope},
};

/// By what the payment is found again.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"reference": "SEPA 2026-12-03/0042"}))]
pub struct PaymentBody {
    /// Such as the bank's: 1 to 100 characters.
    #[schema(example = "SEPA 2026-12-03/0042", min_length = 1, max_length = 100, pattern = r"\S")]
    reference: String,
}

/// Report that a statement was paid
///
/// Posts what is due from the publisher's account to settled, or from settled to the advertiser's account, in the period that is
/// open now. Reported twice with the same reference, it is posted once.
#[utoipa::path(
    tag = "statements",
    params(("statement_id" = Uuid, Path, description = "The statement's id")),
    security(("apiToken" = ["write"])),
    request_body = PaymentBody,
    responses(
        (status = 200, description = "The statement, paid", body = StatementBody),
        (status = 404, description = "No such statement of this tenant"),
        (status = 409, description = "Its period is not closed, it asks for nothing, or it was paid with another reference", body = ProblemBody<'static>, content_type = "application/problem+json"),
    )
)]
#[post("/api/v1/statements/{statement_id}/paid")]
pub async fn pay_statement(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<Uuid>,
    body: Json<PaymentBody>,
) -> Result<Json<StatementBody>, Problem> {
    caller.require_write()?;
    let reference = checked(&body.0.reference, REFERENCE_CHARS_MAX).ok_or_else(wrong)?;
    let id = id.into_inner();
    let asked = Payment { tenant: caller.tenant, statement: StatementId(id), token: caller.token, reference };
    statements::pay(&api.pool, &asked).await.map_err(problem)?;
    let scope = Scope { tenant: caller.tenant, publisher: None };
    Ok(Json(bodies::statement(&whole(&api, scope, id).await?.view)))
}

fn wrong() -> Problem {
    wrong_text(Problem::invalid(Vec::new()), "reference", REFERENCE_CHARS_MAX)
}

/// Problems as the document shows them.
pub(super) fn problems() -> Vec<Said> {
    let month = Month::of(Timestamp::from_micros(1_796_000_000_000_000), chrono_tz::Tz::UTC);
    let refused = [
        CorrectError::PeriodIsOpen(month),
        CorrectError::NothingDue,
        CorrectError::Paid(String::from("SEPA 2026-12-03/0042")),
    ];
    let of = |problem| Said::by("pay_statement", problem);
    refused.map(|refused| of(problem(refused))).into_iter().chain([of(wrong())]).collect()
}
