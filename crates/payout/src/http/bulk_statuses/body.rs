//! A plan as the API shows it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::Micros;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    domain::bulk::Moved,
    flows::bulk::Shown,
    http::json::{MoneyBody, moment},
};

/// A file of wanted statuses: what its dry run found, and how far it is
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "bulkId": "0199a2b4-7a10-7c4e-8f00-3d2b5a6c7d8e",
    "token": "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg",
    "state": "Planned",
    "createdAt": "2026-12-02T10:15:30.250Z",
    "expiresAt": "2026-12-03T10:15:30.250Z",
    "plan": {
        "lines": 3, "approve": 1, "reject": 1, "restore": 0, "clearReview": 0, "unchanged": 1, "refused": 0,
        "notFound": 0, "namedTwice": 0, "refusals": [],
        "money": [{
            "publisherId": "0193a1f0-0000-7000-8000-000000000002",
            "revenueBefore": {"amount": "6.00", "currency": "USD"},
            "revenueAfter": {"amount": "3.00", "currency": "USD"},
            "payoutBefore": {"amount": "4.00", "currency": "USD"},
            "payoutAfter": {"amount": "2.00", "currency": "USD"}
        }],
        "successors": 1,
        "postbacks": 1
    },
    "progress": [{"outcome": "planned", "count": 2}, {"outcome": "unchanged", "count": 1}]
}))]
pub struct BulkStatusBody {
    /// Its id.
    pub bulk_id: Uuid,
    /// Names exactly this plan: conversions, their status revisions, decisions. Hand it in to apply the plan.
    pub token: String,
    /// `Planned`, `Applying` or `Done`.
    pub state: &'static str,
    /// When the dry run was made.
    pub created_at: String,
    /// Later the plan is not applied any more.
    pub expires_at: String,
    /// When its token was handed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied_at: Option<String>,
    /// When its last line was worked off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// What the dry run counted.
    pub plan: PlanBody,
    /// How its lines stand now; empty in lists.
    pub progress: Vec<BulkProgressBody>,
}

/// What a dry run counted: conversions, unless it says lines.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanBody {
    /// Lines of the file.
    pub lines: u64,
    /// Become Success.
    pub approve: u64,
    /// Become Rejected.
    pub reject: u64,
    /// Were Rejected and become Success.
    pub restore: u64,
    /// Were on review and become plainly Pending.
    pub clear_review: u64,
    /// Stand so already.
    pub unchanged: u64,
    /// The rules or a limit keep them from it.
    pub refused: u64,
    /// Lines that name no conversion of this tenant.
    pub not_found: u64,
    /// Named by an earlier line already: that one counts.
    pub named_twice: u64,
    /// Why conversions are refused.
    pub refusals: Vec<RefusalBody>,
    /// What is promised to publishers, before and after, for each publisher and currency.
    pub money: Vec<MovedBody>,
    /// Go on review because a conversion before them on their click is rejected.
    pub successors: u64,
    /// Postbacks that publishers get.
    pub postbacks: u64,
}

/// A reason for refusals
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"reason": "the budget has no room", "count": 2}))]
pub struct RefusalBody {
    /// For people.
    pub reason: String,
    /// How often.
    pub count: u64,
}

/// What a publisher's conversions of the file are worth: Pending and Success count, Rejected does not
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MovedBody {
    /// Whose.
    pub publisher_id: Uuid,
    /// What advertisers owe, before.
    pub revenue_before: MoneyBody,
    /// What advertisers owe, after.
    pub revenue_after: MoneyBody,
    /// What the publisher earns, before.
    pub payout_before: MoneyBody,
    /// What the publisher earns, after.
    pub payout_after: MoneyBody,
}

/// How many lines stand how
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"outcome": "applied", "count": 2}))]
pub struct BulkProgressBody {
    /// `planned`, `unchanged`, `refused`, `not_found`, `named_twice`, `applied`, `moved` (changed since the dry run and skipped)
    /// or `failed`.
    pub outcome: String,
    /// How many.
    pub count: i64,
}

impl From<Shown> for BulkStatusBody {
    fn from(shown: Shown) -> Self {
        let Shown { row, summary, counts } = shown;
        let state = match (row.applied_at, row.finished_at) {
            (None, _) => "Planned",
            (Some(_), None) => "Applying",
            (Some(_), Some(_)) => "Done",
        };
        Self {
            bulk_id: row.bulk_id,
            token: URL_SAFE_NO_PAD.encode(&row.token),
            state,
            created_at: moment(row.created_at),
            expires_at: moment(row.expires_at),
            applied_at: row.applied_at.map(moment),
            finished_at: row.finished_at.map(moment),
            plan: PlanBody {
                lines: summary.lines,
                approve: summary.approve,
                reject: summary.reject,
                restore: summary.restore,
                clear_review: summary.clear_review,
                unchanged: summary.unchanged,
                refused: summary.refused,
                not_found: summary.not_found,
                named_twice: summary.named_twice,
                refusals: summary
                    .refusals
                    .into_iter()
                    .map(|(reason, count)| RefusalBody { reason, count })
                    .collect(),
                money: summary.money.iter().map(moved).collect(),
                successors: summary.successors,
                postbacks: summary.postbacks,
            },
            progress: counts
                .into_iter()
                .map(|row| BulkProgressBody { outcome: row.outcome, count: row.count })
                .collect(),
        }
    }
}

fn moved(moved: &Moved) -> MovedBody {
    let money = |micros| MoneyBody { amount: Micros(micros).to_string(), currency: moved.currency.clone() };
    MovedBody {
        publisher_id: moved.publisher,
        revenue_before: money(moved.revenue_before),
        revenue_after: money(moved.revenue_after),
        payout_before: money(moved.payout_before),
        payout_after: money(moved.payout_after),
    }
}
