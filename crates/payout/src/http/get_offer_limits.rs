//! `GET /api/v1/offers/{offer_id}/limits`: what an offer allows, what was taken of it, what is left.

use actix_web::{get, web};
use chrono::{DateTime, SecondsFormat, Utc};
use http_kit::{Json, Problem, auth::Caller};
use kernel::{Micros, OfferEventId, OfferId, PublisherId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Api, error};
use crate::{
    domain::limits::{BudgetState, CapOf, OverLimit, Period},
    flows::limits_of::{self, BudgetLine, CapLine, Limits, RaiseLine},
};

/// The limits of an offer at this moment.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "offerId": "0194a3c0-0000-7000-8000-000000000001",
    "version": 3,
    "currency": "USD",
    "overLimitAction": "Reject",
    "state": "SpentForToday",
    "resumesAt": "2026-12-03T00:00:00.000Z",
    "budgets": [
        {"period": "AllTime", "bound": "6000.00", "taken": "5000.00", "left": "1000.00", "raise": {
            "catalogBound": "5000.00", "conversionId": "0198d001-77aa-7b52-8f11-4b7c2a90e6d3",
            "tokenId": "0193a1f0-0000-7000-8000-000000000020", "reason": "The advertiser agreed to more.",
            "raisedAt": "2026-12-02T10:15:30.250Z"
        }},
        {"period": "Day", "bound": "100.00", "taken": "99.50", "left": "0.50", "endsAt": "2026-12-03T00:00:00.000Z"}
    ],
    "caps": [{
        "of": "Event", "offerEventId": "0194a3c0-0000-7000-8000-0000000000e2", "period": "Week", "bound": 500,
        "taken": 41, "left": 459, "endsAt": "2026-12-07T00:00:00.000Z"
    }]
}))]
pub struct OfferLimitsBody {
    /// The offer.
    pub offer_id: Uuid,
    /// The version whose limits these are: the newest that has arrived.
    #[schema(example = 3, minimum = 1)]
    pub version: u32,
    /// Of the budgets, ISO 4217.
    #[schema(example = "USD")]
    pub currency: String,
    /// What becomes of a conversion that a limit has no room for: `Reject`, `Review` or `AcceptUnpaid`.
    #[schema(example = "Reject")]
    pub over_limit_action: &'static str,
    /// Whether the budgets let clicks through: `Open`, `Spent`, or `SpentForToday`.
    #[schema(example = "Open")]
    pub state: &'static str,
    /// When it is open again by itself: the next midnight UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumes_at: Option<String>,
    /// Limits of revenue.
    pub budgets: Vec<BudgetBody>,
    /// Limits of how many conversions count.
    pub caps: Vec<CapBody>,
}

/// A limit of revenue.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "period": "Day", "bound": "100.00", "taken": "99.50", "left": "0.50", "endsAt": "2026-12-03T00:00:00.000Z"
}))]
pub struct BudgetBody {
    /// `Day` or `AllTime`.
    pub period: &'static str,
    /// What may be taken.
    pub bound: String,
    /// What conversions that are Pending or Success took.
    pub taken: String,
    /// What is left; negative when the budget was lowered below what was taken.
    pub left: String,
    /// The end of the period, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<String>,
    /// The raise that is in `bound` and not yet in the catalog: gone within seconds. When it stays, the catalog did not take it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raise: Option<RaiseBody>,
}

/// A budget that a person raised while deciding on a conversion.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "catalogBound": "5000.00", "conversionId": "0198d001-77aa-7b52-8f11-4b7c2a90e6d3",
    "tokenId": "0193a1f0-0000-7000-8000-000000000020", "reason": "The advertiser agreed to more.",
    "raisedAt": "2026-12-02T10:15:30.250Z"
}))]
pub struct RaiseBody {
    /// What the catalog says the budget is.
    pub catalog_bound: String,
    /// The conversion that it was raised for.
    pub conversion_id: Uuid,
    /// Whose token raised it.
    pub token_id: Uuid,
    /// Why: the reason of the decision.
    pub reason: String,
    /// When.
    pub raised_at: String,
}

