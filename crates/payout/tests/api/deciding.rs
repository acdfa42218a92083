//! People decide on conversions: audited, told to attribution, and within the limits like everything else.

use contracts::{
    attribution::ConversionVerdict,
    catalog::{OfferVersionCreated, TokenRole},
    payout::{ActorKind, ConversionDecidedByPerson, ConversionStatusChanged, PersonDecision},
};
use serde_json::json;

use crate::{
    facts::{Tenant, terms, usd},
    stage::Stage,
};

const MANAGER: &str = "gkt_manager";
const PARTNER: &str = "gkt_partner";
const STRANGER: &str = "gkt_stranger";

fn with_budget(tenant: Tenant, version: u32, dollars: i64) -> OfferVersionCreated {
    OfferVersionCreated { total_budget: Some(usd(dollars * 1_000_000)), ..tenant.offer(version) }
}

/// A budget that pays for one conversion, and two that want it: the first has it.
async fn stage() -> (Stage, Tenant) {
    let stage = Stage::set().await;
    let (brownboots, other) = (Tenant::new(1), Tenant::new(2));
    stage.introduce_with(brownboots, with_budget(brownboots, 1, 3)).await;
    stage
        .say_catalog([
            brownboots.token(MANAGER, TokenRole::Manager),
            brownboots.token(PARTNER, TokenRole::Publisher),
            other.token(STRANGER, TokenRole::Owner),
        ])
        .await;
    for click in [1, 2] {
        let held = ConversionVerdict { terms: Some(terms(3)), ..brownboots.verdict(click) };
        stage.say_verdicts([brownboots.qualified(held)]).await;
        stage.rows("conversions", i64::from(click)).await;
    }
    stage.rows("conversions WHERE status_by = 'limit'", 1).await;
    (stage, brownboots)
}

fn path(tenant: Tenant, click: u8) -> String {
    format!("/api/v1/conversions/{}/decisions", tenant.conversion_id(click))
}

#[tokio::test]
async fn an_approval_is_paid_told_and_audited() {
    let (stage, brownboots) = stage().await;
    let asked = json!({"decision": "Approve", "reason": "The advertiser confirmed it."});
    let (status, approved) = stage.post(&path(brownboots, 1), Some(MANAGER), &asked).await;
    assert_eq!(
        (status, &approved["status"], &approved["reasonCode"]),
        (200, &json!("Success"), &json!("ACCEPTED_BY_PERSON"))
    );
    stage.told(1).await;
    stage.rows("ledger_transfers WHERE kind = 'post'", 2).await;

    let decided = stage.said_count::<ConversionDecidedByPerson>(1).await;
    assert_eq!(
        (decided[0].decision(), decided[0].reason.as_str()),
        (PersonDecision::Approve, "The advertiser confirmed it.")
    );
    assert_eq!(decided[0].occurrence, "once");
    let said = stage.said_count::<ConversionStatusChanged>(3).await;
    let by_person = said.iter().find(|fact| fact.actor() == ActorKind::Person).unwrap();
    assert_eq!(by_person.token_id.as_deref(), Some(decided[0].token_id.as_slice()));
    stage.rows("conversion_decisions WHERE decision = 'approve' AND status_revision = 2", 1).await;

    // No verdict undoes it, and it is not approved twice.
    stage.say_verdicts([brownboots.vetoed(&brownboots.verdict(1))]).await;
    stage.rows("conversions WHERE status = 'success' AND verdict_revision = 2", 1).await;
    let (status, refused) = stage.post(&path(brownboots, 1), Some(MANAGER), &asked).await;
    assert_eq!((status, &refused["code"]), (409, &json!("status_does_not_allow_it")));
    stage.strike().await;
}

#[tokio::test]
async fn a_restore_takes_room_or_is_refused_with_what_is_missing() {
    let (stage, brownboots) = stage().await;
    let restore = json!({"decision": "Restore", "reason": "A promise was made."});
    let (status, refused) = stage.post(&path(brownboots, 2), Some(MANAGER), &restore).await;
    assert_eq!((status, &refused["code"]), (409, &json!("limit_is_reached")));
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("0.00 USD is left, 3.00 USD is missing"), "{detail}");
    stage.rows("conversions WHERE status_by = 'limit' AND status_revision = 1", 1).await;

    // Room comes from a rejection, or from a higher budget.
    let reject = json!({"decision": "Reject", "reason": "A test device."});
    assert_eq!(stage.post(&path(brownboots, 1), Some(MANAGER), &reject).await.0, 200);
    assert_eq!(stage.post(&path(brownboots, 2), Some(MANAGER), &restore).await.0, 200);
    assert_eq!(stage.post(&path(brownboots, 1), Some(MANAGER), &restore).await.0, 409);
    stage.say_catalog([brownboots.envelope(&with_budget(brownboots, 2, 6))]).await;
    assert_eq!(stage.post(&path(brownboots, 1), Some(MANAGER), &restore).await.0, 200);
    stage.rows("conversions WHERE status = 'success' AND counted = 'taken'", 2).await;
    stage.rows("conversion_decisions", 3).await;
    stage.strike().await;
}

#[tokio::test]
async fn only_the_tenants_own_people_decide() {
    let (stage, brownboots) = stage().await;
    let asked = json!({"decision": "Reject", "reason": "No."});
    assert_eq!(stage.post(&path(brownboots, 1), None, &asked).await.0, 401);
    assert_eq!(stage.post(&path(brownboots, 1), Some(PARTNER), &asked).await.0, 403);
    assert_eq!(stage.post(&path(brownboots, 1), Some(STRANGER), &asked).await.0, 404);
    assert_eq!(stage.post(&path(brownboots, 99), Some(MANAGER), &asked).await.0, 404);
    let blank = json!({"decision": "Reject", "reason": "  "});
    let (status, problem) = stage.post(&path(brownboots, 1), Some(MANAGER), &blank).await;
    assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("reason")));
    let odd = json!({"decision": "Burn", "reason": "No."});
    assert_eq!(stage.post(&path(brownboots, 1), Some(MANAGER), &odd).await.0, 422);
    stage.rows("conversion_decisions", 0).await;
    stage.strike().await;
}
