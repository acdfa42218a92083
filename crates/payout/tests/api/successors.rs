//! A person's rejection holds what follows on the same click in the same transaction: time does not release it before
//! attribution has judged the journey anew.

use contracts::{
    attribution::{ConversionReviewRequested, ConversionVerdict, ReportedAmount, Verdict},
    catalog::{Caps, ConversionStatus, OfferVersionCreated, OverLimitAction, PostbackEndpoint, TokenRole},
    common::{Money, MoneyTerms},
    envelope::Envelope,
    payout::{ActorKind, ConversionDecidedByPerson, ConversionStatusChanged},
};
use kernel::{ConversionId, Occurrence, OfferEventId};
use serde_json::json;
use uuid::Uuid;

use crate::{
    bulk,
    facts::{Tenant, click_id, percent_terms, terms},
    stage::Stage,
};

const MANAGER: &str = "gkt_manager";

/// A verdict on another event of a click, held for three days.
pub(crate) fn step(tenant: Tenant, click: u8, event_id: &str, number: Option<u32>) -> ConversionVerdict {
    let event = OfferEventId::from_uuid(event_of(event_id));
    ConversionVerdict {
        conversion_id: conversion_of(tenant, click, event_id).to_vec(),
        offer_event_id: event.to_vec(),
        event_id: event_id.to_owned(),
        sequence_number: number,
        terms: Some(terms(3)),
        ..tenant.verdict(click)
    }
}

pub(crate) fn conversion_of(tenant: Tenant, click: u8, event_id: &str) -> ConversionId {
    let event = OfferEventId::from_uuid(event_of(event_id));
    ConversionId::derive(tenant.0, click_id(click), event, &Occurrence::Once)
}

/// An id for every name of these tests.
fn event_of(event_id: &str) -> Uuid {
    let number = event_id.bytes().fold(0x0e00_u128, |sum, byte| sum * 31 + u128::from(byte));
    Uuid::from_u128(number)
}

fn on_review(tenant: Tenant, verdict: &ConversionVerdict) -> Envelope {
    let review = ConversionVerdict {
        verdict: Verdict::OnReview.into(),
        code: String::from("REVIEW_REFUND"),
        reason: String::from("The advertiser reported a refund for it."),
        ..verdict.clone()
    };
    tenant.envelope(&ConversionReviewRequested { verdict: Some(review) })
}

async fn stage() -> (Stage, Tenant) {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    stage.say_catalog([brownboots.token(MANAGER, TokenRole::Manager)]).await;
    (stage, brownboots)
}

async fn decide(stage: &Stage, conversion: ConversionId, decision: &str) {
    let path = format!("/api/v1/conversions/{}/decisions", conversion.as_uuid());
    let asked = json!({"decision": decision, "reason": "A test device."});
    let (status, answer) = stage.post(&path, Some(MANAGER), &asked).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test]
async fn rejecting_the_install_holds_the_whole_click_but_for_what_people_decided() {
    let (stage, brownboots) = stage().await;
    let second = step(brownboots, 1, "level_10", Some(2));
    let cleared = step(brownboots, 1, "af_tutorial", None);
    stage
        .say_verdicts([
            brownboots.qualified(step(brownboots, 1, "Install", Some(1))),
            brownboots.qualified(second.clone()),
            brownboots.qualified(step(brownboots, 1, "level_20", Some(3))),
            brownboots.qualified(step(brownboots, 1, "af_purchase", None)),
            on_review(brownboots, &cleared),
            brownboots.qualified(step(brownboots, 2, "level_10", Some(2))),
        ])
        .await;
    stage.rows("conversions", 6).await;
    let of = |event| conversion_of(brownboots, 1, event);
    decide(&stage, of("level_20"), "Approve").await;
    decide(&stage, of("af_tutorial"), "ClearReview").await;
    let ledger_rows = stage.count("SELECT count(*) AS count FROM ledger_transfers").await;

    decide(&stage, of("Install"), "Reject").await;
    let held = "conversions WHERE status = 'on_review' AND status_by = 'verdict' AND reason_code = 'REVIEW_TAINTED' \
                AND status_revision = 2 AND counted = 'taken' AND books = 'reserved'";
    assert_eq!(stage.count(&format!("SELECT count(*) AS count FROM {held}")).await, 2);
    stage.rows("conversion_history WHERE reason_code = 'REVIEW_TAINTED' AND status = 'on_review'", 2).await;
    // The install's reservation is voided; nothing else is booked.
    stage.rows("ledger_transfers WHERE kind = 'void'", 2).await;
    assert_eq!(stage.count("SELECT count(*) AS count FROM ledger_transfers").await, ledger_rows + 2);
    let said = stage.said_count::<ConversionStatusChanged>(6 + 2 + 3).await;
    let tainted: Vec<_> = said.iter().filter(|fact| fact.reason_code == "REVIEW_TAINTED").collect();
    assert!(tainted.len() == 2 && tainted.iter().all(|fact| fact.actor() == ActorKind::Verdict));
    assert_eq!(stage.said_count::<ConversionDecidedByPerson>(3).await.len(), 3);
    stage.rows("conversion_decisions WHERE bulk_id IS NULL", 3).await;

    // The pending times are over: what a person cleared and the other click are released, what is held is not.
    stage.meanwhile("UPDATE conversions SET hold_ends_at = now()").await;
    stage.rows("conversions WHERE status = 'success'", 3).await;
    assert_eq!(stage.count(&format!("SELECT count(*) AS count FROM {held}")).await, 2);

    // Attribution's next verdict moves it.
    let lifted = ConversionVerdict { revision: 2, ..second };
    stage.say_verdicts([brownboots.qualified(lifted)]).await;
    stage.rows("conversions WHERE status = 'pending'", 1).await;
    stage.strike().await;
}

