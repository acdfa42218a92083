//! How fast a publisher is told, and that nobody's backlog is anybody else's.

use std::time::{Duration, SystemTime};

use contracts::{
    catalog::{PostbackEndpoint, PublisherChanged},
    payout::{DeliveryOutcome, DeliveryResult},
};
use test_kit::{Answer, Delivery, eventually};
use uuid::Uuid;

use crate::{
    facts::{PUBLISHER, Tenant},
    stage::{SOON, Stage},
};

/// Makes so many more conversions of a tenant as it has one, and their deliveries, all due for an hour.
async fn add_backlog(stage: &Stage, tenant: Tenant, count: i64) {
    let copies = format!(
        "CREATE TABLE copies AS SELECT gen_random_uuid() AS id FROM generate_series(1, {count});
        INSERT INTO conversions SELECT (jsonb_populate_record(conversions, jsonb_build_object('conversion_id', id))).*
            FROM conversions, copies WHERE tenant_id = '{tenant}';
        INSERT INTO conversion_history SELECT (jsonb_populate_record(history, jsonb_build_object('conversion_id', id))).*
            FROM conversion_history AS history, copies WHERE tenant_id = '{tenant}';
        INSERT INTO deliveries (tenant_id, delivery_id, conversion_id, status_revision, endpoint_id, publisher_id, told,
            state, due_at)
        SELECT tenant_id, gen_random_uuid(), id, status_revision, endpoint_id, publisher_id, told, 'waiting',
            now() - interval '1 hour' FROM deliveries, copies",
        tenant = tenant.0
    );
    for statement in copies.split(';') {
        stage.meanwhile(statement).await;
    }
}

#[tokio::test]
async fn no_more_than_its_rate_goes_to_a_publisher_whatever_the_number_of_replicas() {
    const RATE: u32 = 5;
    let stage = Stage::with(3, |_| ()).await;
    let slow = Tenant::new(1);
    let endpoint = slow.endpoint(stage.template());
    stage.say_catalog([slow.envelope(&slow.offer(1)), slow.slow_publisher(endpoint, RATE)]).await;
    stage.say_verdicts((0..20).map(|click| slow.qualified(slow.verdict(click)))).await;
    let heard = stage.told(20).await;
    stage.rows("deliveries WHERE state = 'delivered' AND attempts = 1", 20).await;
    // At once what a second allows, then one by one: 15 more at 5 a second, however many replicas send.
    let at: Vec<_> = heard.iter().map(|postback| postback.at).collect();
    let (first, last) = (at.iter().min().unwrap(), at.iter().max().unwrap());
    let took = last.duration_since(*first).unwrap();
    // 5 % for what an attempt itself takes.
    assert!(took >= Duration::from_millis(2_850), "{took:?}");
    stage.strike().await;
}

/// The most requests that were under way at a moment, when each was answered so long after it had come.
fn most_at_once(heard: &[Delivery], answered_after: Duration) -> usize {
    let under_way = |moment: SystemTime| {
        heard.iter().filter(|postback| (postback.at..postback.at + answered_after).contains(&moment)).count()
    };
    heard.iter().map(|postback| under_way(postback.at)).max().unwrap_or_default()
}

#[tokio::test]
async fn no_more_than_it_asked_for_is_under_way_at_once_to_a_publisher() {
    // For longer than an attempt keeps its slot.
    const ANSWERED_AFTER: Duration = Duration::from_millis(1_500);
    let stage = Stage::with(1, |settings| settings.delivery.per_publisher = 2).await;
    let tenant = Tenant::new(1);
    stage.say_catalog([tenant.envelope(&tenant.offer(1))]).await;
    stage.publisher.answer("/cb", [Answer::status(200).after(ANSWERED_AFTER)]);
    // More than the installation's, less, and the installation's. On a machine that stands still fewer may meet, and never more.
    let mut told = 0;
    for (version, max_concurrency, due, expected) in
        [(1_u8, Some(4), 6_u8, 3..=4), (2, Some(1), 3, 1..=1), (3, None, 4, 1..=2)]
    {
        let publisher = PublisherChanged {
            tenant_id: tenant.0.to_vec(),
            publisher_id: Uuid::from_u128(PUBLISHER).as_bytes().to_vec(),
            version: version.into(),
            active: true,
            endpoints: vec![tenant.endpoint(stage.template())],
            max_concurrency,
            ..PublisherChanged::default()
        };
        stage.say_catalog([tenant.envelope(&publisher)]).await;
        // A pause gathers them: all are due when it ends.
        let pause = "INSERT INTO endpoint_conditions (tenant_id, endpoint_id, paused_at)
            SELECT tenant_id, endpoint_id, now() FROM postback_endpoints
            ON CONFLICT (tenant_id, endpoint_id) DO UPDATE SET paused_at = now()";
        stage.meanwhile(pause).await;
        let clicks = 10 * version..10 * version + due;
        stage.say_verdicts(clicks.map(|click| tenant.qualified(tenant.verdict(click)))).await;
        stage.rows("deliveries WHERE state = 'waiting' AND attempts = 0 AND lease IS NULL", due.into()).await;
        let before = stage.publisher.deliveries().len();
        stage.meanwhile("UPDATE endpoint_conditions SET paused_at = NULL").await;
        told += i64::from(due);
        stage.rows("deliveries WHERE state = 'delivered' AND attempts = 1", told).await;
        let heard = stage.publisher.deliveries();
        let most = most_at_once(&heard[before..], ANSWERED_AFTER);
        assert!(expected.contains(&most), "{max_concurrency:?}: {most}: {heard:?}");
    }
    stage.strike().await;
}

