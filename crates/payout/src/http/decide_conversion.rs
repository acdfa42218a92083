//! `POST /api/v1/conversions/{id}/decisions`: a person decides.

use actix_web::{post, web};
use http_kit::{FieldError, Json, Problem, ProblemBody, auth::Caller, openapi::Said};
use kernel::{ConversionId, Currency, Micros, Money};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Api, error,
    json::{self, ConversionBody, Sight},
    raise_budget::{self, RaiseBudgetBody},
};
use crate::{
    domain::{
        conversion::Refused,
        limits::{Budgets, NotRaised, Over, Period},
        standing::{Decision, Illegal, Status},
    },
    flows::{
        decide::{self, Asked, DecideError},
        read::{self, Scope},
    },
};

/// A reason is a sentence or two.
const REASON_CHARS_MAX: usize = 1_000;

/// What a person decides, and why.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"decision": "Approve", "reason": "The advertiser confirmed the purchase."}))]
pub struct DecisionBody {
    /// What.
    decision: DecisionWord,
    /// Why: 1 to 1000 characters, not only white space. Kept with the decision, and told to a publisher whose postback asks for `{reason}`.
    #[schema(
        example = "The advertiser confirmed the purchase.",
        min_length = 1,
        max_length = 1000,
        pattern = r"\S"
    )]
    reason: String,
    /// Budgets of the offer to be raised with this decision, needed or not: both happen, or neither. Not with `Reject`.
    raise_budget: Option<RaiseBudgetBody>,
}

/// A decision by its word.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[schema(example = "Approve")]
pub enum DecisionWord {
    /// Pending becomes Success, also before its time.
    Approve,
    /// Not earned; what was paid is taken back.
    Reject,
    /// Rejected after all becomes Success.
    Restore,
    /// Nothing is wrong with it: time may release it.
    ClearReview,
}

/// Decide on a conversion
///
/// Outranks every flag and limit's refusal, earlier or later; the latest decision counts. What it makes count takes room from
/// the offer's caps and budgets: without room it is refused with what is missing, and nothing has changed, unless the same call
/// raises the budget (`raiseBudget`). A raise counts here at once and for every conversion; the catalog takes it over within
/// seconds, as if its budget had been changed there by the same token, which needs the same scope for both. Said twice, the second
/// call is refused by the status.
#[utoipa::path(
    tag = "conversions",
    params(("id" = Uuid, Path, description = "The conversion's id")),
    security(("apiToken" = ["write"])),
    request_body = DecisionBody,
    responses(
        (status = 200, description = "The conversion as it stands now", body = ConversionBody),
        (status = 404, description = "No such conversion of this tenant"),
        (status = 409, description = "Its status does not allow it, its worth is not known, a limit has no room (the detail says what is missing, `errors` which budget would be enough), or a budget can not be raised to what was asked for", body = ProblemBody<'static>, content_type = "application/problem+json"),
    )
)]
#[post("/api/v1/conversions/{id}/decisions")]
pub async fn decide_conversion(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<Uuid>,
    body: Json<DecisionBody>,
) -> Result<Json<ConversionBody>, Problem> {
    caller.require_write()?;
    let decision = match body.0.decision {
        DecisionWord::Approve => Decision::Approve,
        DecisionWord::Reject => Decision::Reject,
        DecisionWord::Restore => Decision::Restore,
        DecisionWord::ClearReview => Decision::ClearReview,
    };
    let reason = body.0.reason.trim();
    let is_wrong = reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX;
    let raise = body.0.raise_budget.as_ref().map(|body| raise_budget::read(body, decision)).transpose();
    let raise = match (is_wrong, raise) {
        (false, Ok(raise)) => raise,
        (is_wrong, raise) => return Err(wrong(is_wrong, raise.err().unwrap_or_default())),
    };
    let conversion = ConversionId::from_uuid(id.into_inner());
    let asked = Asked {
        tenant: caller.tenant,
        conversion,
        token: caller.token,
        decision,
        reason: String::from(reason),
        expected: None,
        bulk: None,
    };
    decide::decide(&api.pool, &api.ids, &asked, raise).await.map_err(problem)?;
    let scope = Scope { tenant: caller.tenant, publisher: None };
    let whole = read::conversion(&api.pool, scope, conversion).await.map_err(error::of_store)?;
    let whole = whole.ok_or_else(|| Problem::not_found("conversion"))?;
    Ok(Json(json::conversion(whole.conversion, Sight::Tenant)))
}

fn wrong(reason: bool, raise: Vec<FieldError>) -> Problem {
    let problem = Problem::invalid(raise);
    if reason {
        problem.field("reason", "must be 1 to 1000 characters, not only white space")
    } else {
        problem
    }
}

/// Problems as the document shows them.
pub(super) fn problems() -> Vec<Said> {
    let left = Money::new(Micros(500_000), Currency::USD);
    let short = Micros(1_500_000);
    let enough = Budgets::default().with(Period::AllTime, Micros(6_000_000_000));
    let refused = [
        Refused::Over(Over::Budget { period: Period::AllTime, left, short, enough }),
        Refused::Illegal(Illegal { from: Status::Success, decision: Decision::Approve }),
        Refused::Worthless(String::from("no amount: turn on Values & Revenue in AppsFlyer")),
        Refused::Unknown,
    ];
    let of = |problem| Said::by("decide_conversion", problem);
    let refused = refused.map(|refused| of(problem(DecideError::Refused(refused))));
    let present = Micros(6_000_000_000);
    let not_raised = DecideError::NotRaised(vec![
        (Period::AllTime, NotRaised::NotHigher { present }),
        (Period::Day, NotRaised::NoBudget),
    ]);
    let raise = RaiseBudgetBody::wrong();
    let wrong = wrong(true, raise_budget::read(&raise, Decision::Approve).err().unwrap_or_default());
    refused.into_iter().chain([of(problem(not_raised)), of(wrong)]).collect()
}

fn problem(error: DecideError) -> Problem {
    let refused = match error {
        DecideError::NotFound => return Problem::not_found("conversion"),
        DecideError::Store(error) => return error::of_store(error),
        DecideError::NotRaised(why_not) => return raise_budget::refused(&why_not),
        DecideError::Refused(refused) => refused,
    };
    let sentence = refused.to_string();
    match refused {
        Refused::Illegal(_) => Problem::conflict("status_does_not_allow_it", sentence),
        Refused::Worthless(_) => Problem::conflict("worth_is_not_known", sentence),
        Refused::Unknown => Problem::conflict("limits_are_not_known", sentence),
        Refused::Over(over) => {
            let missing = over.shortfall().map(|missing| format!(": {missing}")).unwrap_or_default();
            let problem = Problem::conflict("limit_is_reached", format!("{sentence}{missing}"));
            raise_budget::with_what_is_enough(problem, &over)
        }
    }
}
