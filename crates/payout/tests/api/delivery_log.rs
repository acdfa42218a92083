//! The delivery log: what a publisher was told, attempt by attempt, and who sees it.

use std::collections::BTreeSet;

use contracts::catalog::{PostbackMethod, SealedSecret};
use serde_json::Value;
use test_kit::{Answer, eventually};

use crate::{
    facts::{TRACE, endpoint_id},
    stage::{MANAGER, PARTNER, SOON, STRANGER, Stage},
};

fn items(page: &Value) -> &Vec<Value> {
    page["items"].as_array().unwrap()
}

#[tokio::test]
async fn the_log_is_walked_by_cursor_and_each_delivery_is_met_once() {
    let (stage, brownboots) = Stage::with_readers().await;
    stage.say_verdicts((0..23).map(|click| brownboots.qualified(brownboots.verdict(click)))).await;
    stage.rows("deliveries WHERE state = 'delivered'", 23).await;
    let mut met = BTreeSet::new();
    let mut created = Vec::new();
    let mut path = String::from("/api/v1/deliveries?page_size=10");
    let mut pages = 0;
    loop {
        let (status, page) = stage.get(&path, Some(PARTNER)).await;
        assert_eq!((status, page["total"].as_u64()), (200, Some(23)), "{page}");
        pages += 1;
        for line in items(&page) {
            assert!(met.insert(line["deliveryId"].as_str().unwrap().to_owned()), "twice: {line}");
            created.push(line["createdAt"].as_str().unwrap().to_owned());
        }
        let Some(next) = page["nextCursor"].as_str() else { break };
        path = format!("/api/v1/deliveries?page_size=10&cursor={next}");
    }
    assert_eq!((met.len(), pages), (23, 3));
    assert!(created.is_sorted_by(|newer, older| newer >= older), "newest first: {created:?}");

    // What is told in between is no matter for who walks on.
    let (_, first) = stage.get("/api/v1/deliveries?page_size=20", Some(MANAGER)).await;
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(99))]).await;
    stage.rows("deliveries WHERE state = 'delivered'", 24).await;
    let rest = format!("/api/v1/deliveries?page_size=20&cursor={}", first["nextCursor"].as_str().unwrap());
    let (_, rest) = stage.get(&rest, Some(MANAGER)).await;
    assert_eq!((items(&rest).len(), &rest["nextCursor"]), (3, &Value::Null));
    stage.strike().await;
}

#[tokio::test]
async fn filters_hold_together_and_wrong_ones_are_named() {
    let (stage, brownboots) = Stage::with_readers().await;
    stage.publisher.answer("/cb", [Answer::status(410), Answer::status(200)]);
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    stage.rows("deliveries WHERE state = 'stopped'", 1).await;
    stage.say_verdicts([2, 3].map(|click| brownboots.qualified(brownboots.verdict(click)))).await;
    stage.rows("deliveries WHERE state = 'delivered'", 2).await;
    let total = async |query: String| {
        let (status, page) = stage.get(&format!("/api/v1/deliveries?{query}"), Some(MANAGER)).await;
        assert_eq!(status, 200, "{query}: {page}");
        assert_eq!(page["total"].as_u64(), Some(u64::try_from(items(&page).len()).unwrap()), "{query}");
        items(&page).len()
    };
    for (query, expected) in [
        (String::from("state=stopped"), 1),
        (String::from("state=delivered"), 2),
        (String::from("state=waiting"), 0),
        (format!("conversion_id={}", brownboots.conversion_id(1)), 1),
        (format!("conversion_id={}&state=delivered", brownboots.conversion_id(1)), 0),
        (format!("endpoint_id={}&state=delivered", endpoint_id()), 2),
        (format!("endpoint_id={}", brownboots.conversion_id(1)), 0),
        (String::from("publisher_id=00000000-0000-0000-0000-0000000000b1"), 3),
        (String::from("publisher_id=00000000-0000-0000-0000-0000000000b2"), 0),
        (String::from("from=2026-01-01T00:00:00Z"), 3),
        (String::from("to=2026-01-01T00:00:00Z"), 0),
    ] {
        assert_eq!(total(query.clone()).await, expected, "{query}");
    }
    for (wrong, expected) in [
        ("page_size=0&cursor=soon", (400, vec!["page_size", "cursor"])),
        ("from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", (422, vec!["to"])),
        ("from=0001-01-01T00:00:00Z", (422, vec!["from"])),
    ] {
        let (status, problem) = stage.get(&format!("/api/v1/deliveries?{wrong}"), Some(MANAGER)).await;
        let errors = problem["errors"].as_array().unwrap();
        let fields: Vec<_> = errors.iter().map(|error| error["field"].as_str().unwrap()).collect();
        assert_eq!((status, fields), expected, "{wrong}");
    }
    assert_eq!(stage.get("/api/v1/deliveries?state=odd", Some(MANAGER)).await.0, 400);
    stage.strike().await;
}

