//! Statuses of many conversions by a file: a dry run that says what applying it does, and does nothing.

use contracts::{
    attribution::ConversionVerdict,
    catalog::{OfferVersionCreated, TokenRole},
    payout::ConversionDecidedByPerson,
};
use diesel::sql_query;
use diesel_async::RunQueryDsl as _;
use payout::Settings;
use serde_json::{Value, json};
use test_kit::eventually;

use crate::{
    facts::{Tenant, click_id, terms, usd},
    stage::{SOON, Stage},
    successors::{conversion_of, step},
};

pub(crate) const MANAGER: &str = "gkt_manager";
const COLLEAGUE: &str = "gkt_colleague";
const PARTNER: &str = "gkt_partner";
const STRANGER: &str = "gkt_stranger";
const PLANS: &str = "/api/v1/bulk-statuses";

pub(crate) async fn stage_with(
    replicas: usize,
    offer: OfferVersionCreated,
    change: impl Fn(&mut Settings),
) -> (Stage, Tenant) {
    let stage = Stage::with(replicas, change).await;
    let (brownboots, other) = (Tenant::new(1), Tenant::new(2));
    stage.introduce_with(brownboots, offer).await;
    stage
        .say_catalog([
            brownboots.token(MANAGER, TokenRole::Manager),
            brownboots.token(COLLEAGUE, TokenRole::Manager),
            brownboots.token(PARTNER, TokenRole::Publisher),
            other.token(STRANGER, TokenRole::Owner),
        ])
        .await;
    (stage, brownboots)
}

async fn stage() -> (Stage, Tenant) {
    stage_with(1, Tenant::new(1).offer(1), |_| ()).await
}

/// A purchase of a click, held for three days.
pub(crate) fn held(tenant: Tenant, click: u8) -> ConversionVerdict {
    ConversionVerdict { terms: Some(terms(3)), ..tenant.verdict(click) }
}

fn file(lines: &[(u8, &str, &str)]) -> String {
    let rows = lines.iter().map(|(click, event, status)| {
        format!("{},{event},{status},The advertiser looked.\n", click_id(*click).as_uuid())
    });
    format!("gk_click_id,EventId,status,reason\n{}", rows.collect::<String>())
}

