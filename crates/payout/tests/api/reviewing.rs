//! What is on review: listed by itself and by its reason, newest first, by its own index, and counted for the on-call person.

use std::collections::BTreeSet;

use contracts::attribution::{ConversionVerdict, ReportedAmount};
use serde_json::{Value, json};
use test_kit::eventually;

use crate::{
    facts::{Tenant, click_id, percent_terms, terms},
    stage::{MANAGER, PARTNER, SOON, STRANGER, Stage, metric},
};

fn held(tenant: Tenant, click: u8) -> ConversionVerdict {
    ConversionVerdict { terms: Some(terms(3)), ..tenant.verdict(click) }
}

/// Nobody knows what it is worth.
fn without_amount(tenant: Tenant, click: u8) -> ConversionVerdict {
    let reported = Some(ReportedAmount::default());
    ConversionVerdict { terms: Some(percent_terms()), reported, ..tenant.verdict(click) }
}

/// The conversions that a query finds, all on one page.
async fn found(stage: &Stage, query: &str, token: &str) -> Vec<Value> {
    let path = format!("/api/v1/conversions?page_size=100&{query}");
    let (status, page) = stage.get(&path, Some(token)).await;
    assert_eq!(status, 200, "{query}: {page}");
    let items = page.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    let total = page.get("total").and_then(Value::as_u64);
    assert_eq!(total, u64::try_from(items.len()).ok(), "{query}: {page}");
    items
}

async fn decide(stage: &Stage, tenant: Tenant, click: u8, decision: &str) {
    let path = format!("/api/v1/conversions/{}/decisions", tenant.conversion_id(click).as_uuid());
    let body = json!({"decision": decision, "reason": "We looked at it."});
    let (status, answer) = stage.post(&path, Some(MANAGER), &body).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test]
async fn what_is_on_review_is_listed_by_itself_and_by_its_reason() {
    let (stage, brownboots) = Stage::with_readers().await;
    let (tainted, flagged, refused) = (held(brownboots, 3), brownboots.verdict(5), held(brownboots, 6));
    stage
        .say_verdicts([
            brownboots.qualified(brownboots.verdict(1)),
            brownboots.qualified(held(brownboots, 2)),
            brownboots.qualified(tainted.clone()),
            brownboots.qualified(without_amount(brownboots, 4)),
            brownboots.qualified(flagged.clone()),
            brownboots.qualified(refused.clone()),
        ])
        .await;
    stage.rows("conversions WHERE status = 'success'", 2).await;
    stage
        .say_verdicts([
            brownboots.on_review(&tainted),
            brownboots.on_review(&flagged),
            brownboots.vetoed(&refused),
        ])
        .await;
    stage.rows("conversions WHERE status IN ('flagged', 'rejected')", 2).await;
    stage.rows("conversions WHERE status = 'on_review'", 2).await;

    let of_click = |click: u8| format!("gk_click_id={}", click_id(click).as_uuid());
    for (query, clicks) in [
        (String::from("onReview=true"), [3, 4].as_slice()),
        (String::from("onReview=false"), &[1, 2, 5, 6]),
        (String::from("status=Pending&onReview=true"), &[3, 4]),
        (String::from("status=Pending&onReview=false"), &[2]),
        (String::from("status=Success&onReview=false"), &[1, 5]),
        (String::from("status=Rejected&onReview=false"), &[6]),
        (String::from("reasonCode=REVIEW_TAINTED"), &[3, 5]),
        (String::from("reasonCode=REVIEW_TAINTED&onReview=true"), &[3]),
        (String::from("reasonCode=REVIEW_TAINTED&onReview=false"), &[5]),
        (String::from("reasonCode=REVIEW_TAINTED&status=Success"), &[5]),
        (String::from("reasonCode=REVIEW_NO_AMOUNT&status=Pending&onReview=true"), &[4]),
        (String::from("reasonCode=REJECTED_FRAUD"), &[6]),
        (String::from("reasonCode=REJECTED_FRAUD&onReview=true"), &[]),
        (String::from("reasonCode=UNPAID_LIMIT"), &[]),
        (format!("onReview=true&{}", of_click(3)), &[3]),
        (format!("onReview=true&{}", of_click(1)), &[]),
        (format!("reasonCode=REVIEW_TAINTED&{}", of_click(5)), &[5]),
    ] {
        let expected: BTreeSet<String> =
            clicks.iter().map(|click| brownboots.conversion_id(*click).as_uuid().to_string()).collect();
        for token in [MANAGER, PARTNER] {
            let items = found(&stage, &query, token).await;
            let ids: BTreeSet<String> =
                items.iter().map(|item| item["conversionId"].as_str().unwrap().to_owned()).collect();
            assert_eq!(ids, expected, "{query}");
            let asked = query.contains("onReview=").then(|| query.contains("onReview=true"));
            let shown = |item: &Value| asked.is_none_or(|asked| item["onReview"] == asked);
            assert!(items.iter().all(shown), "{query}: {items:?}");
        }
        assert_eq!(found(&stage, &query, STRANGER).await, Vec::<Value>::new(), "{query}");
    }

    // Who has looked at it is done with it.
    decide(&stage, brownboots, 3, "ClearReview").await;
    decide(&stage, brownboots, 4, "Reject").await;
    assert_eq!(found(&stage, "onReview=true", MANAGER).await, Vec::<Value>::new());
    let cleared = found(&stage, "reasonCode=ACCEPTED_BY_PERSON", MANAGER).await;
    assert_eq!(cleared[0]["conversionId"], brownboots.conversion_id(3).as_uuid().to_string());
    stage.strike().await;
}

