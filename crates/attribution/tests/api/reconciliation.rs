//! AppsFlyer's report beside what came here.

use std::fmt::Write as _;

use contracts::{catalog::ConversionStatus, payout::DeliveryResult};
use serde_json::Value;

use crate::{
    facts::{INSTALL, LEVEL_10, PURCHASE, START, Tenant, seconds},
    stage::Stage,
};

/// A moment of the story as AppsFlyer writes it.
fn time(after: i64) -> String {
    let moment =
        chrono::DateTime::from_timestamp_micros(*START + seconds(after)).expect("what was asked for");
    moment.format("%Y-%m-%d %H:%M:%S").to_string()
}

fn link(click: impl std::fmt::Display) -> String {
    format!("https://app.appsflyer.com/id123456789?pid=gokart_int&clickid={click}&af_siteid=9")
}

async fn send(stage: &Stage, token: &str, query: &str, kind: &str, body: String) -> (u16, Value) {
    stage.post_as(&format!("/api/v1/reconciliations{query}"), token, kind, body).await
}

async fn csv(stage: &Stage, path: &str) -> Vec<String> {
    let request = test_kit::http_client().get(format!("http://{}{path}", stage.address));
    let answer =
        request.header("authorization", "ApiToken gkt_ours").send().await.expect("what was asked for");
    assert_eq!(answer.status().as_u16(), 200);
    assert!(answer.headers()["content-type"].to_str().expect("what was asked for").starts_with("text/csv"));
    answer.text().await.expect("what was asked for").lines().map(String::from).collect()
}

async fn finished(stage: &Stage, body: &Value) -> Value {
    let path =
        format!("/api/v1/reconciliations/{}", body["reconciliationId"].as_str().expect("what was asked for"));
    stage.get_until(&path, "gkt_ours", "finishedAt").await
}

