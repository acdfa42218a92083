//! An endpoint that does not answer is left alone, costs nobody an attempt, and is asked again by itself.

use std::time::Duration;

use contracts::payout::{DeliveryOutcome, DeliveryResult};
use test_kit::Answer;

use crate::{
    facts::Tenant,
    stage::{SOON, Stage, metric},
};

/// One attempt at a time: answers come in the order of the requests.
async fn one_by_one(replicas: usize) -> Stage {
    Stage::with(replicas, |settings| {
        settings.delivery.in_flight = 1;
        settings.delivery.per_publisher = 1;
    })
    .await
}

/// A tenant whose endpoint failed ten times, with twenty conversions to tell. It stays open for longer than a test takes.
async fn opened(stage: &Stage, tenant: Tenant) {
    stage.introduce(tenant).await;
    stage.publisher.answer("/cb", [Answer::status(503)]);
    stage.say_verdicts((0..20).map(|click| tenant.qualified(tenant.verdict(click)))).await;
    stage.rows("endpoint_conditions WHERE open_until > now() AND NOT probing", 1).await;
    stage.meanwhile("UPDATE endpoint_conditions SET open_until = now() + interval '1 hour'").await;
}

/// Another tenant is told something: the deliverer has looked at everything that is due.
async fn somebody_else_is_told(stage: &Stage, other: Tenant, click: u8) {
    stage.say_verdicts([other.qualified(other.verdict(click))]).await;
    stage.rows(&format!("deliveries WHERE tenant_id = '{}' AND state <> 'delivered'", other.0), 0).await;
    stage
        .rows(
            &format!(
                "deliveries WHERE tenant_id = '{}' AND conversion_id = '{}' AND state = 'delivered'",
                other.0,
                other.conversion_id(click)
            ),
            1,
        )
        .await;
}

async fn introduce_well(stage: &Stage, other: Tenant) {
    let endpoint = other.endpoint(format!("{}/well?id={{conversion_id}}", stage.publisher.url()));
    stage.say_catalog([other.envelope(&other.offer(1)), other.publisher(1, vec![endpoint])]).await;
}

async fn time_is_up(stage: &Stage) {
    stage.meanwhile("UPDATE endpoint_conditions SET open_until = now() WHERE open_until IS NOT NULL").await;
}

#[tokio::test]
async fn ten_failures_open_the_breaker_and_nothing_that_waits_loses_an_attempt() {
    let stage = one_by_one(1).await;
    let (down, well) = (Tenant::new(1), Tenant::new(2));
    introduce_well(&stage, well).await;
    opened(&stage, down).await;
    stage.meanwhile("UPDATE deliveries SET due_at = now() WHERE state = 'waiting'").await;
    for click in 0..5 {
        somebody_else_is_told(&stage, well, click).await;
    }
    assert_eq!(stage.publisher.deliveries_to("/cb").len(), 10);
    let attempts =
        format!("SELECT sum(attempts)::bigint AS count FROM deliveries WHERE tenant_id = '{}'", down.0);
    assert_eq!(stage.count(&attempts).await, 10, "attempts are requests");
    stage.rows("deliveries WHERE state = 'waiting' AND due_at <= now() AND lease IS NULL", 20).await;

    // A probe that fails costs one delivery one attempt, and the next one comes a minute later.
    time_is_up(&stage).await;
    stage.rows("endpoint_conditions WHERE failed_probes = 1 AND NOT probing", 1).await;
    stage.rows("endpoint_conditions WHERE open_until - now() BETWEEN '40 s' AND '60 s'", 1).await;
    somebody_else_is_told(&stage, well, 9).await;
    assert_eq!(stage.publisher.deliveries_to("/cb").len(), 11);
    assert_eq!(stage.count(&attempts).await, 11);

    // One that is answered closes it, and everything goes out.
    stage.publisher.answer("/cb", [Answer::status(200)]);
    time_is_up(&stage).await;
    stage.rows("endpoint_conditions WHERE open_until IS NULL AND failures = 0", 1).await;
    stage.meanwhile("UPDATE deliveries SET due_at = now() WHERE state = 'waiting' AND lease IS NULL").await;
    stage.rows(&format!("deliveries WHERE tenant_id = '{}' AND state = 'delivered'", down.0), 20).await;
    stage.strike().await;
}

