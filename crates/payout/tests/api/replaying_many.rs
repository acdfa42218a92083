//! What an order tells again, and what it leaves alone: by how it ended, by when its status changed, by where it went.

use std::ops::Range;

use contracts::catalog::PostbackEndpoint;
use serde_json::{Value, json};
use test_kit::{Answer, eventually};
use uuid::Uuid;

use crate::{
    facts::{Tenant, endpoint_id},
    replaying::{ORDERS, PUBLISHER, id, order, replay_when, stage},
    stage::{MANAGER, SOON, Stage},
};

async fn tell(stage: &Stage, tenant: Tenant, clicks: Range<u8>) {
    stage.say_verdicts(clicks.map(|click| tenant.qualified(tenant.verdict(click)))).await;
}

/// What waits has failed, or will; from then on it is due for the last time of its schedule, and that fails, too.
async fn are_exhausted(stage: &Stage, deliveries: i64) {
    stage.rows("deliveries WHERE state = 'waiting'", deliveries).await;
    eventually("all of them are exhausted", SOON, async || {
        stage
            .meanwhile(
                "UPDATE deliveries SET attempts = 9, due_at = now()
                WHERE state = 'waiting' AND lease IS NULL AND attempts BETWEEN 1 AND 8",
            )
            .await;
        let left = stage.count("SELECT count(*) AS count FROM deliveries WHERE state = 'waiting'").await;
        if left == 0 { Ok(()) } else { Err(left) }
    })
    .await;
    stage.rows("deliveries WHERE state = 'exhausted' AND attempts = 10", deliveries).await;
}

/// Conversions by their ids, in order.
fn of_clicks(tenant: Tenant, clicks: impl IntoIterator<Item = u8>) -> Vec<String> {
    let mut ids: Vec<String> =
        clicks.into_iter().map(|click| tenant.conversion_id(click).to_string()).collect();
    ids.sort_unstable();
    ids
}

fn found(answer: &Value, path: &str) -> Value {
    answer.pointer(path).cloned().unwrap_or_default()
}

/// What an order came to, and the conversions that were heard of meanwhile, each as often as it was.
async fn carry_out(stage: &Stage, asked: &Value) -> (Value, Vec<String>) {
    let before = stage.publisher.deliveries().len();
    let (status, ordered) = stage.post(ORDERS, Some(MANAGER), asked).await;
    assert_eq!(status, 202, "{ordered}");
    let done = replay_when(stage, id(&ordered), |replay| {
        found(replay, "/state") == "done" && found(replay, "/progress/waiting") == 0
    })
    .await;
    let heard = stage.publisher.deliveries();
    let mut again: Vec<String> =
        heard.iter().skip(before).filter_map(|postback| postback.param("id")).collect();
    again.sort_unstable();
    // Counted when it was ordered, made due, told: all the same.
    let count = again.len();
    assert_eq!(found(&ordered, "/total"), json!(count), "{done}");
    assert_eq!(
        ["/total", "/replayed", "/skipped"].map(|path| found(&done, path)),
        [json!(count), json!(count), json!(0)]
    );
    let progress = json!({
        "sent": count, "delivered": count, "failed": 0, "superseded": 0, "waiting": 0, "skipped": []
    });
    assert_eq!(found(&done, "/progress"), progress);
    (done, again)
}

#[tokio::test]
async fn all_that_are_exhausted_are_told_again_once_and_nothing_else_is() {
    // More than may be due at a time.
    const FAILED: u8 = 60;
    let (stage, brownboots) = stage().await;
    stage.publisher.answer("/cb", [Answer::status(410)]);
    tell(&stage, brownboots, 200..201).await;
    stage.rows("deliveries WHERE state = 'stopped'", 1).await;
    stage.publisher.answer("/cb", [Answer::status(200)]);
    tell(&stage, brownboots, 201..206).await;
    stage.rows("deliveries WHERE state = 'delivered'", 5).await;
    // An answer that opens no breaker.
    stage.publisher.answer("/cb", [Answer::status(404)]);
    tell(&stage, brownboots, 0..FAILED).await;
    are_exhausted(&stage, i64::from(FAILED)).await;

    stage.publisher.answer("/cb", [Answer::status(200)]);
    let all = json!({ "publisherId": PUBLISHER, "reason": "The publisher lost a day." });
    let (done, again) = carry_out(&stage, &all).await;
    assert_eq!(again, of_clicks(brownboots, 0..FAILED), "each of them, and each once");
    assert_eq!(done["states"], json!(["exhausted"]));
    let told_again = format!("replay_id = '{}' AND attempts_before = 10 AND attempts = 11", id(&done));
    stage.rows(&format!("deliveries WHERE state = 'delivered' AND {told_again}"), i64::from(FAILED)).await;
    stage.rows("deliveries WHERE state = 'delivered' AND replay_id IS NULL AND attempts = 1", 5).await;
    stage.rows("deliveries WHERE state = 'stopped' AND replay_id IS NULL AND attempts = 1", 1).await;
    // There are no more.
    let (_, again) = carry_out(&stage, &all).await;
    assert!(again.is_empty(), "{again:?}");
    stage.strike().await;
}

