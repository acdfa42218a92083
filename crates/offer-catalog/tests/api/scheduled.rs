//! Scheduled changes: planned by the hour, applied on time, once.

use std::time::Duration;

use chrono::{DateTime, Datelike as _, NaiveDate, Timelike as _, Utc, Weekday};
use contracts::{catalog::OfferVersionCreated, common::payout_terms::Model};
use diesel_async::SimpleAsyncConnection as _;
use process::Runtime;
use reqwest::Method;
use serde_json::{Value, json};
use test_kit::eventually;

use crate::catalog::{Catalog, golfin, text};

const PATIENCE: Duration = Duration::from_secs(20);
const QUICKLY: [(&str, &str); 2] = [("BUS__URL", "amqp://127.0.0.1:1"), ("SCHEDULE__POLL_MS", "50")];

fn quickly() -> Vec<(&'static str, String)> {
    QUICKLY.map(|(name, value)| (name, value.to_owned())).to_vec()
}

/// The full hour after so many hours.
pub fn in_hours(hours: i64) -> String {
    (now() + chrono::Duration::hours(hours)).format("%Y-%m-%dT%H:00:00Z").to_string()
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(Runtime::new().clock.now().as_micros()).unwrap()
}

/// A created offer and what can be asked of it.
struct Scene {
    catalog: Catalog,
    token: String,
    id: String,
    path: String,
}

impl Scene {
    async fn start(variables: &[(&str, String)]) -> Self {
        let catalog = Catalog::start_with(variables).await;
        let token = catalog.tenant("Brownboots").await;
        let id = catalog.offer(&token).await;
        let path = format!("/offers/{id}/scheduled-changes");
        Self { catalog, token, id, path }
    }

    async fn quick() -> Self {
        Self::start(&quickly()).await
    }

    async fn schedule(&self, event: &str, field: &str, value: Value, at: &str) -> Value {
        let body = json!({"eventId": event, "field": field, "value": value, "at": at});
        self.catalog.post(&self.path, &self.token, body).await.ok()
    }

    /// Lets the hour of every pending change come, in their order.
    async fn time_passes(&self) {
        let statement =
            "UPDATE scheduled_changes SET due_at = due_at - interval '400 days' WHERE status = 'Pending'";
        self.catalog.database.admin().await.batch_execute(statement).await.unwrap();
    }

    async fn offer(&self) -> Value {
        self.catalog.get(&format!("/offers/{}", self.id), &self.token).await.ok()
    }

    /// The changes as they ended, the earliest first.
    async fn all_settled(&self) -> Vec<Value> {
        eventually("nothing is pending", PATIENCE, async || {
            let pending = self.catalog.get(&format!("{}?status=Pending", self.path), &self.token).await.ok();
            if pending["total"] == 0 { Ok(()) } else { Err(pending) }
        })
        .await;
        let mut listed =
            self.catalog.get(&self.path, &self.token).await.ok()["items"].as_array().unwrap().clone();
        listed.reverse();
        listed
    }

