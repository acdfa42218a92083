//! `POST /api/v1/statements/{statement_id}/adjustments`: a person corrects a statement.

use actix_web::{post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller, openapi::Said};
use kernel::Micros;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Api, REFERENCE_CHARS_MAX,
    bodies::{self, AdjustmentBody},
    checked, problem, wrong_text,
};
use crate::{
    domain::statements::StatementId,
    flows::statements::{self, Adjustment, CorrectError},
};

/// A reason is a sentence or two.
const REASON_CHARS_MAX: usize = 1_000;

/// What is to be added, and why.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"reference": "ticket-4711", "amount": "-4.00", "reason": "Counted twice in November."}))]
pub struct NewAdjustmentBody {
    /// By which the same adjustment is known again: asked for twice, it is made once. 1 to 100 characters.
    #[schema(example = "ticket-4711", min_length = 1, max_length = 100, pattern = r"\S")]
    reference: String,
    /// Decimal, in the statement's currency, to the millionth; not 0. Above 0: the publisher is owed, or the advertiser owes, more.
    #[schema(example = "-4.00", pattern = r"^-?[0-9]{1,12}(\.[0-9]{1,6})?$")]
    amount: String,
    /// Why: 1 to 1000 characters, not only white space. The party reads it on its statement.
    #[schema(example = "Counted twice in November.", min_length = 1, max_length = 1000, pattern = r"\S")]
    reason: String,
}

/// Adjust a statement
///
/// Posted at once between the party's account and the margin. It lands in the statement's own period while that is open, else in
/// the one that is open now: a closed statement never changes.
#[utoipa::path(
    tag = "statements",
    params(("statement_id" = Uuid, Path, description = "The statement's id")),
    security(("apiToken" = ["write"])),
    request_body = NewAdjustmentBody,
    responses(
        (status = 200, description = "The adjustment, also when it was there already", body = AdjustmentBody),
        (status = 404, description = "No such statement of this tenant"),
        (status = 409, description = "The reference names another adjustment of this statement", body = ProblemBody<'static>, content_type = "application/problem+json"),
    )
)]
#[post("/api/v1/statements/{statement_id}/adjustments")]
pub async fn adjust_statement(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<Uuid>,
    body: Json<NewAdjustmentBody>,
) -> Result<Json<AdjustmentBody>, Problem> {
    caller.require_write()?;
    let reference = checked(&body.0.reference, REFERENCE_CHARS_MAX);
    let reason = checked(&body.0.reason, REASON_CHARS_MAX);
    let amount = amount(&body.0.amount);
    let (Some(reference), Some(amount), Some(reason)) = (reference.clone(), amount, reason.clone()) else {
        return Err(wrong(reference.is_none(), amount.is_none(), reason.is_none()));
    };
    let asked = Adjustment {
        tenant: caller.tenant,
        statement: StatementId(id.into_inner()),
        token: caller.token,
        reference,
        amount,
        reason,
    };
    let made = statements::adjust(&api.pool, &asked).await.map_err(problem)?;
    Ok(Json(bodies::adjustment(&made)))
}

/// Digits before the point: beyond any invoice, and thousands of them are far from the end of the ledger's sums.
const UNIT_DIGITS_MAX: usize = 9;

fn amount(text: &str) -> Option<Micros> {
    let units = text.trim_start_matches('-').split('.').next().unwrap_or_default();
    let amount = Micros::parse_decimal(text).filter(|amount| amount.0 != 0)?;
    (1..=UNIT_DIGITS_MAX).contains(&units.len()).then_some(amount)
}

fn wrong(reference: bool, amount: bool, reason: bool) -> Problem {
    let mut problem = Problem::invalid(Vec::new());
    if reference {
        problem = wrong_text(problem, "reference", REFERENCE_CHARS_MAX);
    }
    if amount {
        problem = problem.field("amount", "must be a decimal such as -4.00 or 0.000001, not 0, below 10^9");
    }
    if reason {
        problem = wrong_text(problem, "reason", REASON_CHARS_MAX);
    }
    problem
}

/// Problems as the document shows them.
pub(super) fn problems() -> Vec<Said> {
    let refused = CorrectError::Different {
        amount: Micros(4_000_000),
        reason: String::from("Counted twice in November."),
    };
    let of = |problem| Said::by("adjust_statement", problem);
    vec![of(problem(refused)), of(wrong(true, true, true))]
}
