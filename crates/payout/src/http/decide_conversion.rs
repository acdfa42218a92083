//! `POST /api/v1/conversions/{id}/decisions`: a person decides.

use actix_web::{post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller, openapi::Said};
use kernel::{ConversionId, Currency, Micros, Money};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Api, error,
    json::{self, ConversionBody, Sight},
};
use crate::{
    domain::{
        conversion::Refused,
        limits::{Over, Period},
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
/// the offer's caps and budgets: without room it is refused with what is missing, and nothing has changed. Raise the budget in
/// the catalog first.
#[utoipa::path(
    tag = "conversions",
    params(("id" = Uuid, Path, description = "The conversion's id")),
    security(("apiToken" = ["write"])),
    request_body = DecisionBody,
    responses(
        (status = 200, description = "The conversion as it stands now", body = ConversionBody),
        (status = 404, description = "No such conversion of this tenant"),
        (status = 409, description = "Its status does not allow it, its worth is not known, or a limit has no room: the detail says what is missing", body = ProblemBody<'static>, content_type = "application/problem+json"),
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
    let reason = body.0.reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
        return Err(wrong_reason());
    }
    let conversion = ConversionId::from_uuid(id.into_inner());
    let asked = Asked {
        tenant: caller.tenant,
        conversion,
        token: caller.token,
        decision: match body.0.decision {
            DecisionWord::Approve => Decision::Approve,
            DecisionWord::Reject => Decision::Reject,
            DecisionWord::Restore => Decision::Restore,
            DecisionWord::ClearReview => Decision::ClearReview,
        },
        reason: String::from(reason),
        expected: None,
        bulk: None,
    };
    decide::decide(&api.pool, &api.ids, &asked).await.map_err(problem)?;
    let scope = Scope { tenant: caller.tenant, publisher: None };
    let whole = read::conversion(&api.pool, scope, conversion).await.map_err(error::of_store)?;
    let whole = whole.ok_or_else(|| Problem::not_found("conversion"))?;
    Ok(Json(json::conversion(whole.conversion, Sight::Tenant)))
}

fn wrong_reason() -> Problem {
    Problem::invalid(Vec::new()).field("reason", "must be 1 to 1000 characters, not only white space")
}

/// Problems as the document shows them.
pub(super) fn problems() -> Vec<Said> {
    let left = Money::new(Micros(500_000), Currency::USD);
    let refused = [
        Refused::Over(Over::Budget { period: Period::AllTime, left, short: Micros(1_500_000) }),
        Refused::Illegal(Illegal { from: Status::Success, decision: Decision::Approve }),
        Refused::Worthless(String::from("no amount: turn on Values & Revenue in AppsFlyer")),
        Refused::Unknown,
    ];
    let of = |problem| Said::by("decide_conversion", problem);
    let refused = refused.map(|refused| of(problem(DecideError::Refused(refused))));
    refused.into_iter().chain([of(wrong_reason())]).collect()
}

fn problem(error: DecideError) -> Problem {
    let refused = match error {
        DecideError::NotFound => return Problem::not_found("conversion"),
        DecideError::Store(error) => return error::of_store(error),
        DecideError::Refused(refused) => refused,
    };
    let sentence = refused.to_string();
    match refused {
        Refused::Illegal(_) => Problem::conflict("status_does_not_allow_it", sentence),
        Refused::Worthless(_) => Problem::conflict("worth_is_not_known", sentence),
        Refused::Unknown => Problem::conflict("limits_are_not_known", sentence),
        Refused::Over(over) => {
            let missing = over.shortfall().map(|missing| format!(": {missing}")).unwrap_or_default();
            Problem::conflict("limit_is_reached", format!("{sentence}{missing}"))
        }
    }
}