#[tokio::test]
async fn a_delivery_shows_each_attempt_and_its_publisher_alone_sees_it() {
    let (stage, brownboots) = Stage::with_readers().await;
    stage.publisher.answer("/cb", [Answer::status(503).body("later"), Answer::status(200).body("ok")]);
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    stage.told(1).await;
    stage.pause_ends().await;
    stage.rows("deliveries WHERE state = 'delivered'", 1).await;
    let (_, page) = stage.get("/api/v1/deliveries", Some(MANAGER)).await;
    let line = &items(&page)[0];
    let path = format!("/api/v1/deliveries/{}", line["deliveryId"].as_str().unwrap());
    let (status, whole) = stage.get(&path, Some(PARTNER)).await;
    assert_eq!(status, 200, "{whole}");
    assert_eq!((&whole["state"], &whole["attemptCount"]), (&Value::from("delivered"), &Value::from(2)));
    assert_eq!(whole["traceId"], TRACE);
    assert_eq!(whole["webhookId"].as_str(), stage.publisher.deliveries()[0].header("webhook-id"));
    let [first, second] = whole["attempts"].as_array().unwrap().as_slice() else { panic!("{whole}") };
    assert_eq!((&first["httpStatus"], &first["response"]), (&Value::from(503), &Value::from("later")));
    assert!(first["nextDueAt"].is_string() && second["nextDueAt"].is_null(), "{whole}");
    assert!(second["answeredMs"].as_i64().unwrap() <= second["durationMs"].as_i64().unwrap() + 1);
    assert!(second["request"].as_str().unwrap().ends_with("/…?c=…&m=…&s=…&p=…&id=…"), "{second}");
    assert!(second["headers"].as_array().unwrap().contains(&Value::from("webhook-signature")));

    assert_eq!(stage.get(&path, None).await.0, 401);
    assert_eq!(stage.get(&path, Some(STRANGER)).await.0, 404);
    assert_eq!(stage.get("/api/v1/deliveries", Some(STRANGER)).await.1["total"], 0);
    let of_another = "/api/v1/deliveries?publisher_id=00000000-0000-0000-0000-0000000000b2";
    assert_eq!(stage.get(of_another, Some(PARTNER)).await.0, 403);
    stage.strike().await;
}

#[tokio::test]
async fn an_endpoint_that_repeats_its_secrets_does_not_put_them_into_the_log() {
    let (stage, brownboots) = Stage::with_readers().await;
    let canaries = ["canary-in-the-header", "canary-in-the-query", "canary-in-the-path"];
    let url = format!("{}/{}?key={}&id={{conversion_id}}", stage.publisher.url(), canaries[2], canaries[1]);
    let mut endpoint = brownboots.endpoint(url);
    endpoint.method = PostbackMethod::PostJson.into();
    endpoint.custom_header_name = Some(String::from("X-Publisher-Key"));
    endpoint.custom_header_value =
        Some(SealedSecret { sealed: brownboots.sealed_header(canaries[0]), valid_until_micros: None });
    stage.say_catalog([brownboots.publisher(2, vec![endpoint])]).await;
    let echo = format!("you said {} {} {}", canaries[0], canaries[1], canaries[2]);
    stage.publisher.answer(&format!("/{}", canaries[2]), [Answer::status(200).body(echo)]);
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    stage.rows("deliveries WHERE state = 'delivered'", 1).await;
    let heard = stage.told(1).await;
    assert_eq!(heard[0].header("x-publisher-key"), Some(canaries[0]), "it was sent");

    let (_, page) = stage.get("/api/v1/deliveries", Some(MANAGER)).await;
    let id = items(&page)[0]["deliveryId"].as_str().unwrap().to_owned();
    let (_, whole) = stage.get(&format!("/api/v1/deliveries/{id}"), Some(MANAGER)).await;
    assert_eq!(whole["attempts"][0]["response"], "you said … … …");
    let of_conversion = format!("/api/v1/conversions/{}", brownboots.conversion_id(1));
    let (_, conversion) = stage.get(&of_conversion, Some(MANAGER)).await;
    let signature = heard[0].header("webhook-signature").unwrap();
    for secret in canaries.into_iter().chain([signature]) {
        for shown in [&page, &whole, &conversion] {
            assert!(!shown.to_string().contains(secret), "{secret} in {shown}");
        }
    }
    stage.rows("delivery_attempts WHERE delivery_attempts::text LIKE '%canary%'", 0).await;
    stage.strike().await;
}

