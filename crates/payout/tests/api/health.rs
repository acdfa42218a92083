//! How a publisher's endpoints are, for the tenant's people and for the publisher itself.

use contracts::catalog::{PostbackEndpoint, PublisherChanged, TokenRole};
use serde_json::json;
use test_kit::Answer;
use uuid::Uuid;

use crate::{
    facts::{PUBLISHER, Tenant, endpoint_id, now},
    stage::Stage,
};

const ANALYST: &str = "gkt_analyst";
const PARTNER: &str = "gkt_partner";
const STRANGER: &str = "gkt_stranger";
/// Another publisher of the first tenant.
const RIVAL: u128 = 0xb2;

fn path(publisher: u128) -> String {
    format!("/api/v1/publishers/{}/health", Uuid::from_u128(publisher))
}

async fn stage() -> (Stage, Tenant) {
    let stage = Stage::with(1, |settings| {
        settings.delivery.in_flight = 1;
        settings.delivery.per_publisher = 1;
    })
    .await;
    let (ours, theirs) = (Tenant::new(1), Tenant::new(2));
    stage.introduce(ours).await;
    let rival = PublisherChanged {
        tenant_id: ours.0.to_vec(),
        publisher_id: Uuid::from_u128(RIVAL).as_bytes().to_vec(),
        version: 1,
        max_concurrency: Some(3),
        max_per_second: Some(7),
        active: true,
        ..PublisherChanged::default()
    };
    stage
        .say_catalog([
            ours.envelope(&rival),
            ours.token(ANALYST, TokenRole::Analyst),
            ours.token(PARTNER, TokenRole::Publisher),
            theirs.token(STRANGER, TokenRole::Owner),
        ])
        .await;
    (stage, ours)
}

#[tokio::test]
async fn an_endpoints_answers_and_backlog_are_shown() {
    let (stage, ours) = stage().await;
    let (status, idle) = stage.get(&path(PUBLISHER), Some(PARTNER)).await;
    assert_eq!(status, 200);
    let expected = json!({
        "endpointId": endpoint_id().to_string(), "active": true, "paused": false, "goneInARow": 0,
        "breaker": "Closed", "failuresInARow": 0, "attemptCount": 0, "successCount": 0,
        "backlog": {"due": 0, "waiting": 0, "exhausted": 0}
    });
    assert_eq!(idle["endpoints"], json!([expected]));
    assert_eq!((&idle["maxConcurrency"], &idle["maxPerSecond"]), (&json!(1), &json!(1_000)));

    let answers = [Answer::status(200), Answer::status(200), Answer::status(404), Answer::status(500)];
    stage.publisher.answer("/cb", answers);
    stage.say_verdicts((0..3).map(|click| ours.qualified(ours.verdict(click)))).await;
    stage.rows("delivery_attempts", 3).await;
    stage.say_verdicts((3..18).map(|click| ours.qualified(ours.verdict(click)))).await;
    stage.rows("endpoint_conditions WHERE open_until > now()", 1).await;
    // Ten failures after three answers. Nothing is sent from here on; five of what waits has been due for an hour, one ran out
    // of attempts, the rest waits for its time.
    stage.meanwhile("UPDATE endpoint_conditions SET open_until = now() + interval '1 hour'").await;
    let waiting = |skipped: u8, count: u8| {
        format!(
            "delivery_id IN (SELECT delivery_id FROM deliveries WHERE state <> 'delivered'
                ORDER BY delivery_id OFFSET {skipped} LIMIT {count})"
        )
    };
    stage.rows("deliveries WHERE state = 'waiting' AND lease IS NULL", 16).await;
    for change in [
        format!("due_at = now() - interval '1 hour' WHERE {}", waiting(0, 5)),
        // One of those that are due is under way.
        format!(
            "lease = gen_random_uuid(), leased_until = now() + interval '1 hour' WHERE {}",
            waiting(0, 1)
        ),
        format!("due_at = now() + interval '1 hour' WHERE {}", waiting(5, 10)),
        format!("state = 'exhausted', due_at = NULL, ended_at = now() WHERE {}", waiting(15, 1)),
    ] {
        stage.meanwhile(&format!("UPDATE deliveries SET {change}")).await;
    }
    let shown = stage.get(&path(PUBLISHER), Some(ANALYST)).await.1["endpoints"][0].clone();
    assert_eq!(shown["backlog"]["due"], 4);
    assert_eq!((&shown["breaker"], &shown["failuresInARow"]), (&json!("Open"), &json!(10)));
    assert!(shown["probesAt"].is_string());
    assert_eq!((&shown["attemptCount"], &shown["successCount"]), (&json!(13), &json!(2)));
    assert_eq!(shown["successPercent"], "15.38");
    assert!(shown["durationP95Ms"].as_i64().unwrap() < 60_000);
    assert_eq!((&shown["backlog"]["waiting"], &shown["backlog"]["exhausted"]), (&json!(11), &json!(1)));
    let oldest = chrono::DateTime::parse_from_rfc3339(shown["backlog"]["oldestDueAt"].as_str().unwrap());
    let age = now().as_millis() - oldest.unwrap().timestamp_millis();
    assert!((3_600_000..3_900_000).contains(&age), "{age}");
    // Of attempts that are older than the window nothing is said.
    stage.meanwhile("ALTER TABLE delivery_attempts DISABLE TRIGGER append_only").await;
    stage.meanwhile("UPDATE delivery_attempts SET started_at = started_at - interval '61 min'").await;
    stage.meanwhile("UPDATE deliveries SET due_at = now() + interval '1 hour' WHERE state = 'waiting'").await;
    stage.meanwhile("UPDATE endpoint_conditions SET open_until = now(), probing = true").await;
    let shown = stage.get(&path(PUBLISHER), Some(ANALYST)).await.1["endpoints"][0].clone();
    assert_eq!((&shown["attemptCount"], &shown["breaker"]), (&json!(0), &json!("HalfOpen")));
    assert!(shown["durationP95Ms"].is_null() && shown["successPercent"].is_null());
    stage.strike().await;
}