#[tokio::test]
async fn rejecting_a_step_holds_the_later_ones_only() {
    let (stage, brownboots) = stage().await;
    let steps = [("Install", Some(1)), ("level_10", Some(2)), ("level_20", Some(3)), ("af_purchase", None)];
    let verdicts = steps.map(|(event, number)| brownboots.qualified(step(brownboots, 1, event, number)));
    stage.say_verdicts(verdicts).await;
    stage.rows("conversions", 4).await;
    decide(&stage, conversion_of(brownboots, 1, "level_10"), "Reject").await;
    stage.rows("conversions WHERE reason_code = 'REVIEW_VETOED_STEP' AND event_id = 'level_20'", 1).await;
    stage.holds_end().await;
    stage.rows("conversions WHERE status = 'success'", 2).await;
    stage.rows("conversions WHERE status = 'on_review'", 1).await;
    stage.strike().await;
}

/// Said by an attribution that has heard of so many decisions on the click.
fn heard(decisions: u32, revision: u64, verdict: &ConversionVerdict) -> ConversionVerdict {
    ConversionVerdict { decisions_heard: Some(decisions), revision, ..verdict.clone() }
}

fn held_for(event_id: &str, code: &str) -> String {
    format!("conversions WHERE event_id = '{event_id}' AND status = 'on_review' AND reason_code = '{code}'")
}

#[tokio::test]
async fn a_verdict_that_was_on_its_way_lifts_nothing() {
    let (stage, brownboots) = stage().await;
    let second = step(brownboots, 1, "level_10", Some(2));
    stage
        .say_verdicts([
            brownboots.qualified(heard(0, 1, &step(brownboots, 1, "Install", Some(1)))),
            brownboots.qualified(heard(0, 1, &second)),
        ])
        .await;
    stage.rows("conversions", 2).await;
    decide(&stage, conversion_of(brownboots, 1, "Install"), "Reject").await;
    stage.rows(&held_for("level_10", "REVIEW_TAINTED"), 1).await;

    // Attribution said these before it heard: an amount that came later, and a step that time would release at once.
    let amended = ConversionVerdict { reported: None, ..heard(0, 2, &second) };
    let third = ConversionVerdict { terms: Some(terms(0)), ..step(brownboots, 1, "level_20", Some(3)) };
    let other = ConversionVerdict { terms: Some(terms(0)), ..step(brownboots, 2, "level_20", Some(3)) };
    let late = [heard(0, 1, &third), heard(0, 1, &other)].map(|verdict| brownboots.qualified(verdict));
    stage.say_verdicts([brownboots.qualified(amended)]).await;
    stage.say_verdicts(late).await;
    stage.rows(&format!("{} AND verdict_revision = 2", held_for("level_10", "REVIEW_TAINTED")), 1).await;
    stage.rows(&held_for("level_20", "REVIEW_TAINTED"), 1).await;
    // The same step of another click is none of its business.
    stage.rows("conversions WHERE event_id = 'level_20' AND status = 'success'", 1).await;
    stage.holds_end().await;
    // What it says once it has heard counts.
    stage.say_verdicts([brownboots.qualified(heard(1, 3, &second))]).await;
    stage.rows("conversions WHERE event_id = 'level_10' AND status = 'pending'", 1).await;
    stage.rows(&held_for("level_20", "REVIEW_TAINTED"), 1).await;
    stage.strike().await;
}