#[tokio::test]
async fn in_no_spelling_do_they_get_there() {
    let (stage, brownboots) = Stage::with_readers().await;
    let canary = "s3cr3t/canary+in=words";
    let mut endpoint = brownboots
        .endpoint(format!("{}/cb?k=canary-beside-{{payout}}&id={{conversion_id}}", stage.publisher.url()));
    endpoint.custom_header_name = Some(String::from("Authorization"));
    let sealed = brownboots.sealed_header(&format!("Bearer {canary}"));
    endpoint.custom_header_value = Some(SealedSecret { sealed, valid_until_micros: None });
    stage.say_catalog([brownboots.publisher(2, vec![endpoint])]).await;
    // The word alone, in URLs in either case and as a form, in JSON, in HTML, in base64; and what stands beside a macro.
    let echo = [
        "s3cr3t/canary+in=words",
        "s3cr3t%2Fcanary%2Bin%3Dwords",
        "s3cr3t%2fcanary%2bin%3dwords",
        r"s3cr3t\/canary+in=words",
        r"s3cr3t\u002fcanary\u002Bin\u003dwords",
        "s3cr3t&#x2F;canary&#43;in=words",
        "czNjcjN0L2NhbmFyeStpbj13b3Jkcw==",
        "Bearer+s3cr3t%2Fcanary%2Bin%3Dwords",
        "canary-beside-2.00",
    ];
    stage.publisher.answer("/cb", [Answer::status(200).body(echo.join("|"))]);
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    stage.rows("deliveries WHERE state = 'delivered'", 1).await;
    assert_eq!(
        stage.told(1).await[0].header("authorization"),
        Some(format!("Bearer {canary}").as_str()),
        "it was sent"
    );
    let (_, page) = stage.get("/api/v1/deliveries", Some(MANAGER)).await;
    let id = items(&page)[0]["deliveryId"].as_str().unwrap().to_owned();
    let (_, whole) = stage.get(&format!("/api/v1/deliveries/{id}"), Some(MANAGER)).await;
    assert_eq!(whole["attempts"][0]["response"], "…|…|…|…|…|…|…==|…|…2.00", "{whole}");
    stage.strike().await;
}

#[tokio::test]
async fn every_door_says_what_a_delivery_waits_for() {
    let (stage, brownboots) = Stage::with_readers().await;
    stage.publisher.answer("/cb", [Answer::status(503)]);
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    stage.rows("deliveries WHERE state = 'waiting' AND attempts = 1", 1).await;
    let of_conversion = format!("/api/v1/conversions/{}", brownboots.conversion_id(1));
    let waits_for = async || {
        let (_, page) = stage.get("/api/v1/deliveries?state=waiting", Some(MANAGER)).await;
        let listed = items(&page)[0].clone();
        let path = format!("/api/v1/deliveries/{}", listed["deliveryId"].as_str().unwrap());
        let (_, whole) = stage.get(&path, Some(PARTNER)).await;
        let (_, filtered) = stage
            .get(
                &format!("/api/v1/deliveries?state=waiting&conversion_id={}", brownboots.conversion_id(1)),
                Some(PARTNER),
            )
            .await;
        let (_, conversion) = stage.get(&of_conversion, Some(MANAGER)).await;
        let of_conversion = conversion["deliveries"].as_array().unwrap();
        let of_conversion = of_conversion.iter().find(|it| it["deliveryId"] == listed["deliveryId"]).unwrap();
        for shown in [&whole, &items(&filtered)[0], of_conversion] {
            assert_eq!(shown["waitsFor"], listed["waitsFor"], "{shown}");
        }
        listed["waitsFor"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(waits_for().await, "retry");
    // From here on its publisher has no token for an hour.
    stage.meanwhile("UPDATE publishers SET bucket_empty_at = now() + interval '1 hour'").await;
    stage.meanwhile("UPDATE deliveries SET due_at = now()").await;
    assert_eq!(waits_for().await, "turn");
    stage
        .meanwhile("UPDATE endpoint_conditions SET failures = 0, open_until = now() + interval '1 hour'")
        .await;
    assert_eq!(waits_for().await, "open_breaker");
    stage.meanwhile("UPDATE endpoint_conditions SET open_until = NULL, paused_at = now()").await;
    assert_eq!(waits_for().await, "paused_endpoint");
    let lease = "UPDATE deliveries SET lease = gen_random_uuid(), leased_until = now() + interval '1 hour',
        due_at = now() - interval '1 minute'";
    stage.meanwhile(lease).await;
    assert_eq!(waits_for().await, "attempt_under_way");
    // A newer one waits until that attempt is over.
    stage.meanwhile("UPDATE endpoint_conditions SET paused_at = NULL").await;
    stage
        .meanwhile(
            "UPDATE deliveries SET state = 'superseded', due_at = NULL, ended_at = now(), superseded_by = 2",
        )
        .await;
    let newer = "INSERT INTO deliveries SELECT (jsonb_populate_record(deliveries, jsonb_build_object(
            'delivery_id', gen_random_uuid(), 'state', 'waiting', 'lease', null, 'leased_until', null, 'ended_at', null,
            'superseded_by', null, 'attempts', 0, 'due_at', now() + interval '1 hour'))).* FROM deliveries";
    stage.meanwhile(newer).await;
    assert_eq!(waits_for().await, "earlier_telling");
    stage.meanwhile("UPDATE postback_endpoints SET active = false").await;
    assert_eq!(waits_for().await, "", "it ends when it is due");
}