#[tokio::test]
async fn two_replicas_send_one_probe() {
    let stage = one_by_one(2).await;
    let (down, well) = (Tenant::new(1), Tenant::new(2));
    introduce_well(&stage, well).await;
    opened(&stage, down).await;
    somebody_else_is_told(&stage, well, 9).await;
    stage.rows("deliveries WHERE lease IS NOT NULL", 0).await;
    stage.meanwhile("UPDATE deliveries SET due_at = now() WHERE state = 'waiting'").await;
    let before = stage.publisher.deliveries_to("/cb").len();
    assert!((10..=11).contains(&before), "{before}: what the other one had under way");
    // The probe takes its time. Meanwhile the other replica is free and looks at everything that is due.
    stage.publisher.answer("/cb", [Answer::status(503).after(Duration::from_secs(4))]);
    time_is_up(&stage).await;
    stage.rows("endpoint_conditions WHERE probing AND open_until > now() + interval '20 s'", 1).await;
    for click in 0..5 {
        somebody_else_is_told(&stage, well, click).await;
    }
    stage.rows(&format!("deliveries WHERE tenant_id = '{}' AND lease IS NOT NULL", down.0), 1).await;
    stage.rows("endpoint_conditions WHERE failed_probes = 1 AND NOT probing", 1).await;
    assert_eq!(stage.publisher.deliveries_to("/cb").len(), before + 1);
    stage.strike().await;
}

#[tokio::test]
async fn a_breaker_outlives_a_restart_and_half_opens_after_it() {
    let mut stage = one_by_one(1).await;
    let (down, well) = (Tenant::new(1), Tenant::new(2));
    introduce_well(&stage, well).await;
    opened(&stage, down).await;
    stage.publisher.answer("/cb", [Answer::status(200)]);
    stage.restart().await;
    stage.meanwhile("UPDATE deliveries SET due_at = now() WHERE state = 'waiting'").await;
    somebody_else_is_told(&stage, well, 1).await;
    assert_eq!(stage.publisher.deliveries_to("/cb").len(), 10, "still left alone");

    // As if its process had died with a probe under way: the lease is over.
    stage.meanwhile("UPDATE endpoint_conditions SET probing = true").await;
    stage.restart().await;
    time_is_up(&stage).await;
    stage.rows(&format!("deliveries WHERE tenant_id = '{}' AND state = 'delivered'", down.0), 20).await;
    stage.strike().await;
}

#[tokio::test]
async fn a_click_that_the_publisher_does_not_know_opens_nothing() {
    let stage = one_by_one(1).await;
    let strict = Tenant::new(1);
    stage.introduce(strict).await;
    stage.publisher.answer("/cb", [Answer::status(404)]);
    stage.say_verdicts((0..15).map(|click| strict.qualified(strict.verdict(click)))).await;
    stage.rows("deliveries WHERE attempts >= 1", 15).await;
    stage.rows("endpoint_conditions WHERE open_until IS NOT NULL", 0).await;
    stage.strike().await;
}

#[tokio::test]
async fn a_fault_of_ours_is_no_sign_of_the_receiver() {
    let stage = one_by_one(1).await;
    let broken = Tenant::new(1);
    stage.introduce(broken).await;
    stage.meanwhile("UPDATE postback_endpoints SET signing_secret = 'no secret'").await;
    stage.say_verdicts((0..15).map(|click| broken.qualified(broken.verdict(click)))).await;
    stage.rows("delivery_attempts WHERE failure LIKE '%secrets can not be opened%' AND number = 1", 15).await;
    stage.rows("endpoint_conditions WHERE open_until IS NOT NULL OR failures > 0", 0).await;
    stage.strike().await;
}