#[tokio::test]
async fn a_filter_that_can_not_be_is_refused_by_its_name() {
    let (stage, _) = Stage::with_readers().await;
    for (query, status, field, detail) in [
        ("status=Success&onReview=true", 422, "onReview", "status=Pending"),
        ("status=Rejected&onReview=true&reasonCode=REVIEW_CAP", 422, "onReview", "status=Pending"),
        ("reasonCode=REVIEW_TAINT", 400, "reasonCode", "REVIEW_TAINTED, REVIEW_VETOED_STEP"),
        ("reasonCode=review_tainted", 400, "reasonCode", "REVIEW_TAINTED"),
        ("reasonCode=", 400, "reasonCode", "leave it out"),
        ("onReview=1", 400, "onReview", "`true` or `false`"),
        ("onReview=", 400, "onReview", "leave it out"),
    ] {
        let (answered, problem) = stage.get(&format!("/api/v1/conversions?{query}"), Some(MANAGER)).await;
        assert_eq!((answered, &problem["code"]), (status, &json!("invalid_query")), "{query}: {problem}");
        let error = &problem["errors"][0];
        assert_eq!(error["field"], field, "{query}: {problem}");
        assert!(error["detail"].as_str().unwrap().contains(detail), "{query}: {problem}");
    }
    stage.strike().await;
}

/// How often an index was asked.
async fn looks(stage: &Stage, index: &str) -> i64 {
    let looks =
        "SELECT coalesce(sum(idx_scan), 0)::bigint AS count FROM pg_stat_user_indexes WHERE indexrelname =";
    stage.count(&format!("{looks} '{index}'")).await
}

/// Rows that were read without an index, or by the one in which everything is.
const READ_WHOLE: &str = "SELECT (seq_tup_read + idx_tup_read)::bigint AS count
    FROM pg_stat_user_tables AS tables JOIN pg_stat_user_indexes AS indexes USING (relid)
    WHERE tables.relname = 'conversions' AND indexrelname = 'conversions_by_time'";