/// An endpoint and a state with few deliveries are found among many others without reading those.
#[tokio::test]
async fn a_filter_reads_what_it_shows_whatever_lies_beside_it() {
    const BESIDE: i64 = 50_000;
    let (stage, brownboots) = Stage::with_readers().await;
    stage.publisher.answer("/cb", [Answer::status(410), Answer::status(200)]);
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    stage.rows("deliveries WHERE state = 'stopped'", 1).await;
    let (_, page) = stage.get("/api/v1/deliveries", Some(MANAGER)).await;
    let stopped = items(&page)[0]["deliveryId"].as_str().unwrap().to_owned();
    let quiet =
        "INSERT INTO postback_endpoints SELECT (jsonb_populate_record(postback_endpoints, jsonb_build_object(
        'endpoint_id', '00000000-0000-0000-0000-0000000000e9'))).* FROM postback_endpoints";
    stage.meanwhile(quiet).await;
    let copies = |count: i64, endpoint: &str, age: &str| {
        format!(
            "INSERT INTO deliveries (tenant_id, delivery_id, conversion_id, status_revision, endpoint_id, publisher_id, told,
                state, attempts, created_at, ended_at)
            SELECT tenant_id, gen_random_uuid(), conversion_id, 1 + nth, {endpoint}, publisher_id, told, 'delivered', 1,
                now() - interval '{age}', now() FROM deliveries, generate_series(1, {count}) AS nth WHERE state = 'stopped'"
        )
    };
    stage.meanwhile(&copies(BESIDE, "endpoint_id", "1 hour")).await;
    // Statistics are of a sample, and this is the worst that it can be: it has none of the few.
    stage.meanwhile("UPDATE deliveries SET state = 'delivered' WHERE state = 'stopped'").await;
    stage.meanwhile("ANALYZE deliveries").await;
    let stopped = format!("UPDATE deliveries SET state = 'stopped' WHERE delivery_id = '{stopped}'");
    assert_eq!(stage.meanwhile(&stopped).await, 1);
    stage.meanwhile(&copies(3, "'00000000-0000-0000-0000-0000000000e9'::uuid", "2 days")).await;
    // Entries of indexes and rows. A connection tells PostgreSQL what it has done when it likes, but at its end all of it.
    let read = async || {
        let ended = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 60000)) AS count FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
        stage.count(ended).await;
        let counted = "SELECT (seq_tup_read + (
                SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname = 'deliveries'))::bigint AS count
            FROM pg_stat_user_tables WHERE relname = 'deliveries'";
        stage.count(counted).await
    };
    let list = async |query: &str| {
        let (status, page) = stage.get(&format!("/api/v1/deliveries?{query}"), Some(MANAGER)).await;
        if status == 200 { Ok(page["total"].as_u64()) } else { Err(page) }
    };
    let before = read().await;
    for (query, total) in [
        ("state=stopped", 1),
        ("endpoint_id=00000000-0000-0000-0000-0000000000e9", 3),
        ("state=delivered&endpoint_id=00000000-0000-0000-0000-0000000000e9", 3),
        ("state=superseded", 0),
        ("state=waiting", 0),
    ] {
        // The service's connections have just ended.
        let found = eventually(query, SOON, async || list(query).await).await;
        assert_eq!(found, Some(total), "{query}");
    }
    let filtered = read().await - before;
    assert!(filtered < BESIDE / 100, "{filtered} entries were read");
    // What does read the others is seen that way: this counts them, up to its bound.
    let all = eventually("all are counted", SOON, async || list("state=delivered").await).await;
    let read_of_all = read().await - before - filtered;
    assert_eq!(all, Some(10_000));
    assert!(read_of_all >= 10_000, "{read_of_all} entries were read, and 10000 counted");
    stage.strike().await;
}