#[tokio::test]
async fn a_publisher_reads_its_own_and_a_tenant_its_publishers() {
    let (stage, _) = stage().await;
    let (status, rival) = stage.get(&path(RIVAL), Some(ANALYST)).await;
    assert_eq!((status, &rival["endpoints"]), (200, &json!([])));
    assert_eq!((&rival["maxConcurrency"], &rival["maxPerSecond"]), (&json!(3), &json!(7)));
    assert_eq!(stage.get(&path(PUBLISHER), Some(PARTNER)).await.0, 200);
    assert_eq!(stage.get(&path(RIVAL), Some(PARTNER)).await.0, 404);
    assert_eq!(stage.get(&path(PUBLISHER), Some(STRANGER)).await.0, 404);
    assert_eq!(stage.get(&path(99), Some(ANALYST)).await.0, 404);
    assert_eq!(stage.get(&path(PUBLISHER), None).await.0, 401);
    stage.strike().await;
}

/// Attempts at an endpoint, in SQL, where `n` counts them: how many seconds ago, how many milliseconds, the answer; and which
/// headers were sent.
async fn plant(
    stage: &Stage,
    tenant: Tenant,
    endpoint: Uuid,
    count: usize,
    [ago, took, answered, headers]: [&str; 4],
) {
    let insert = format!(
        "INSERT INTO delivery_attempts (tenant_id, delivery_id, number, endpoint_id, started_at, duration_ms, http_status,
            headers, request, failure, response)
        SELECT '{}'::uuid, gen_random_uuid(), 1, '{endpoint}'::uuid, now() - make_interval(secs => {ago}), {took}, {answered},
            '{headers}', 'GET', '', ''
        FROM generate_series(1, {count}) AS n",
        tenant.0
    );
    assert_eq!(stage.meanwhile(&insert).await, count);
}

#[tokio::test]
async fn the_share_and_the_percentile_are_of_the_calls_to_that_endpoint_within_the_hour() {
    const SENT: &str = "webhook-id";
    let (stage, ours) = stage().await;
    let (first, second) = (endpoint_id().as_uuid(), Uuid::from_u128(0xe9));
    let other = PostbackEndpoint {
        endpoint_id: second.as_bytes().to_vec(),
        signing_secrets: Vec::new(),
        ..ours.endpoint(stage.template())
    };
    stage.say_catalog([ours.publisher(2, vec![ours.endpoint(stage.template()), other])]).await;
    // 1 ms to 100 ms, in no order; 67 were answered 2xx, the others just beside that or not at all.
    let answered =
        "CASE WHEN n <= 40 THEN 200 WHEN n <= 67 THEN 299 WHEN n <= 80 THEN 300 WHEN n <= 90 THEN 199 END";
    plant(&stage, ours, first, 100, ["n * 37 % 100", "n", answered, SENT]).await;
    // Before the hour, no calls, and another tenant's of the same name.
    plant(&stage, ours, first, 50, ["3600 + n", "60000", "500", SENT]).await;
    plant(&stage, ours, first, 50, ["n", "0", "NULL::integer", ""]).await;
    plant(&stage, Tenant::new(2), first, 50, ["n", "60000", "500", SENT]).await;
    plant(&stage, ours, second, 3, ["1000 + n", "n * 10000", "CASE WHEN n < 3 THEN 200 ELSE 500 END", SENT])
        .await;
    let figures = async |place: usize| {
        let (status, health) = stage.get(&path(PUBLISHER), Some(ANALYST)).await;
        assert_eq!(status, 200, "{health}");
        let endpoint = &health["endpoints"][place];
        json!([
            endpoint["attemptCount"],
            endpoint["successCount"],
            endpoint["successPercent"],
            endpoint["durationP95Ms"]
        ])
    };
    assert_eq!(figures(0).await, json!([100, 67, "67.00", 95]));
    // Of three, two are 66 %, and 95 of 100 are all of them.
    assert_eq!(figures(1).await, json!([3, 2, "66.66", 30_000]));

    // The newest thousand push out what was before them.
    plant(&stage, ours, second, 1_000, ["n / 2", "n", "204", SENT]).await;
    assert_eq!(figures(1).await, json!([1_000, 1_000, "100.00", 950]));
    assert_eq!(figures(0).await, json!([100, 67, "67.00", 95]));
    stage.strike().await;
}