    async fn actions(&self) -> Vec<String> {
        let log = self
            .catalog
            .get(&format!("/audit-log?subject={}&page_size=100", self.id), &self.token)
            .await
            .ok();
        log["items"].as_array().unwrap().iter().rev().map(|entry| text(entry, "/action")).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_scheduled_listed_and_cancelled() {
    let scene = Scene::quick().await;
    let Scene { catalog, token, path, .. } = &scene;
    let at = in_hours(30);
    let made = scene.schedule("level_10", "payout", json!("3.50"), &at).await;
    assert_eq!(
        (&made["status"], &made["field"], &made["at"]),
        (&json!("Pending"), &json!("payout"), &json!(at))
    );
    assert_eq!(made["value"], json!({"model": "FlatRate", "amount": "3.50"}));
    let shown = scene.offer().await;
    assert_eq!(made["offerEventId"], shown["events"][1]["offerEventId"]);
    assert_eq!(shown["events"][1]["payout"]["amount"], "3.00", "nothing happens yet");
    let by_id = json!({
        "offerEventId": made["offerEventId"], "field": "reward", "value": 700, "at": at,
    });
    let second = catalog.post(path, token, by_id).await.ok();
    assert_eq!(second["value"], 700);

    let listed = catalog.get(&format!("{path}?status=Pending"), token).await.ok();
    assert_eq!(listed["total"], 2);
    let one = format!("{path}/{}", text(&made, "/changeId"));
    for _again in 0..2 {
        assert_eq!(catalog.call(Method::DELETE, &one, token, None).await.status.as_u16(), 204);
    }
    let cancelled = catalog.get(&format!("{path}?status=Cancelled"), token).await.ok();
    assert_eq!(
        (cancelled["total"].as_u64(), &cancelled["items"][0]["changeId"]),
        (Some(1), &made["changeId"])
    );
    let nobody = "00000000-0000-7000-8000-000000000000";
    catalog.call(Method::DELETE, &format!("{path}/{nobody}"), token, None).await.problem(404, "not_found");
    catalog.get(&format!("{path}?status=Nice"), token).await.fields(400, "invalid_query");

    // What was cancelled does not happen.
    scene.time_passes().await;
    scene.all_settled().await;
    let offer = scene.offer().await;
    assert_eq!(
        (&offer["events"][1]["payout"]["amount"], &offer["events"][1]["reward"]),
        (&json!("3.00"), &json!(700))
    );
    catalog
        .call(Method::DELETE, &format!("{path}/{}", text(&second, "/changeId")), token, None)
        .await
        .problem(409, "change_not_pending");
    assert_eq!(
        scene.actions().await[2..],
        [
            "offer.change-scheduled",
            "offer.change-scheduled",
            "offer.change-cancelled",
            "offer.versioned",
            "offer.change-applied",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_scheduled_says_why() {
    let scene = Scene::quick().await;
    let Scene { catalog, token, path, id, .. } = &scene;
    let good = json!({"eventId": "level_10", "field": "payout", "value": "3.50", "at": in_hours(5)});
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    let half_past = in_hours(5).replace(":00:00Z", ":30:00Z");
    // Five hours and a half ahead of UTC, a full hour is half past.
    let full_there = half_past.replace('Z', "+05:30");
    for (body, fields) in [
        (json!({}), vec!["eventId", "field", "at"]),
        (with("at", json!("soon")), vec!["at"]),
        (with("at", json!(half_past)), vec!["at"]),
        (with("at", json!(full_there)), vec!["at"]),
        (with("at", json!(in_hours(0))), vec!["at"]),
        (with("at", json!("2020-01-01T00:00")), vec!["at"]),
        (with("at", json!(in_hours(24 * 367))), vec!["at"]),
        (with("field", json!("pendingTime")), vec!["field"]),
        (with("value", json!("-1")), vec!["value"]),
        (with("value", Value::Null), vec!["value"]),
        (with("eventId", json!("level_11")), vec!["eventId"]),
        (with("offerEventId", json!("00000000-0000-7000-8000-000000000000")), vec!["eventId"]),
        (with("payuot", json!(1)), vec!["payuot"]),
    ] {
        assert_eq!(
            catalog.post(path, token, body.clone()).await.fields(422, "invalid_body"),
            fields,
            "{body}"
        );
    }
    let nearly_a_year = with("at", json!(in_hours(24 * 364)));
    catalog.post(path, token, nearly_a_year).await.ok();

    let draft = text(&catalog.post("/offers", token, json!({"name": "x"})).await.ok(), "/offerId");
    let of_draft = catalog.post(&format!("/offers/{draft}/scheduled-changes"), token, good.clone()).await;
    of_draft.problem(409, "offer_still_draft");
    catalog.post(&format!("/offers/{id}/end"), token, json!({})).await.ok();
    catalog.post(path, token, good).await.problem(409, "offer_ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn five_wait_for_one_field_and_never_two_at_one_hour() {
    let scene = Scene::quick().await;
    let Scene { catalog, token, path, .. } = &scene;
    let ask = |field: &str, event: &str, hours: i64| {
        let body = json!({"eventId": event, "field": field, "value": "1.00", "at": in_hours(hours)});
        catalog.post(path, token, body)
    };
    for hours in 1..=5 {
        ask("payout", "Install", hours * 2).await.ok();
    }
    let problem = ask("payout", "Install", 20).await.problem(409, "too_many_scheduled_changes");
    assert!(text(&problem, "/detail").contains("cancel one first"));
    ask("payout", "Install", 4).await.problem(409, "hour_taken");
    // Other fields and other events have their own.
    ask("revenue", "Install", 4).await.ok();
    ask("payout", "level_10", 4).await.ok();

    // Of many at once for one hour, one is taken.
    let one = || ask("revenue", "level_10", 9);
    let (a, b, c) = tokio::join!(one(), one(), one());
    let mut statuses = [a.status.as_u16(), b.status.as_u16(), c.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_linter_would_say_then_is_said_now() {
    let scene = Scene::quick().await;
    let Scene { catalog, token, path, .. } = &scene;
    // 5.00 of revenue from the second hour on, then 4.00 of payout is fine; before, and with 6.00, it is not.
    scene.schedule("Install", "revenue", json!("5.00"), &in_hours(2)).await;
    let payout = |amount: &str, hours: i64| json!({"eventId": "Install", "field": "payout", "value": amount, "at": in_hours(hours)});
    catalog.post(path, token, payout("4.00", 3)).await.ok();
    let refused = catalog.post(path, token, payout("4.00", 1)).await;
    assert_eq!(refused.fields(422, "warnings_not_accepted"), ["events[0].payout"]);
    let mut body = payout("6.00", 4);
    catalog.post(path, token, body.clone()).await.problem(422, "warnings_not_accepted");
    body["acceptedWarnings"] = json!(["payout_above_revenue"]);
    catalog.post(path, token, body).await.ok();
    let log = catalog.get(&format!("/audit-log?subject={}", scene.id), token).await.ok();
    assert_eq!(log["items"][0]["after"]["acceptedWarnings"][0]["code"], "payout_above_revenue");

    scene.time_passes().await;
    let settled = scene.all_settled().await;
    let versions: Vec<_> = settled.iter().map(|change| change["version"].as_u64()).collect();
    assert_eq!(versions, [Some(2), Some(3), Some(4)]);
    let offer = scene.offer().await;
    assert_eq!(offer["events"][0]["payout"]["amount"], "6.00");
    // And what was accepted then is not asked when somebody saves.
    let mut body = golfin(&text(&offer, "/advertiserId"));
    body["name"] = json!("Another name");
    body["events"][0]["payout"] = json!("6.00");
    body["events"][0]["revenue"] = json!("5.00");
    catalog.put(&format!("/offers/{}", scene.id), token, body).await.ok();
}

/// The next moments at which clocks of New York are put forward and back: the second Sunday of March, the first of November.
fn next_changes() -> (NaiveDate, NaiveDate) {
    let today = now().date_naive();
    let sunday = |month: u32, which: u8| {
        (today.year()..today.year() + 2)
            .filter_map(|year| NaiveDate::from_weekday_of_month_opt(year, month, Weekday::Sun, which))
            .find(|date| *date > today + chrono::Duration::days(1))
            .unwrap()
    };
    (sunday(3, 2), sunday(11, 1))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_without_offset_is_one_of_the_tenants_time_zone() {
    let scene = Scene::quick().await;
    let Scene { catalog, token, path, .. } = &scene;
    let (forward, back) = next_changes();
    let ask = |at: String| {
        let body = json!({"eventId": "Install", "field": "reward", "value": 1, "at": at});
        catalog.post(path, token, body)
    };
    // Clocks are put forward over 02:00: it never comes.
    let problem = ask(format!("{forward}T02:00")).await.problem(422, "invalid_body");
    let detail = problem["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("never comes in America/New_York"), "{problem}");
    // They are put back over 01:00: it comes twice, and the answer says what to choose from.
    let problem = ask(format!("{back}T01:00")).await.problem(422, "invalid_body");
    let detail = problem["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("comes twice in America/New_York"), "{problem}");
    for one in [format!("{back}T05:00:00Z"), format!("{back}T06:00:00Z")] {
        assert!(detail.contains(&one), "{problem}");
    }
    // The hours beside it are an hour apart, and with an offset each of the two is one moment. (From one November to the next
    // it can be a few days more than the year that can be planned.)
    let is_within_a_year = |date: NaiveDate| date <= now().date_naive() + chrono::Duration::days(363);
    for (date, at, moment) in [
        (forward, "01:00", "06"),
        (forward, "03:00:00", "07"),
        (back, "01:00:00-04:00", "05"),
        (back, "01:00:00-05:00", "06"),
        (back, "02:00", "07"),
    ] {
        if is_within_a_year(date) {
            assert_eq!(ask(format!("{date}T{at}")).await.ok()["at"], format!("{date}T{moment}:00:00Z"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_due_while_the_catalog_was_down_happens_once_when_it_is_back() {
    let scene = Scene::quick().await;
    scene.schedule("Install", "payout", json!("1.25"), &in_hours(1)).await;
    scene.schedule("Install", "payout", json!("1.50"), &in_hours(2)).await;
    let Scene { catalog, token, id, path } = scene;
    let Catalog { database, runtime, .. } = &catalog;
    runtime.supervisor.drain(PATIENCE).await.unwrap();
    let pass = "UPDATE scheduled_changes SET due_at = due_at - interval '1 day'";
    database.admin().await.batch_execute(pass).await.unwrap();
    let catalog = catalog.restart_with(&quickly()).await;
    let scene = Scene { catalog, token, id, path };
    let settled = scene.all_settled().await;
    assert_eq!(
        settled.iter().map(|change| change["status"].as_str()).collect::<Vec<_>>(),
        [Some("Applied"); 2]
    );
    // Killed and started again and again, nothing happens twice.
    let Scene { catalog, token, id, path } = scene;
    let catalog = catalog.restart_with(&quickly()).await;
    let scene = Scene { catalog, token, id, path };
    let payouts: Vec<_> = scene
        .catalog
        .facts::<OfferVersionCreated>()
        .await
        .iter()
        .map(|version| {
            version.events[0].terms.as_ref().unwrap().money.as_ref().unwrap().payout.as_ref().unwrap().model
        })
        .collect();
    let flat = |micros| Some(Model::FlatMicros(micros));
    assert_eq!(payouts, [flat(1_000_000), flat(1_250_000), flat(1_500_000)]);
    assert_eq!(scene.offer().await["events"][0]["payout"]["amount"], "1.50");
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_compete_apply_each_change_once() {
    const OFFERS: usize = 12;
    // Nobody looks before everything is due.
    let scene = Scene::start(&[
        ("BUS__URL", "amqp://127.0.0.1:1".to_owned()),
        ("SCHEDULE__POLL_MS", "60000".to_owned()),
    ])
    .await;
    let Scene { catalog, token, .. } = &scene;
    let mut ids = vec![scene.id.clone()];
    while ids.len() < OFFERS {
        ids.push(catalog.offer(token).await);
    }
    for id in &ids {
        for (field, value, hours) in
            [("payout", json!("1.10"), 1), ("revenue", json!("2.20"), 1), ("reward", json!(9), 2)]
        {
            let body = json!({"eventId": "Install", "field": field, "value": value, "at": in_hours(hours)});
            catalog.post(&format!("/offers/{id}/scheduled-changes"), token, body).await.ok();
        }
    }
    scene.time_passes().await;
    let settings = crate::catalog::settings_of(&catalog.database, catalog.creatives.path(), &quickly());
    let replicas: Vec<Runtime> = (0..3).map(|_replica| Runtime::new()).collect();
    for replica in &replicas {
        offer_catalog::start(&settings, replica).unwrap();
    }
    for id in &ids {
        let path = format!("/offers/{id}/scheduled-changes");
        eventually("every change is applied", PATIENCE, async || {
            let applied = catalog.get(&format!("{path}?status=Applied"), token).await.ok();
            if applied["total"] == 3 { Ok(()) } else { Err(applied) }
        })
        .await;
        // What was due at one hour is one version.
        let offer = catalog.get(&format!("/offers/{id}"), token).await.ok();
        assert_eq!(offer["newestVersion"], 3);
        let versions = catalog.get(&format!("/offers/{id}/versions"), token).await.ok()["items"].take();
        assert_eq!(versions[1]["events"][0]["payout"]["amount"], "1.10");
        assert_eq!(versions[1]["events"][0]["revenue"]["amount"], "2.20");
        assert_eq!(
            (&versions[1]["events"][0]["reward"], &versions[2]["events"][0]["reward"]),
            (&json!(0), &json!(9))
        );
    }
    assert_eq!(catalog.facts::<OfferVersionCreated>().await.len(), 3 * OFFERS);
    for replica in replicas {
        replica.supervisor.drain(PATIENCE).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_happen_any_more_fails_with_a_reason_and_is_an_alarm() {
    let scene = Scene::quick().await;
    let Scene { catalog, token, .. } = &scene;
    scene.schedule("level_10", "payout", json!("3.50"), &in_hours(1)).await;
    scene.schedule("Install", "payout", json!("1.50"), &in_hours(1)).await;
    let offer = scene.offer().await;
    let mut body = golfin(&text(&offer, "/advertiserId"));
    body["events"].as_array_mut().unwrap().remove(1);
    catalog.put(&format!("/offers/{}", scene.id), token, body).await.ok();
    scene.time_passes().await;
    let settled = scene.all_settled().await;
    let mut outcomes: Vec<_> =
        settled.iter().map(|it| (text(it, "/status"), it["reason"].clone(), it["version"].clone())).collect();
    outcomes.sort_by(|a, b| a.0.cmp(&b.0));
    let gone = json!("the offer does not have this event any more");
    assert_eq!(
        outcomes,
        [("Applied".to_owned(), Value::Null, json!(3)), ("Failed".to_owned(), gone, Value::Null)]
    );
    assert!(scene.actions().await.contains(&"offer.change-failed".to_owned()));
    let metrics = telemetry::prometheus_text();
    let alarm = metrics.lines().find(|line| line.contains("scheduled_changes") && line.contains("failed"));
    assert!(alarm.is_some(), "{metrics}");

    // The linter may have become stricter, or what it looks at may have changed.
    scene.schedule("Install", "payout", json!("1.60"), &in_hours(1)).await;
    let broken = format!("UPDATE offers SET fields = fields - 'headline' WHERE offer_id = '{}'", scene.id);
    catalog.database.admin().await.batch_execute(&broken).await.unwrap();
    scene.time_passes().await;
    scene.all_settled().await;
    let failed = catalog.get(&format!("{}?status=Failed", scene.path), token).await.ok();
    let reasons: Vec<_> = failed["items"].as_array().unwrap().iter().map(|it| text(it, "/reason")).collect();
    assert!(
        reasons.iter().any(|reason| reason.starts_with("the linter stops it: required headline")),
        "{reasons:?}"
    );

    let mended = format!(
        "UPDATE offers SET fields = fields || '{{\"headline\": \"x\"}}' WHERE offer_id = '{}'",
        scene.id
    );
    catalog.database.admin().await.batch_execute(&mended).await.unwrap();
    scene.schedule("Install", "reward", json!(5), &in_hours(1)).await;
    catalog.post(&format!("/offers/{}/end", scene.id), token, json!({})).await.ok();
    scene.time_passes().await;
    scene.all_settled().await;
    let failed = catalog.get(&format!("{}?status=Failed", scene.path), token).await.ok();
    let reasons = failed["items"].to_string();
    assert!(reasons.contains("the offer has ended for good"), "{reasons}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_offer_holds_nobody_back() {
    let scene = Scene::quick().await;
    let Scene { catalog, token, .. } = &scene;
    let other = catalog.offer(token).await;
    scene.schedule("Install", "payout", json!("1.50"), &in_hours(1)).await;
    let body = json!({"eventId": "Install", "field": "payout", "value": "1.50", "at": in_hours(2)});
    catalog.post(&format!("/offers/{other}/scheduled-changes"), token, body).await.ok();
    let broken = format!("UPDATE offers SET fields = '{{\"events\": 7}}' WHERE offer_id = '{}'", scene.id);
    catalog.database.admin().await.batch_execute(&broken).await.unwrap();
    scene.time_passes().await;
    eventually("the other offer has its version", PATIENCE, async || {
        let offer = catalog.get(&format!("/offers/{other}"), token).await.ok();
        if offer["newestVersion"] == 2 { Ok(()) } else { Err(offer) }
    })
    .await;
    let stored = catalog.stored().await;
    assert!(stored.contains("a fault of GoKart's"), "{stored}");
    assert!(scene.actions().await.contains(&"offer.change-failed".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_an_offer_is_waited_for_and_holds_up_no_other() {
    let scene = Scene::quick().await;
    let Scene { catalog, token, .. } = &scene;
    let other = catalog.offer(token).await;
    let mut holder = catalog.database.admin().await;
    scene.schedule("Install", "payout", json!("1.50"), &in_hours(1)).await;
    let body = json!({"eventId": "Install", "field": "payout", "value": "1.50", "at": in_hours(2)});
    catalog.post(&format!("/offers/{other}/scheduled-changes"), token, body).await.ok();
    let hold = format!("BEGIN; SELECT FROM offers WHERE offer_id = '{}' FOR UPDATE", scene.id);
    holder.batch_execute(&hold).await.unwrap();
    scene.time_passes().await;
    eventually("the other offer has its version", PATIENCE, async || {
        let offer = catalog.get(&format!("/offers/{other}"), token).await.ok();
        if offer["newestVersion"] == 2 { Ok(()) } else { Err(offer) }
    })
    .await;
    assert_eq!(scene.offer().await["newestVersion"], 1);
    holder.batch_execute("COMMIT").await.unwrap();
    scene.all_settled().await;
    assert_eq!(scene.offer().await["newestVersion"], 2);
}

#[test]
fn the_tests_hours_are_full() {
    let hour: DateTime<Utc> = in_hours(3).parse().unwrap();
    assert_eq!((hour.minute(), hour.second()), (0, 0));
}