async fn send(stage: &Stage, token: &str, kind: &str, file: &str) -> (u16, Value) {
    let request = test_kit::http_client().post(format!("http://{}{PLANS}", stage.address));
    let request = request.header("authorization", format!("ApiToken {token}")).header("content-type", kind);
    let answer = request.body(file.to_owned()).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

pub(crate) async fn plan(stage: &Stage, lines: &[(u8, &str, &str)]) -> Value {
    plan_as(stage, MANAGER, lines).await
}

pub(crate) async fn plan_as(stage: &Stage, token: &str, lines: &[(u8, &str, &str)]) -> Value {
    let (status, plan) = send(stage, token, "text/csv", &file(lines)).await;
    assert_eq!(status, 201, "{plan}");
    plan
}

fn path(plan: &Value, rest: &str) -> String {
    format!("{PLANS}/{}{rest}", plan["bulkId"].as_str().unwrap())
}

pub(crate) async fn apply(stage: &Stage, plan: &Value, token: &str) -> (u16, Value) {
    stage.post(&path(plan, "/apply"), Some(token), &json!({"token": plan["token"]})).await
}

/// Waits until a plan is worked off.
pub(crate) async fn done(stage: &Stage, plan: &Value) -> Value {
    eventually("the plan is done", SOON, async || {
        let (_, shown) = stage.get(&path(plan, ""), Some(MANAGER)).await;
        if shown.get("state") == Some(&json!("Done")) { Ok(shown) } else { Err(shown.to_string()) }
    })
    .await
}

pub(crate) async fn lines(stage: &Stage, plan: &Value) -> Vec<String> {
    let request = test_kit::http_client().get(format!("http://{}{}", stage.address, path(plan, "/lines")));
    let answer = request.header("authorization", format!("ApiToken {MANAGER}")).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    answer.text().await.unwrap().lines().skip(1).map(str::to_owned).collect()
}

pub(crate) fn progress(shown: &Value, outcome: &str) -> i64 {
    let rows = shown["progress"].as_array().unwrap();
    rows.iter().find(|row| row["outcome"] == outcome).map_or(0, |row| row["count"].as_i64().unwrap())
}

/// Everything that a decision would change.
async fn traces(stage: &Stage) -> [i64; 6] {
    let mut all = [0; 6];
    for (place, count) in all.iter_mut().zip([
        "SELECT coalesce(sum(status_revision), 0)::bigint AS count FROM conversions",
        "SELECT count(*) AS count FROM conversion_history",
        "SELECT count(*) AS count FROM ledger_transfers",
        "SELECT count(*) AS count FROM deliveries",
        "SELECT count(*) AS count FROM conversion_decisions",
        "SELECT coalesce(sum(conversions), 0)::bigint AS count FROM limit_usage",
    ]) {
        *place = stage.count(count).await;
    }
    all
}

/// What is promised, in micros, but for one click.
async fn promised(stage: &Stage, column: &str, but: u8) -> i64 {
    stage
        .count(&format!(
            "SELECT coalesce(sum({column}), 0)::bigint AS count FROM conversions
            WHERE status IN ('pending', 'on_review', 'success', 'flagged') AND gk_click_id <> '{}'",
            click_id(but).as_uuid()
        ))
        .await
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_says_what_applying_does() {
    let (stage, brownboots) = stage().await;
    stage
        .say_verdicts([
            brownboots.qualified(step(brownboots, 1, "Install", Some(1))),
            brownboots.qualified(step(brownboots, 1, "level_10", Some(2))),
            brownboots.qualified(held(brownboots, 2)),
            brownboots.qualified(brownboots.verdict(3)),
            brownboots.qualified(brownboots.verdict(4)),
        ])
        .await;
    stage.rows("conversions", 5).await;
    stage.told(2).await;
    let before = traces(&stage).await;
    let worth = [promised(&stage, "revenue_micros", 4).await, promised(&stage, "payout_micros", 4).await];

    let planned = plan(
        &stage,
        &[
            (3, "", "Rejected"),
            (1, "Install", "Rejected"),
            (2, "af_purchase", "Success"),
            (4, "", "Success"),
            (2, "", "Rejected"),
            (99, "", "Success"),
        ],
    )
    .await;
    let counted = &planned["plan"];
    assert_eq!(
        [
            "lines",
            "approve",
            "reject",
            "restore",
            "clearReview",
            "unchanged",
            "refused",
            "notFound",
            "namedTwice"
        ]
        .map(|name| counted[name].as_i64().unwrap()),
        [6, 1, 2, 0, 0, 1, 0, 1, 1],
        "{planned}"
    );
    assert_eq!((&counted["successors"], &counted["postbacks"]), (&json!(1), &json!(1)));
    let usd = |amount: &str| json!({"amount": amount, "currency": "USD"});
    let money = &counted["money"][0];
    assert_eq!(
        ["revenueBefore", "revenueAfter", "payoutBefore", "payoutAfter"].map(|name| money[name].clone()),
        [usd("12.00"), usd("6.00"), usd("8.00"), usd("4.00")]
    );
    assert_eq!(worth, [12_000_000, 8_000_000]);
    assert_eq!(traces(&stage).await, before, "a dry run changes nothing");

    assert_eq!(apply(&stage, &planned, MANAGER).await.0, 202);
    let shown = done(&stage, &planned).await;
    assert_eq!((progress(&shown, "applied"), progress(&shown, "planned")), (3, 0), "{shown}");
    let after = traces(&stage).await;
    assert_eq!(after[3] - before[3], counted["postbacks"].as_i64().unwrap());
    assert_eq!(promised(&stage, "revenue_micros", 4).await, 6_000_000);
    assert_eq!(promised(&stage, "payout_micros", 4).await, 4_000_000);
    stage.rows("conversions WHERE reason_code = 'REVIEW_TAINTED' AND status = 'on_review'", 1).await;
    let audited = format!(
        "conversion_decisions WHERE bulk_id = '{}' AND reason = 'The advertiser looked.'",
        planned["bulkId"].as_str().unwrap()
    );
    stage.rows(&audited, 3).await;
    stage.told(3).await;
    assert_eq!(stage.said_count::<ConversionDecidedByPerson>(3).await.len(), 3);
    stage.strike().await;
}

#[tokio::test]
async fn what_moved_in_between_is_skipped_and_reported() {
    let (stage, brownboots) = stage().await;
    stage.say_verdicts([1, 2].map(|click| brownboots.qualified(held(brownboots, click)))).await;
    stage.rows("conversions", 2).await;
    let planned = plan(&stage, &[(1, "", "Rejected"), (2, "", "Rejected")]).await;
    let decision = format!("/api/v1/conversions/{}/decisions", brownboots.conversion_id(1).as_uuid());
    let approve = json!({"decision": "Approve", "reason": "It is right."});
    assert_eq!(stage.post(&decision, Some(COLLEAGUE), &approve).await.0, 200);
    assert_eq!(apply(&stage, &planned, MANAGER).await.0, 202);
    let shown = done(&stage, &planned).await;
    assert_eq!((progress(&shown, "applied"), progress(&shown, "moved")), (1, 1));
    stage.rows("conversions WHERE status = 'success'", 1).await;
    stage.rows("conversions WHERE status = 'rejected'", 1).await;
    let lines = lines(&stage, &planned).await;
    assert!(
        lines[0].ends_with(",reject,moved,it has changed since the dry run: look at it again"),
        "{lines:?}"
    );
    assert!(lines[1].ends_with(",reject,applied,"), "{lines:?}");
    stage.strike().await;
}

#[tokio::test]
async fn limits_add_up_over_the_file() {
    let offer = Tenant::new(1).offer(1);
    let (stage, brownboots) =
        stage_with(1, OfferVersionCreated { total_budget: Some(usd(6_000_000)), ..offer }, |_| ()).await;
    for click in 1..=4 {
        stage.say_verdicts([brownboots.qualified(held(brownboots, click))]).await;
        stage.rows("conversions", i64::from(click)).await;
    }
    stage.rows("conversions WHERE status_by = 'limit'", 2).await;
    // The rejection gives room for one of two.
    let planned = plan(&stage, &[(4, "", "Success"), (3, "", "Success"), (1, "", "Rejected")]).await;
    let counted = &planned["plan"];
    assert_eq!(
        ["reject", "restore", "refused"].map(|name| counted[name].as_i64().unwrap()),
        [1, 1, 1],
        "{planned}"
    );
    assert_eq!(counted["refusals"][0]["count"], 1);
    assert_eq!(apply(&stage, &planned, MANAGER).await.0, 202);
    let shown = done(&stage, &planned).await;
    assert_eq!((progress(&shown, "applied"), progress(&shown, "refused")), (2, 1));
    let lines = lines(&stage, &planned).await;
    assert!(lines[2].contains("3.00 USD is missing"), "{lines:?}");
    stage.rows("conversions WHERE counted = 'taken'", 2).await;
    stage.rows("conversions WHERE status = 'success'", 1).await;
    stage.strike().await;
}

#[tokio::test]
async fn a_file_that_rejects_both_steps_decides_both() {
    let (stage, brownboots) = stage().await;
    let steps = [("Install", Some(1)), ("level_10", Some(2)), ("level_20", Some(3))];
    let verdicts = steps.map(|(event, number)| brownboots.qualified(step(brownboots, 1, event, number)));
    stage.say_verdicts(verdicts).await;
    stage.rows("conversions", 3).await;
    let planned = plan(&stage, &[(1, "Install", "Rejected"), (1, "level_10", "Rejected")]).await;
    assert_eq!(planned["plan"]["successors"], 1);
    assert_eq!(apply(&stage, &planned, MANAGER).await.0, 202);
    done(&stage, &planned).await;
    stage
        .rows("conversions WHERE status = 'rejected' AND status_by = 'person' AND status_revision = 2", 2)
        .await;
    let third = conversion_of(brownboots, 1, "level_20").as_uuid();
    stage.rows(&format!("conversions WHERE status = 'on_review' AND conversion_id = '{third}'"), 1).await;
    stage.strike().await;
}

#[tokio::test]
async fn two_replicas_and_a_cut_in_the_middle_decide_each_line_once() {
    const CLICKS: u8 = 240;
    /// Of four steps of fifty lines.
    const LAST_STEP: i64 = 200;
    let (mut stage, brownboots) = stage_with(2, Tenant::new(1).offer(1), |_| ()).await;
    let all: Vec<u8> = (1..=CLICKS).collect();
    stage.say_verdicts(all.iter().map(|click| brownboots.qualified(held(brownboots, *click)))).await;
    stage.rows("conversions", i64::from(CLICKS)).await;
    let wanted: Vec<_> = all.iter().map(|click| (*click, "", "Success")).collect();
    let planned = plan(&stage, &wanted).await;
    // Somebody holds a conversion of the last step.
    let mut holder = stage.database.admin().await;
    sql_query("BEGIN").execute(&mut holder).await.unwrap();
    let last =
        format!("SELECT 1 FROM conversions WHERE gk_click_id = '{}' FOR UPDATE", click_id(CLICKS).as_uuid());
    sql_query(last).execute(&mut holder).await.unwrap();
    assert_eq!(apply(&stage, &planned, MANAGER).await.0, 202);
    let applied = "SELECT count(*) AS count FROM bulk_status_lines WHERE outcome = 'applied'";
    eventually("the last step is reached", SOON, async || stage.count(applied).await == LAST_STEP).await;
    // Its transaction is under way, and ends here.
    let cut = "SELECT count(pg_terminate_backend(pid)) AS count FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually("it is cut", SOON, async || stage.count(cut).await > 0).await;
    assert_eq!(stage.count(applied).await, LAST_STEP);
    sql_query("COMMIT").execute(&mut holder).await.unwrap();
    stage.end_one().await;
    let shown = done(&stage, &planned).await;
    assert_eq!(progress(&shown, "applied"), i64::from(CLICKS));
    stage.rows("conversions WHERE status = 'success' AND status_revision = 2", i64::from(CLICKS)).await;
    stage.rows("conversion_decisions WHERE bulk_id IS NOT NULL", i64::from(CLICKS)).await;
    stage.rows("deliveries", i64::from(CLICKS)).await;
    let said = stage.said_count::<ConversionDecidedByPerson>(usize::from(CLICKS)).await;
    assert_eq!(said.len(), usize::from(CLICKS));
    stage.strike().await;
}

#[tokio::test]
async fn only_who_has_seen_a_plan_applies_it_and_in_time() {
    let (stage, brownboots) = stage().await;
    stage.say_verdicts([1, 2].map(|click| brownboots.qualified(held(brownboots, click)))).await;
    stage.rows("conversions", 2).await;
    let first = plan(&stage, &[(1, "", "Success")]).await;
    let other = plan(&stage, &[(2, "", "Success")]).await;
    assert_ne!(first["token"], other["token"]);

    // Nobody else's.
    for rest in ["", "/lines"] {
        assert_eq!(stage.get(&path(&first, rest), Some(STRANGER)).await.0, 404);
        assert_eq!(stage.get(&path(&first, rest), Some(PARTNER)).await.0, 403);
    }
    assert_eq!(stage.get(PLANS, Some(STRANGER)).await.1["items"], json!([]));
    assert_eq!(apply(&stage, &first, STRANGER).await.0, 404);
    assert_eq!(apply(&stage, &first, PARTNER).await.0, 403);
    assert_eq!(send(&stage, PARTNER, "text/csv", &file(&[(1, "", "Success")])).await.0, 403);
    // The file of a stranger finds nothing.
    let (status, strange) = send(&stage, STRANGER, "text/csv", &file(&[(1, "", "Success")])).await;
    assert_eq!((status, &strange["plan"]["notFound"]), (201, &json!(1)));

    let wrong = json!({"token": other["token"]});
    let (status, refused) = stage.post(&path(&first, "/apply"), Some(MANAGER), &wrong).await;
    assert_eq!((status, &refused["code"]), (409, &json!("token_of_another_plan")));
    stage.rows("conversion_decisions", 0).await;
    assert_eq!(apply(&stage, &first, MANAGER).await.0, 202);
    assert_eq!(apply(&stage, &first, MANAGER).await.0, 202);
    let (status, refused) = apply(&stage, &first, COLLEAGUE).await;
    assert_eq!((status, &refused["code"]), (409, &json!("plan_was_applied")));
    done(&stage, &first).await;
    assert_eq!(apply(&stage, &first, MANAGER).await.1["state"], "Done");
    stage.rows("conversion_decisions", 1).await;

    // A day later.
    stage.meanwhile("UPDATE bulk_statuses SET expires_at = now() - interval '1 second'").await;
    let (status, refused) = apply(&stage, &other, MANAGER).await;
    assert_eq!((status, &refused["code"]), (409, &json!("plan_has_expired")));
    plan(&stage, &[(2, "", "Success")]).await;
    assert_eq!(stage.get(&path(&other, ""), Some(MANAGER)).await.0, 404);
    assert_eq!(stage.get(&path(&first, ""), Some(MANAGER)).await.0, 200);
    assert_eq!(stage.get(PLANS, Some(MANAGER)).await.1["total"], 2);
    stage.strike().await;
}

#[tokio::test]
async fn a_file_that_can_not_be_read_names_its_lines_and_stores_nothing() {
    let (stage, _) = stage().await;
    let id = click_id(1).as_uuid();
    let wrong = format!("gk_click_id,status,reason\nnope,Success,x\n{id},Burn,\n{id},Success,fine\n");
    let (status, problem) = send(&stage, MANAGER, "text/csv; charset=utf-8", &wrong).await;
    assert_eq!(status, 422, "{problem}");
    let fields: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["line 2, gk_click_id", "line 3, status", "line 3, reason"]);
    assert_eq!(problem["errors"][1]["detail"], "must be Success, Rejected or Pending");
    assert_eq!(send(&stage, MANAGER, "text/csv", "gk_click_id,status\n").await.0, 422);
    assert_eq!(send(&stage, MANAGER, "text/csv", "").await.0, 422);
    assert_eq!(send(&stage, MANAGER, "application/json", "{}").await.0, 415);
    let large = "x".repeat(4 * 1_024 * 1_024 + 1);
    assert_eq!(send(&stage, MANAGER, "text/csv", &large).await.0, 413);
    stage.rows("bulk_statuses", 0).await;
    stage.strike().await;
}