#[tokio::test]
async fn a_restore_lets_go_what_only_that_rejection_held() {
    let (stage, brownboots) = stage().await;
    let steps = [("Install", Some(1)), ("level_10", Some(2)), ("level_20", Some(3)), ("af_purchase", None)];
    let verdicts = steps.map(|(event, number)| step(brownboots, 1, event, number));
    let [_, _, _, purchase] = verdicts.clone();
    stage.say_verdicts(verdicts.map(|verdict| brownboots.qualified(verdict))).await;
    stage.rows("conversions", 4).await;
    let of = |event| conversion_of(brownboots, 1, event);
    decide(&stage, of("Install"), "Reject").await;
    stage.rows("conversions WHERE reason_code = 'REVIEW_TAINTED' AND status = 'on_review'", 3).await;
    // The advertiser reports a refund of the purchase: that, too, keeps it.
    stage.say_verdicts([on_review(brownboots, &ConversionVerdict { revision: 2, ..purchase })]).await;
    stage.rows(&held_for("af_purchase", "REVIEW_REFUND"), 1).await;
    decide(&stage, of("level_10"), "Reject").await;
    let counted =
        "SELECT coalesce(sum(conversions), 0)::bigint AS count FROM limit_usage WHERE period = 'all_time'";
    let usage = stage.count(counted).await;
    let entries = stage.count("SELECT count(*) AS count FROM ledger_transfers").await;

    // Attribution has heard of neither: the rejection of the second step still holds the third.
    decide(&stage, of("Install"), "Restore").await;
    stage.rows(&held_for("level_20", "REVIEW_VETOED_STEP"), 1).await;
    stage.rows(&held_for("af_purchase", "REVIEW_REFUND"), 1).await;
    decide(&stage, of("level_10"), "Restore").await;
    let free = "conversions WHERE event_id = 'level_20' AND status = 'pending' AND status_by = 'verdict' \
                AND reason_code = '' AND counted = 'taken' AND books = 'reserved'";
    stage.rows(free, 1).await;
    // The two that were restored are counted and posted; what went on review and came off it has moved nothing.
    assert_eq!(stage.count(counted).await, usage + 2 * 3);
    assert_eq!(stage.count("SELECT count(*) AS count FROM ledger_transfers").await, entries + 2 * 2);
    stage.holds_end().await;
    stage.rows("conversions WHERE event_id = 'level_20' AND status = 'success'", 1).await;
    stage.rows(&held_for("af_purchase", "REVIEW_REFUND"), 1).await;
    stage.strike().await;
}

#[tokio::test]
async fn what_is_unpaid_names_its_limit_again_when_it_is_let_go() {
    let (stage, brownboots) = stage().await;
    let capped = OfferVersionCreated {
        over_limit_action: OverLimitAction::AcceptUnpaid.into(),
        caps: Some(Caps { weekly: Some(1), ..Caps::default() }),
        ..brownboots.offer(2)
    };
    stage.say_catalog([brownboots.envelope(&capped)]).await;
    for (event, number) in [("Install", 1), ("level_10", 2)] {
        stage.say_verdicts([brownboots.qualified(step(brownboots, 1, event, Some(number)))]).await;
        stage.rows("conversions", i64::from(number)).await;
    }
    let unpaid =
        "conversions WHERE event_id = 'level_10' AND status = 'pending' AND reason_code = 'UNPAID_CAP'";
    stage.rows(unpaid, 1).await;
    let of = |event| conversion_of(brownboots, 1, event);
    decide(&stage, of("Install"), "Reject").await;
    stage.rows(&held_for("level_10", "REVIEW_TAINTED"), 1).await;
    decide(&stage, of("Install"), "Restore").await;
    stage.rows(unpaid, 1).await;
    let path = format!("/api/v1/conversions/{}", of("level_10").as_uuid());
    let (_, shown) = stage.get(&path, Some(MANAGER)).await;
    let why = json!("accepted unpaid: the weekly cap of the offer is reached");
    assert_eq!((&shown["unpaid"], &shown["reason"]), (&json!(true), &why), "{shown}");
    let reasons: Vec<_> =
        shown["history"].as_array().unwrap().iter().map(|change| &change["reasonCode"]).collect();
    assert_eq!(reasons, ["UNPAID_CAP", "REVIEW_TAINTED", "UNPAID_CAP"], "{shown}");
    // One of before the limit was written down says what it knows.
    stage.meanwhile("UPDATE conversions SET unpaid_for = NULL").await;
    decide(&stage, of("Install"), "Reject").await;
    decide(&stage, of("Install"), "Restore").await;
    stage
        .rows(
            "conversions WHERE event_id = 'level_10' AND status = 'pending' AND reason_code = 'UNPAID_LIMIT'",
            1,
        )
        .await;
    stage.strike().await;
}