#[tokio::test]
async fn the_backlog_of_one_publisher_starves_no_other() {
    const BACKLOG: i64 = 100_000;
    // One slot for everybody, and what the big one waits for has been due for longer than anything else.
    let stage = Stage::with(1, |settings| {
        settings.delivery.in_flight = 1;
        settings.delivery.per_publisher = 1;
        settings.delivery.per_publisher_per_second = 100_000;
    })
    .await;
    let (big, small) = (Tenant::new(1), Tenant::new(2));
    for (tenant, path) in [(big, "big"), (small, "small")] {
        let endpoint = tenant.endpoint(format!("{}/{path}?id={{conversion_id}}", stage.publisher.url()));
        stage.say_catalog([tenant.envelope(&tenant.offer(1)), tenant.publisher(1, vec![endpoint])]).await;
    }
    stage.say_verdicts([big.qualified(big.verdict(0))]).await;
    stage.rows("deliveries WHERE state = 'delivered'", 1).await;
    add_backlog(&stage, big, BACKLOG).await;
    eventually("the backlog is worked on", SOON, async || {
        let heard = stage.publisher.deliveries_to("/big").len();
        if heard > 20 { Ok(()) } else { Err(heard) }
    })
    .await;

    stage.say_verdicts((0..20).map(|click| small.qualified(small.verdict(click)))).await;
    eventually("the small one hears all of its own", SOON, async || {
        let heard = stage.publisher.deliveries_to("/small").len();
        if heard == 20 { Ok(()) } else { Err(heard) }
    })
    .await;
    let left = stage.count("SELECT count(*) AS count FROM deliveries WHERE state = 'waiting'").await;
    assert!(left > BACKLOG / 2, "{left} of the big one still waits");
    // Turn by turn, and a few more between two batches of the small one's verdicts.
    let heard = stage.publisher.deliveries();
    let is_small = |path: &str| path == "/small";
    let from = heard.iter().position(|postback| is_small(&postback.path)).unwrap();
    let until = heard.iter().rposition(|postback| is_small(&postback.path)).unwrap();
    let between = heard.iter().take(until).skip(from).filter(|postback| !is_small(&postback.path)).count();
    assert!((10..=100).contains(&between), "{between} of the big one went between 20 of the small one");
}

#[tokio::test]
async fn what_ends_at_an_endpoint_that_is_switched_off_costs_its_publisher_nothing() {
    const BACKLOG: i64 = 1_200;
    const WELL: u128 = 0xe2;
    let stage = Stage::with(1, |settings| {
        settings.delivery.in_flight = 1;
        settings.delivery.per_publisher = 1;
    })
    .await;
    let tenant = Tenant::new(1);
    stage.introduce(tenant).await;
    let pause = "INSERT INTO endpoint_conditions (tenant_id, endpoint_id, gone, paused_at)
        SELECT tenant_id, endpoint_id, 10, now() FROM postback_endpoints";
    stage.meanwhile(pause).await;
    stage.say_verdicts([tenant.qualified(tenant.verdict(0))]).await;
    stage.rows("deliveries WHERE state = 'waiting'", 1).await;
    add_backlog(&stage, tenant, BACKLOG).await;

    // Switched off, at a publisher that takes one postback a second; it has another endpoint that is well.
    let off = PostbackEndpoint { active: false, ..tenant.endpoint(stage.template()) };
    let well = PostbackEndpoint {
        endpoint_id: Uuid::from_u128(WELL).as_bytes().to_vec(),
        signing_secrets: Vec::new(),
        ..tenant.endpoint(format!("{}/well?id={{conversion_id}}", stage.publisher.url()))
    };
    let slow = PublisherChanged {
        tenant_id: tenant.0.to_vec(),
        publisher_id: Uuid::from_u128(PUBLISHER).as_bytes().to_vec(),
        version: 2,
        active: true,
        endpoints: vec![off, well],
        max_per_second: Some(1),
        ..PublisherChanged::default()
    };
    stage.say_catalog([tenant.envelope(&slow)]).await;
    let ended = BACKLOG + 1;
    stage.rows("deliveries WHERE state = 'stopped' AND attempts = 0 AND ends = 1", ended).await;
    stage.rows("publishers WHERE bucket_empty_at IS NULL", 1).await;
    stage.rows("delivery_attempts", 0).await;
    let said = stage.said_count::<DeliveryOutcome>(usize::try_from(ended).unwrap()).await;
    assert!(
        said.iter().all(|fact| fact.result() == DeliveryResult::Stopped && fact.stop_reason == "operator")
    );

    // What is told takes a token; and everything was there for it.
    stage.say_verdicts([tenant.qualified(tenant.verdict(1))]).await;
    stage.rows("deliveries WHERE state = 'delivered'", 1).await;
    stage.rows("publishers WHERE bucket_empty_at IS NOT NULL", 1).await;
    assert_eq!(stage.publisher.deliveries().len(), 1);
    assert_eq!(stage.publisher.deliveries_to("/well").len(), 1);
}
