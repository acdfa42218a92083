//! `GET /api/v1/exposure`: what is Pending, when it matures, and what it will probably come to.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, Query, auth::Caller};
use kernel::{OfferId, PublisherId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Api, error};
use crate::{
    domain::exposure::Basis,
    flows::exposure::{self, Asked, Line},
};

/// Of whom.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExposureFilter {
    /// Of one publisher.
    #[param(value_type = Option<Uuid>)]
    publisher_id: Option<Uuid>,
    /// Of one offer.
    #[param(value_type = Option<Uuid>)]
    offer_id: Option<Uuid>,
}

/// Pending conversions of one publisher, offer, day and currency.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "publisherId": "0193a1f0-0000-7000-8000-000000000002", "offerId": "0194a3c0-0000-7000-8000-000000000001",
    "maturesOn": "2026-12-14", "currency": "USD", "pendingCount": 120, "payout": "360.00", "revenue": "600.00",
    "expectedPayout": "334.80", "expectedRevenue": "558.00",
    "loss": {"basis": "Offer", "shareBps": 700, "decidedCount": 1000, "lostCount": 70}
}))]
pub struct ExposureBody {
    /// Who earns.
    pub publisher_id: Uuid,
    /// The offer.
    pub offer_id: Uuid,
    /// The day in the tenant's zone on which the pending time ends, today when it has ended; absent for what is on review: time
    /// does not release it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matures_on: Option<String>,
    /// Of the amounts, ISO 4217.
    #[schema(example = "USD")]
    pub currency: String,
    /// How many conversions.
    pub pending_count: i64,
    /// What the publisher earns if all become Success.
    pub payout: String,
    /// What the advertiser owes then; not shown to publishers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revenue: Option<String>,
    /// The payout without the share that is expected to be lost, rounded down.
    pub expected_payout: String,
    /// The revenue without it; not shown to publishers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_revenue: Option<String>,
    /// What the expectation rests on; not shown to publishers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<LossBody>,
}

/// The share of Pending conversions that is expected to be lost.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"basis": "Offer", "shareBps": 700, "decidedCount": 1000, "lostCount": 70}))]
pub struct LossBody {
    /// Whose past: the `Offer`'s; all of the `Tenant`'s when fewer than 100 conversions of the offer are decided; `Nothing` when
    /// there are too few of those, too, and nothing is taken off.
    pub basis: &'static str,
    /// In basis points: 700 is 7 %.
    #[schema(example = 700, minimum = 0, maximum = 10000)]
    pub share_bps: u32,
    /// Conversions of the last 90 days that ended Success or Rejected.
    pub decided_count: u64,
    /// Those that ended Rejected.
    pub lost_count: u64,
}

/// What is Pending, when it matures, and what it will probably come to
///
/// Soonest first; what is on review comes last, without a day. The expectation takes off the share of decided conversions of the
/// offer, of the last 90 days, that ended Rejected. A publisher's token sees its own, without the advertiser's prices.
#[utoipa::path(
    tag = "statements",
    params(Page, ExposureFilter),
    security(("apiToken" = ["read-own"])),
    responses((status = 200, description = "A page of what is Pending", body = ListBody<ExposureBody>))
)]
#[get("/api/v1/exposure")]
pub async fn get_exposure(
    caller: Caller,
    api: web::Data<Api>,
    page: Page,
    filter: Query<ExposureFilter>,
) -> Result<Json<ListBody<ExposureBody>>, Problem> {
    let own = caller.visible_publisher()?;
    let asked_for = filter.0.publisher_id.map(PublisherId::from_uuid);
    if own.is_some() && asked_for.is_some() && own != asked_for {
        return Ok(Json(page.of(Vec::new(), 0)));
    }
    let asked = Asked {
        tenant: caller.tenant,
        publisher: own.or(asked_for),
        offer: filter.0.offer_id.map(OfferId::from_uuid),
        offset: page.offset(),
        limit: page.limit(),
    };
    let (lines, total) = exposure::exposure(&api.pool, asked).await.map_err(error::of_store)?;
    let is_tenant = own.is_none();
    Ok(Json(page.of(lines.into_iter().map(|line| body(line, is_tenant)).collect(), total)))
}

fn body(line: Line, is_tenant: bool) -> ExposureBody {
    let loss = LossBody {
        basis: match line.loss.basis {
            Basis::Offer => "Offer",
            Basis::Tenant => "Tenant",
            Basis::Nothing => "Nothing",
        },
        share_bps: line.loss.share.0,
        decided_count: line.loss.sample.decided,
        lost_count: line.loss.sample.lost,
    };
    ExposureBody {
        publisher_id: line.publisher,
        offer_id: line.offer,
        matures_on: line.due_on.map(|day| day.to_string()),
        currency: line.currency,
        pending_count: line.pending,
        payout: line.payout.to_string(),
        revenue: is_tenant.then(|| line.revenue.to_string()),
        expected_payout: line.expected_payout.to_string(),
        expected_revenue: is_tenant.then(|| line.expected_revenue.to_string()),
        loss: is_tenant.then_some(loss),
    }
}