/// What was spent in a currency that the tenant has no rate for.
fn in_euro(verdict: ConversionVerdict) -> ConversionVerdict {
    let amount = Money { micros: 4_990_000, currency: String::from("EUR") };
    ConversionVerdict {
        terms: Some(percent_terms()),
        reported: Some(ReportedAmount { amount: Some(amount), ..ReportedAmount::default() }),
        ..verdict
    }
}

const RATE: [(&str, &str, i64); 1] = [("EUR", "USD", 1_085_000_000_000)];

#[tokio::test]
async fn a_rate_that_comes_after_a_rejection_lifts_nothing() {
    let (stage, brownboots) = stage().await;
    let heard = |verdict| ConversionVerdict { decisions_heard: Some(0), ..verdict };
    let first = heard(step(brownboots, 1, "level_10", Some(1)));
    let second = heard(in_euro(step(brownboots, 1, "level_20", Some(2))));
    stage.say_verdicts([brownboots.qualified(first), brownboots.qualified(second)]).await;
    stage.rows("conversions WHERE status = 'on_review' AND reason_code = 'REVIEW_NO_RATE'", 1).await;
    // Attribution has not judged the journey anew when the rate comes.
    decide(&stage, conversion_of(brownboots, 1, "level_10"), "Reject").await;
    stage.say_catalog([brownboots.changed(2, &RATE)]).await;
    stage
        .rows(
            "conversions WHERE status = 'on_review' AND reason_code = 'REVIEW_VETOED_STEP' AND books = 'reserved'
                AND revenue_micros = 2707075",
            1,
        )
        .await;
    stage.rows("conversions WHERE status IN ('pending', 'success')", 0).await;
    stage.strike().await;
}

#[tokio::test]
async fn what_a_person_lets_pass_is_priced_with_the_rates_of_now() {
    let (stage, brownboots) = stage().await;
    let doubtful = in_euro(step(brownboots, 1, "level_10", Some(1)));
    stage.say_verdicts([on_review(brownboots, &doubtful)]).await;
    stage.rows("conversions WHERE status = 'on_review' AND revenue_micros IS NULL", 1).await;
    stage.say_catalog([brownboots.changed(2, &RATE)]).await;
    stage.rows("tenants WHERE priced_at >= rates_at AND version = 2", 1).await;
    stage.rows("conversions WHERE reason_code = 'REVIEW_REFUND' AND revenue_micros IS NULL", 1).await;
    decide(&stage, conversion_of(brownboots, 1, "level_10"), "ClearReview").await;
    stage
        .rows("conversions WHERE revenue_micros = 2707075 AND rate_from = 'EUR' AND books <> 'empty' AND counted = 'taken'", 1)
        .await;
    stage.strike().await;
}

#[tokio::test]
async fn what_is_priced_when_a_person_lets_it_pass_is_told_with_its_price() {
    let (stage, brownboots) = stage().await;
    let endpoint = PostbackEndpoint {
        statuses: vec![ConversionStatus::Pending.into()],
        ..brownboots.endpoint(stage.template())
    };
    stage.say_catalog([brownboots.publisher(2, vec![endpoint])]).await;
    let in_euro = in_euro(step(brownboots, 1, "level_10", Some(1)));
    let held = MoneyTerms { pending_days: 3, ..percent_terms() };
    let doubtful = ConversionVerdict { terms: Some(held), ..in_euro };
    stage.say_verdicts([on_review(brownboots, &doubtful)]).await;
    assert_eq!(stage.told(1).await[0].param("p").as_deref(), Some(""));
    stage.say_catalog([brownboots.changed(2, &RATE)]).await;

    // A dry run says what it does to the money that is promised, and to whom it is told.
    let planned = bulk::plan(&stage, &[(1, "level_10", "Pending")]).await;
    let counted = &planned["plan"];
    let money = ["payoutBefore", "payoutAfter"].map(|name| counted["money"][0][name]["amount"].clone());
    assert_eq!((money, &counted["postbacks"]), ([json!("0.00"), json!("1.353537")], &json!(1)), "{planned}");
    decide(&stage, conversion_of(brownboots, 1, "level_10"), "ClearReview").await;
    let heard = stage.told(2).await;
    let last = ["s", "p"].map(|name| heard[1].param(name).unwrap());
    assert_eq!(last, ["Pending", "1.353537"]);
    stage.strike().await;
}