fn lines(body: &Value, bucket: &str) -> (i64, String) {
    let found = body["buckets"]
        .as_array()
        .expect("what was asked for")
        .iter()
        .find(|one| one["bucket"] == bucket)
        .expect("what was asked for");
    let codes = found["codes"]
        .as_array()
        .expect("what was asked for")
        .iter()
        .map(|code| code["code"].as_str().expect("what was asked for"));
    (found["lines"].as_i64().expect("what was asked for"), codes.collect::<Vec<_>>().join(","))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_a_report_ends_in_its_bucket() {
    let (ours, theirs) = (Tenant::new(1), Tenant::new(2));
    let stage = Stage::with(&ours).await;
    stage.say_catalog([ours.token("gkt_ours"), theirs.token("gkt_theirs")]).await;
    stage.rows("SELECT count(*) AS count FROM api_tokens", 2).await;
    stage.say_clicks([ours.click(1), ours.click(2)]).await;
    stage.rows("SELECT count(*) AS count FROM journeys WHERE click IS NOT NULL", 2).await;
    let at = |click: u8, event: &str, after: i64, more: &str| {
        let query = format!(
            "gk_click_id={}&cnv_event_id={event}&event_time={}{more}",
            ours.click_id(click),
            time(after).replace(' ', "%20")
        );
        ours.received(&query, after + 2)
    };
    stage
        .say_postbacks([
            at(1, "Install", 10, ""),
            at(1, "level_10", 20, ""),
            at(1, "af_purchase", 30, "&cnv_amount=4.99&cnv_currency=USD"),
            at(1, "mystery", 40, ""),
            at(2, "Install", 50, ""),
        ])
        .await;
    stage.coded("QUALIFIED", 4).await;
    stage.coded("UNMAPPED_EVENT", 1).await;
    stage.said_count(4).await;
    // Payout: the first click's Install is paid and told, its level paid and not told, its purchase paid and told; the second
    // click's Install was refused.
    stage
        .say_payout([
            ours.status(1, INSTALL, 1, ConversionStatus::Success),
            ours.status(1, LEVEL_10, 1, ConversionStatus::Success),
            ours.status(1, PURCHASE, 1, ConversionStatus::Success),
            ours.status(2, INSTALL, 1, ConversionStatus::Rejected),
        ])
        .await;
    stage
        .say_payout([
            ours.delivery(1, INSTALL, 1, DeliveryResult::Delivered),
            ours.delivery(1, LEVEL_10, 1, DeliveryResult::Exhausted),
            ours.delivery(1, PURCHASE, 1, DeliveryResult::Delivered),
        ])
        .await;
    stage.rows("SELECT count(*) AS count FROM conversion_statuses", 4).await;
    stage.rows("SELECT count(*) AS count FROM delivery_outcomes", 3).await;
    stage
        .meddle("UPDATE conversion_statuses SET reason_code = 'REJECTED_CAP' WHERE status = 'rejected'")
        .await;

    let (one, two, unknown) = (link(ours.click_id(1)), link(ours.click_id(2)), link(ours.click_id(9)));
    let report = [
        String::from(
            "Event Time,Event Name,Event Revenue,Event Revenue Currency,Partner Event ID,Original URL",
        ),
        format!("{},Install,,,Install,{one}", time(10)),
        format!("{},level_10,,,,{one}", time(20)),
        format!("{},af_purchase,5.99,USD,,{one}", time(30)),
        format!("{},mystery,,,,{one}", time(40)),
        format!("{},install,,,,{two}", time(50)),
        format!("{},af_purchase,1.00,USD,,\"{two}\"", time(60)),
        format!("{},=HYPERLINK(),,,,{unknown}", time(70)),
        format!("{},install,,,,https://app.appsflyer.com/id123456789?pid=gokart_int", time(80)),
    ];
    let report = report.join("\r\n");
    let (status, body) = send(&stage, "gkt_ours", "?report=inAppEvents", "text/csv", report).await;
    assert_eq!(status, 202, "{body}");
    let body = finished(&stage, &body).await;
    assert_eq!((body["lines"].as_i64(), body["compared"].as_i64()), (Some(8), Some(8)), "{body}");
    assert_eq!(lines(&body, "agrees"), (1, String::new()), "{body}");
    assert_eq!(lines(&body, "paidNotDelivered"), (1, String::from("FAILED")), "{body}");
    assert_eq!(lines(&body, "differs"), (1, String::from("AMOUNT")), "{body}");
    let (count, codes) = lines(&body, "reachedNotPaid");
    assert!(count == 2 && codes.contains("UNMAPPED_EVENT") && codes.contains("REJECTED_CAP"), "{body}");
    assert_eq!(lines(&body, "neverReached"), (2, String::new()), "{body}");
    assert_eq!(lines(&body, "noClick"), (1, String::new()), "{body}");
    assert_eq!(lines(&body, "pending"), (0, String::new()), "{body}");

    let path = format!("/api/v1/reconciliations/{}", body["reconciliationId"].as_str().unwrap());
    let differs = csv(&stage, &format!("{path}/lines?bucket=differs")).await;
    assert_eq!(differs.len(), 2, "{differs:?}");
    assert!(
        differs[1].starts_with("4,") && differs[1].contains("the report says 5.99, 4.99 came"),
        "{differs:?}"
    );
    let lost = csv(&stage, &format!("{path}/lines?bucket=neverReached")).await;
    assert!(lost[2].contains(",'=HYPERLINK(),"), "no cell calculates: {lost:?}");
    let redrive = csv(&stage, &format!("{path}/redrive")).await;
    let actions: Vec<_> = redrive.iter().skip(1).map(|line| line.split(',').nth(5).unwrap()).collect();
    assert_eq!(actions, ["resend", "resend", "repair", "deliver"], "{redrive:?}");

    // Nobody else's.
    for path in [path.clone(), format!("{path}/lines?bucket=agrees"), format!("{path}/redrive")] {
        assert_eq!(stage.get(&path, Some("gkt_theirs")).await.0, 404, "{path}");
    }
    assert_eq!(stage.get("/api/v1/reconciliations", Some("gkt_theirs")).await.1["total"], 0);
    assert_eq!(stage.get("/api/v1/reconciliations", Some("gkt_ours")).await.1["total"], 1);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_report_is_refused_with_what_would_be_one() {
    let ours = Tenant::new(1);
    let stage = Stage::with(&ours).await;
    stage.say_catalog([ours.token("gkt_ours")]).await;
    stage.rows("SELECT count(*) AS count FROM api_tokens", 1).await;
    let good = "?report=installs";
    let header = "event_time,original_url\n";
    for (query, kind, body, status, says) in [
        ("?report=clicks&toleranceSeconds=86401", "text/csv", header, 400, "toleranceSeconds"),
        (good, "application/json", header, 415, "text/csv"),
        (good, "text/csv", "", 422, "the report is empty"),
        (good, "text/csv", "event_time,event_name\n", 422, "Original URL"),
        (good, "text/csv", "original_url\n", 422, "Event Time"),
    ] {
        let (found, answer) = send(&stage, "gkt_ours", query, kind, String::from(body)).await;
        assert_eq!(found, status, "{answer}");
        assert!(answer.to_string().contains(says), "{answer}");
    }
    let endless = format!("{header}\"{}", "x".repeat(300_000));
    let (status, answer) = send(&stage, "gkt_ours", good, "text/csv", endless).await;
    assert_eq!(status, 400, "{answer}");
    assert!(answer["detail"].as_str().unwrap().contains("line 2 is longer than"), "{answer}");
    let (_, list) = stage.get("/api/v1/reconciliations", Some("gkt_ours")).await;
    assert!(list["items"].as_array().unwrap().iter().all(|one| one["state"] == "Failed"), "{list}");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_report_is_compared_by_two_replicas_line_by_line_once() {
    const LINES: usize = 30_000;
    let ours = Tenant::new(1);
    let stage = Stage::with_replicas(2).await;
    stage.say_catalog([ours.token("gkt_ours")]).await;
    stage.rows("SELECT count(*) AS count FROM api_tokens", 1).await;
    let mut report = String::from("event_time,event_name,original_url\n");
    for line in 0..LINES {
        let click = link(ours.click_id(u8::try_from(line % 250).unwrap()));
        let time = time(i64::try_from(line).unwrap());
        writeln!(report, "{time},level_{},{click}", line % 7).unwrap();
    }
    let (status, body) = send(&stage, "gkt_ours", "?report=postbacks", "text/csv", report).await;
    assert_eq!((status, body["lines"].as_u64()), (202, Some(u64::try_from(LINES).unwrap())), "{body}");
    let body = finished(&stage, &body).await;
    assert_eq!(body["compared"].as_u64(), Some(u64::try_from(LINES).unwrap()), "{body}");
    assert_eq!(lines(&body, "neverReached").0, 30_000, "{body}");
    let path = format!("/api/v1/reconciliations/{}", body["reconciliationId"].as_str().unwrap());
    assert_eq!(csv(&stage, &format!("{path}/lines?bucket=neverReached")).await.len(), LINES + 1);
    stage.strike().await;
}