/// A limit of how many conversions count.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "of": "EventByPublisher", "offerEventId": "0194a3c0-0000-7000-8000-0000000000e2",
    "publisherId": "0193a1f0-0000-7000-8000-000000000002", "period": "Month", "bound": 500, "taken": 41, "left": 459,
    "endsAt": "2027-01-01T00:00:00.000Z"
}))]
pub struct CapBody {
    /// Whose: `Offer`, `Event` or `EventByPublisher`.
    pub of: &'static str,
    /// The event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer_event_id: Option<Uuid>,
    /// The publisher; absent while none has taken anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher_id: Option<Uuid>,
    /// `Day`, `Week`, `Month` or `AllTime`.
    pub period: &'static str,
    /// How many may count.
    pub bound: i64,
    /// How many count.
    pub taken: i64,
    /// How many more may; negative when the cap was lowered below what was taken.
    pub left: i64,
    /// The end of the period, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<String>,
}

/// What an offer allows, what was taken of it, what is left
///
/// Of this moment, by the clock and calendar of UTC. A limit that is not set is not listed.
#[utoipa::path(
    tag = "limits",
    params(("offer_id" = Uuid, Path, description = "The offer")),
    security(("apiToken" = ["read"])),
    responses(
        (status = 200, description = "The limits", body = OfferLimitsBody),
        (status = 404, description = "No such offer of this tenant, or it has not arrived here yet"),
    )
)]
#[get("/api/v1/offers/{offer_id}/limits")]
pub async fn get_offer_limits(
    caller: Caller,
    api: web::Data<Api>,
    offer: web::Path<Uuid>,
) -> Result<Json<OfferLimitsBody>, Problem> {
    caller.require_read_tenant()?;
    let offer = OfferId::from_uuid(offer.into_inner());
    let limits = limits_of::limits(&api.pool, (caller.tenant, offer))
        .await
        .map_err(error::of_store)?
        .ok_or_else(|| Problem::not_found("offer"))?;
    Ok(Json(body(offer, limits)))
}

fn body(offer: OfferId, limits: Limits) -> OfferLimitsBody {
    let (state, resumes_at) = match limits.state {
        BudgetState::Open => ("Open", None),
        BudgetState::Spent => ("Spent", None),
        BudgetState::SpentUntil(moment) => ("SpentForToday", Some(text(moment))),
    };
    OfferLimitsBody {
        offer_id: offer.as_uuid(),
        version: limits.version,
        currency: limits.currency.to_string(),
        over_limit_action: match limits.action {
            OverLimit::Reject => "Reject",
            OverLimit::Review => "Review",
            OverLimit::AcceptUnpaid => "AcceptUnpaid",
        },
        state,
        resumes_at,
        budgets: limits.budgets.into_iter().map(budget).collect(),
        caps: limits.caps.into_iter().map(cap).collect(),
    }
}

fn budget(line: BudgetLine) -> BudgetBody {
    BudgetBody {
        period: period(line.period),
        bound: line.bound.to_string(),
        taken: line.taken.to_string(),
        left: Micros(line.bound.0.saturating_sub(line.taken.0)).to_string(),
        ends_at: line.ends_at.map(text),
        raise: line.raise.map(raise),
    }
}

fn raise(line: RaiseLine) -> RaiseBody {
    RaiseBody {
        catalog_bound: line.catalog.to_string(),
        conversion_id: line.by.conversion.as_uuid(),
        token_id: line.by.token.as_uuid(),
        reason: line.by.reason,
        raised_at: text(line.by.at),
    }
}

fn cap(line: CapLine) -> CapBody {
    let bound = i64::try_from(line.cap.bound).unwrap_or(i64::MAX);
    CapBody {
        of: match line.cap.of {
            CapOf::Offer => "Offer",
            CapOf::Event(_) => "Event",
            CapOf::EventByPublisher(_) => "EventByPublisher",
        },
        offer_event_id: line.cap.of.event().map(OfferEventId::as_uuid),
        publisher_id: line.publisher.map(PublisherId::as_uuid),
        period: period(line.cap.period),
        bound,
        taken: line.taken,
        left: bound.saturating_sub(line.taken),
        ends_at: line.ends_at.map(text),
    }
}

const fn period(period: Period) -> &'static str {
    match period {
        Period::Day => "Day",
        Period::Week => "Week",
        Period::Month => "Month",
        Period::AllTime => "AllTime",
    }
}

fn text(moment: Timestamp) -> String {
    DateTime::<Utc>::from_timestamp_micros(moment.as_micros())
        .map_or_else(String::new, |moment| moment.to_rfc3339_opts(SecondsFormat::Millis, true))
}