/// Pages and totals are read from the indexes made for them, among so many others that any other way would be noticed.
#[tokio::test]
async fn pages_of_what_is_on_review_come_newest_first_from_their_own_index() {
    const BESIDE: i64 = 50_000;
    const ON_REVIEW: i64 = 60;
    const PAGES: i64 = 9;
    // More often than PostgreSQL plans for the parameters of each single call.
    const CALLS: i64 = 20;
    let (stage, brownboots) = Stage::with_readers().await;
    let refused = held(brownboots, 1);
    stage
        .say_verdicts([
            brownboots.qualified(refused.clone()),
            brownboots.vetoed(&refused),
            brownboots.qualified(without_amount(brownboots, 2)),
        ])
        .await;
    stage.rows("conversions WHERE status = 'rejected'", 1).await;
    stage.rows("conversions WHERE status = 'on_review'", 1).await;
    // Two of each moment: the id decides between them. Every tenth is there for a reason that few have.
    for (click, count, reason) in [
        (1, BESIDE, "CASE WHEN nth % 1000 = 0 THEN 'REJECTED_MEMBER_REPEAT' ELSE 'REJECTED_FRAUD' END"),
        (2, ON_REVIEW - 1, "CASE WHEN nth % 10 = 0 THEN 'REVIEW_AMOUNT_TOO_LARGE' ELSE reason_code END"),
    ] {
        let copies = format!(
            "INSERT INTO conversions SELECT (jsonb_populate_record(conversions, jsonb_build_object(
                'conversion_id', gen_random_uuid(), 'received_at', received_at - nth / 2 * interval '1 minute',
                'reason_code', {reason}))).*
            FROM conversions, generate_series(1, {count}) AS nth WHERE gk_click_id = '{}'",
            click_id(click).as_uuid()
        );
        assert_eq!(stage.meanwhile(&copies).await, usize::try_from(count).unwrap());
    }
    stage.meanwhile("ANALYZE conversions").await;

    let mut seen = Vec::new();
    for page in 1..=PAGES {
        let path = format!("/api/v1/conversions?onReview=true&page={page}&page_size=7");
        let (status, body) = stage.get(&path, Some(MANAGER)).await;
        assert_eq!((status, body["total"].as_i64()), (200, Some(ON_REVIEW)), "{body}");
        let items = body["items"].as_array().unwrap();
        assert!(items.iter().all(|item| item["onReview"] == true), "{body}");
        let place =
            |item: &Value| ["receivedAt", "conversionId"].map(|key| item[key].as_str().unwrap().to_owned());
        seen.extend(items.iter().map(place));
    }
    assert_eq!(seen.len(), usize::try_from(ON_REVIEW).unwrap(), "each once");
    assert!(
        seen.is_sorted_by(
            |[earlier, first], [later, second]| earlier > later || earlier == later && first < second
        ),
        "newest first: {seen:?}"
    );

    for (query, total) in [
        ("onReview=true", ON_REVIEW),
        ("onReview=true&reasonCode=REVIEW_AMOUNT_TOO_LARGE", 5),
        ("reasonCode=REJECTED_MEMBER_REPEAT", BESIDE / 1000),
    ] {
        for _ in 0..CALLS {
            let (status, page) = stage.get(&format!("/api/v1/conversions?{query}"), Some(MANAGER)).await;
            assert_eq!((status, page["total"].as_i64()), (200, Some(total)), "{query}: {page}");
        }
    }
    // PostgreSQL counts what a connection did when that has been idle for ten seconds. A page and a total of each call; what is on
    // review for one reason is found by any of three indexes, which the gauges ask, too.
    eventually("the looks are counted", SOON, async || {
        let (on_review, of_reason) =
            (looks(&stage, "conversions_on_review").await, looks(&stage, "conversions_of_reason").await);
        let of_gauges = looks(&stage, "conversions_on_review_by_reason").await;
        let is_enough = on_review >= 2 * (PAGES + CALLS) && of_reason >= 2 * CALLS && of_gauges > 0;
        if is_enough { Ok(()) } else { Err((on_review, of_reason, of_gauges)) }
    })
    .await;
    let read = stage.count(READ_WHOLE).await;
    assert!(read < BESIDE / 10, "{read} rows were read to find few");
    stage.strike().await;
}

#[tokio::test]
async fn how_much_is_on_review_and_for_how_long_is_said_by_reason() {
    const TAINTED: &str = "payout_on_review{reason_code=\"REVIEW_TAINTED\"}";
    const NO_AMOUNT: &str = "payout_on_review{reason_code=\"REVIEW_NO_AMOUNT\"}";
    const OTHER: &str = "payout_on_review{reason_code=\"OTHER\"}";
    const OLDEST: &str = "payout_on_review_oldest_seconds{reason_code=\"REVIEW_TAINTED\"}";
    let (stage, brownboots) = Stage::with_readers().await;
    metric(TAINTED, |count| count == 0).await;
    metric(OLDEST, |seconds| seconds == 0).await;
    let tainted = [1, 2].map(|click| held(brownboots, click));
    stage.say_verdicts(tainted.clone().map(|verdict| brownboots.qualified(verdict))).await;
    stage.say_verdicts(tainted.each_ref().map(|verdict| brownboots.on_review(verdict))).await;
    stage.say_verdicts([brownboots.qualified(without_amount(brownboots, 3))]).await;
    metric(TAINTED, |count| count == 2).await;
    metric(NO_AMOUNT, |count| count == 1).await;
    metric(OTHER, |count| count == 0).await;

    let one = format!("gk_click_id = '{}'", click_id(1).as_uuid());
    stage
        .meanwhile(&format!("UPDATE conversions SET changed_at = now() - interval '2 hours' WHERE {one}"))
        .await;
    metric(OLDEST, |seconds| (7_200..7_800).contains(&seconds)).await;
    // Of a later release of attribution.
    stage
        .meanwhile("UPDATE conversions SET reason_code = 'REVIEW_NEW' WHERE reason_code = 'REVIEW_NO_AMOUNT'")
        .await;
    metric(OTHER, |count| count == 1).await;
    metric(NO_AMOUNT, |count| count == 0).await;
    assert!(!telemetry::prometheus_text().contains("REVIEW_NEW"), "labels are bounded");

    decide(&stage, brownboots, 1, "ClearReview").await;
    metric(TAINTED, |count| count == 1).await;
    metric(OLDEST, |seconds| seconds < 7_200).await;
    decide(&stage, brownboots, 2, "Reject").await;
    metric(TAINTED, |count| count == 0).await;
    metric(OLDEST, |seconds| seconds == 0).await;
    stage.strike().await;
}