#[tokio::test]
async fn an_order_for_a_time_is_of_what_changed_from_its_first_moment_to_before_its_last() {
    const FIRST: &str = "2020-03-01T00:00:00.000Z";
    const LAST: &str = "2020-03-02T00:00:00.000Z";
    let (stage, brownboots) = stage().await;
    tell(&stage, brownboots, 0..5).await;
    stage.rows("deliveries WHERE state = 'delivered'", 5).await;
    // When it was told is another matter: those that changed outside were told within, and the other way round.
    for (click, changed_at, told_at) in [
        (0, "2020-02-29T23:59:59.999999Z", "2020-03-01T12:00:00Z"),
        (1, FIRST, "2020-03-05T12:00:00Z"),
        (2, "2020-03-01T23:59:59.999999Z", "2020-03-05T12:00:00Z"),
        (3, LAST, "2020-03-01T12:00:00Z"),
        (4, "2020-03-05T12:00:00Z", "2020-03-01T12:00:00Z"),
    ] {
        let moved = format!(
            "UPDATE deliveries SET created_at = '{changed_at}', ended_at = '{told_at}' WHERE conversion_id = '{}'",
            brownboots.conversion_id(click)
        );
        assert_eq!(stage.meanwhile(&moved).await, 1);
    }
    for (from, to, clicks) in [
        (Some(FIRST), Some(LAST), vec![1, 2]),
        (None, Some(FIRST), vec![0]),
        (Some(LAST), None, vec![3, 4]),
        (None, None, vec![0, 1, 2, 3, 4]),
    ] {
        let mut asked = order(&["delivered"]);
        for (field, moment) in [("from", from), ("to", to)] {
            if let Some(moment) = moment {
                asked[field] = json!(moment);
            }
        }
        let (done, again) = carry_out(&stage, &asked).await;
        assert_eq!(again, of_clicks(brownboots, clicks), "{asked}");
        assert_eq!((done["from"].as_str(), done["to"].as_str()), (from, to));
    }
    stage.strike().await;
}

#[tokio::test]
async fn an_order_for_one_endpoint_tells_no_other_again() {
    let second = Uuid::from_u128(0xe9);
    let (stage, brownboots) = stage().await;
    let endpoint = PostbackEndpoint {
        endpoint_id: second.as_bytes().to_vec(),
        signing_secrets: Vec::new(),
        ..brownboots.endpoint(format!("{}/second?id={{conversion_id}}", stage.publisher.url()))
    };
    let endpoints = vec![brownboots.endpoint(stage.template()), endpoint];
    stage.say_catalog([brownboots.publisher(2, endpoints)]).await;
    for path in ["/cb", "/second"] {
        stage.publisher.answer(path, [Answer::status(404)]);
    }
    tell(&stage, brownboots, 0..3).await;
    are_exhausted(&stage, 6).await;
    for path in ["/cb", "/second"] {
        stage.publisher.answer(path, [Answer::status(200)]);
    }
    let counts = || ["/cb", "/second"].map(|path| stage.publisher.deliveries_to(path).len());

    let [at_first, at_second] = counts();
    let mut asked = order(&["exhausted"]);
    asked["endpointId"] = json!(second.to_string());
    let (done, again) = carry_out(&stage, &asked).await;
    assert_eq!(again, of_clicks(brownboots, 0..3));
    assert_eq!(done["endpointId"], asked["endpointId"]);
    assert_eq!(counts(), [at_first, at_second + 3]);
    let left = format!("deliveries WHERE state = 'exhausted' AND endpoint_id = '{}'", endpoint_id());
    stage.rows(&left, 3).await;

    // Of all endpoints, which are those of the other by now.
    let (_, again) = carry_out(&stage, &order(&["exhausted"])).await;
    assert_eq!(again, of_clicks(brownboots, 0..3));
    assert_eq!(counts(), [at_first + 3, at_second + 3]);
    stage.rows("deliveries WHERE state = 'delivered'", 6).await;
    stage.strike().await;
}