#[tokio::test]
async fn a_dead_endpoint_does_not_hold_up_a_good_one_of_the_same_publisher() {
    let stage = Stage::with(1, |settings| settings.delivery.per_publisher = 2).await;
    let tenant = Tenant::new(1);
    let dead = tenant.endpoint(stage.template());
    let mut good = tenant.endpoint(format!("{}/good?id={{conversion_id}}", stage.publisher.url()));
    good.endpoint_id[15] = 0xe9;
    good.signing_secrets.clear();
    let publisher = tenant.publisher(1, vec![dead, good]);
    stage.say_catalog([tenant.envelope(&tenant.offer(1)), publisher]).await;
    stage.publisher.answer("/cb", [Answer::status(500)]);
    stage.say_verdicts((0..30).map(|click| tenant.qualified(tenant.verdict(click)))).await;
    test_kit::eventually("the good one hears everything", SOON, async || {
        let heard = stage.publisher.deliveries_to("/good").len();
        if heard == 30 { Ok(()) } else { Err(heard) }
    })
    .await;
    stage.rows("endpoint_conditions WHERE open_until IS NOT NULL", 1).await;
    let heard = stage.publisher.deliveries_to("/cb").len();
    assert!((10..=20).contains(&heard), "{heard}: ten, what was under way, and a probe when this took long");
    stage.strike().await;
}

#[tokio::test]
async fn what_an_endpoint_was_not_there_for_as_long_as_a_schedule_takes_is_exhausted_and_can_be_told_again() {
    let stage = one_by_one(1).await;
    let (down, well) = (Tenant::new(1), Tenant::new(2));
    introduce_well(&stage, well).await;
    opened(&stage, down).await;
    let attempts =
        format!("SELECT sum(attempts)::bigint AS count FROM deliveries WHERE tenant_id = '{}'", down.0);
    let made = stage.count(&attempts).await;
    // Nobody is given up for one bad moment, whatever waits there.
    let long_ago = "UPDATE deliveries SET due_at = now() - interval '76 h' WHERE state = 'waiting'";
    stage.meanwhile(long_ago).await;
    somebody_else_is_told(&stage, well, 0).await;
    stage.rows("deliveries WHERE state = 'exhausted'", 0).await;
    // Seven have been due for longer than 75 hours and 35 minutes, thirteen for a little less.
    stage
        .meanwhile(
            "UPDATE deliveries SET due_at = now() - CASE WHEN place <= 7 THEN interval '76 h' ELSE interval '75 h' END
            FROM (SELECT delivery_id AS id, row_number() OVER (ORDER BY delivery_id) AS place FROM deliveries
                WHERE state = 'waiting') AS waiting
            WHERE delivery_id = waiting.id",
        )
        .await;
    stage.meanwhile("UPDATE endpoint_conditions SET failed_probes = 912").await;
    somebody_else_is_told(&stage, well, 1).await;
    stage.rows("deliveries WHERE state = 'exhausted' AND ended_at IS NOT NULL AND due_at IS NULL", 7).await;
    stage.rows("deliveries WHERE state = 'waiting'", 13).await;
    assert_eq!(stage.count(&attempts).await, made, "without a call");
    let said = stage.said_count::<DeliveryOutcome>(7).await;
    assert!(said.iter().any(|fact| fact.result() == DeliveryResult::Exhausted), "{said:?}");
    metric("payout_deliveries_exhausted_total", |exhausted| exhausted == 7).await;
    // Nobody is given up who answers, however long it has waited.
    stage.publisher.answer("/cb", [Answer::status(200)]);
    time_is_up(&stage).await;
    stage.rows(&format!("deliveries WHERE tenant_id = '{}' AND state = 'delivered'", down.0), 13).await;
    stage.strike().await;
}
