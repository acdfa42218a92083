//! A publisher that does not take it, for a while or for good.

use std::time::Duration;

use contracts::{
    attribution::ConversionVerdict,
    catalog::ConversionStatus,
    payout::{DeliveryOutcome, DeliveryResult},
};
use test_kit::Answer;

use crate::{
    facts::{Tenant, terms},
    stage::Stage,
};

#[tokio::test]
async fn a_failed_postback_is_sent_again_under_the_same_name() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    let answers = [
        Answer::status(500).body("not\0 now"),
        Answer::status(301).header("location", "http://127.0.0.1/elsewhere"),
        Answer::status(200),
    ];
    stage.publisher.answer("/cb", answers);
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    stage.told(1).await;
    stage.pause_ends().await;
    stage.told(2).await;
    stage.pause_ends().await;
    let heard = stage.told(3).await;
    let outcome = stage.said_count::<DeliveryOutcome>(1).await;

    assert_eq!((outcome[0].result(), outcome[0].attempts), (DeliveryResult::Delivered, 3));
    let ids: Vec<_> = heard.iter().map(|postback| postback.header("webhook-id").unwrap()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(heard.len(), 3, "the redirect was not followed");
    stage.rows("delivery_attempts WHERE http_status = 500 AND response = 'not\u{fffd} now'", 1).await;
    // The second delay of the schedule: 5 min ± 20 %.
    stage
        .rows(
            "delivery_attempts WHERE number = 2 AND next_due_at - started_at BETWEEN '239 s' AND '375 s'",
            1,
        )
        .await;
    // What the log shows of the request has no value in it.
    stage.rows("delivery_attempts WHERE request LIKE '%?c=…&m=…&s=…&p=…&id=…'", 3).await;
    stage.strike().await;
}

#[tokio::test]
async fn ten_failures_exhaust_a_delivery_and_410_stops_it() {
    let stage = Stage::set().await;
    let (brownboots, other) = (Tenant::new(1), Tenant::new(2));
    stage.introduce(brownboots).await;
    stage.publisher.answer("/cb", [Answer::status(503).header("retry-after", "999999999")]);
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    for attempts in 1..10 {
        stage.rows(&format!("deliveries WHERE attempts = {attempts} AND lease IS NULL"), 1).await;
        stage.pause_ends().await;
    }
    let outcome = stage.said_count::<DeliveryOutcome>(1).await;
    assert_eq!((outcome[0].result(), outcome[0].attempts), (DeliveryResult::Exhausted, 10));
    assert_eq!(stage.publisher.deliveries().len(), 10);

    let endpoint = other.endpoint(format!("{}/gone?id={{conversion_id}}", stage.publisher.url()));
    stage.say_catalog([other.envelope(&other.offer(1)), other.publisher(1, vec![endpoint])]).await;
    stage.publisher.answer("/gone", [Answer::status(410)]);
    stage.say_verdicts([other.qualified(other.verdict(1))]).await;
    let outcome = stage.said_count::<DeliveryOutcome>(2).await;
    assert_eq!((outcome[1].result(), outcome[1].attempts), (DeliveryResult::Stopped, 1));
    assert_eq!(outcome[1].stop_reason, "410");
    stage.strike().await;
}

#[tokio::test]
async fn a_newer_status_replaces_one_that_could_not_be_told() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    let mut curious = brownboots.endpoint(stage.template());
    curious.statuses = [ConversionStatus::Pending, ConversionStatus::Success].map(Into::into).to_vec();
    stage
        .say_catalog([brownboots.envelope(&brownboots.offer(1)), brownboots.publisher(1, vec![curious])])
        .await;
    stage.publisher.answer("/cb", [Answer::status(500), Answer::status(200)]);
    let held = ConversionVerdict { terms: Some(terms(3)), ..brownboots.verdict(1) };
    stage.say_verdicts([brownboots.qualified(held)]).await;
    stage.rows("deliveries WHERE told = 'pending' AND attempts = 1", 1).await;
    stage.holds_end().await;

    let heard = stage.told(2).await;
    let statuses: Vec<_> = heard.iter().filter_map(|postback| postback.param("s")).collect();
    assert_eq!(statuses, ["Pending", "Success"]);
    stage.rows("deliveries WHERE told = 'pending' AND state = 'superseded' AND superseded_by = 2", 1).await;
    stage.rows("deliveries WHERE told = 'success' AND state = 'delivered'", 1).await;
    let outcomes = stage.said_count::<DeliveryOutcome>(2).await;
    let mut results: Vec<_> = outcomes.iter().map(DeliveryOutcome::result).collect();
    results.sort_unstable();
    assert_eq!(results, [DeliveryResult::Delivered, DeliveryResult::Superseded]);
    stage.strike().await;
}

#[tokio::test]
async fn a_publisher_never_hears_the_newer_status_before_the_older_one_is_over() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    let mut curious = brownboots.endpoint(stage.template());
    curious.statuses = [ConversionStatus::Pending, ConversionStatus::Rejected].map(Into::into).to_vec();
    stage
        .say_catalog([brownboots.envelope(&brownboots.offer(1)), brownboots.publisher(1, vec![curious])])
        .await;
    // The older one is on its way for a second, while the newer one is decided.
    stage.publisher.answer("/cb", [Answer::status(200).after(Duration::from_secs(1)), Answer::status(200)]);
    let held = ConversionVerdict { terms: Some(terms(3)), ..brownboots.verdict(1) };
    stage.say_verdicts([brownboots.qualified(held.clone())]).await;
    stage.told(1).await;
    stage.say_verdicts([brownboots.vetoed(&held)]).await;
    stage.rows("deliveries WHERE told = 'rejected'", 1).await;
    assert_eq!(stage.publisher.deliveries().len(), 1, "waits for the first to be over");

    let heard = stage.told(2).await;
    assert_eq!(heard[1].param("s").as_deref(), Some("Rejected"));
    assert!(heard[1].at.duration_since(heard[0].at).unwrap() >= Duration::from_millis(900));
    stage.rows("deliveries WHERE state = 'delivered'", 2).await;
    stage.strike().await;
}

#[tokio::test]
async fn a_publisher_that_never_answers_holds_up_nobody_else() {
    let stage = Stage::with(1, |settings| {
        settings.delivery.in_flight = 12;
        settings.delivery.per_publisher = 4;
    })
    .await;
    let (slow, quick) = (Tenant::new(1), Tenant::new(2));
    let endpoint = slow.endpoint(format!("{}/slow?id={{conversion_id}}", stage.publisher.url()));
    stage.say_catalog([slow.envelope(&slow.offer(1)), slow.publisher(1, vec![endpoint])]).await;
    let endpoint = quick.endpoint(format!("{}/quick?id={{conversion_id}}", stage.publisher.url()));
    stage.say_catalog([quick.envelope(&quick.offer(1)), quick.publisher(1, vec![endpoint])]).await;
    stage.publisher.answer("/slow", [Answer::status(200).after(Duration::from_hours(1))]);

    stage.say_verdicts((0..40).map(|click| slow.qualified(slow.verdict(click)))).await;
    stage.rows("deliveries WHERE lease IS NOT NULL", 4).await;
    stage.say_verdicts((0..40).map(|click| quick.qualified(quick.verdict(click)))).await;
    stage.rows("deliveries WHERE state = 'delivered'", 40).await;
    assert_eq!(stage.publisher.deliveries_to("/slow").len(), 4, "no more than its own share");
}

#[tokio::test]
async fn an_attempt_whose_process_died_is_made_again_by_another() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    stage.publisher.answer("/cb", [Answer::status(500), Answer::status(200)]);
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    stage.rows("deliveries WHERE attempts = 1 AND lease IS NULL", 1).await;
    // As if a process had claimed it, sent it, and died: its lease is over.
    stage
        .meanwhile("UPDATE deliveries SET lease = gen_random_uuid(), leased_until = now(), due_at = now()")
        .await;
    stage.told(2).await;
    stage.rows("deliveries WHERE state = 'delivered' AND attempts = 2", 1).await;
    stage.strike().await;
}

/// A lease is written into its row's own page, and into no index.
#[tokio::test]
async fn no_index_holds_what_a_lease_changes() {
    let stage = Stage::set().await;
    let indexes = "pg_indexes WHERE tablename = 'deliveries'";
    assert_eq!(stage.count(&format!("SELECT count(*) AS count FROM {indexes}")).await, 5);
    assert_eq!(
        stage.count(&format!("SELECT count(*) AS count FROM {indexes} AND indexdef LIKE '%lease%'")).await,
        0
    );
}

#[tokio::test]
async fn the_newest_of_three_statuses_waits_for_the_first_that_is_still_under_way() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    let mut curious = brownboots.endpoint(stage.template());
    curious.statuses = [ConversionStatus::Pending, ConversionStatus::Rejected].map(Into::into).to_vec();
    stage
        .say_catalog([brownboots.envelope(&brownboots.offer(1)), brownboots.publisher(1, vec![curious])])
        .await;
    stage.publisher.answer("/cb", [Answer::status(200).after(Duration::from_secs(4)), Answer::status(200)]);
    let held = ConversionVerdict { terms: Some(terms(3)), ..brownboots.verdict(1) };
    stage.say_verdicts([brownboots.qualified(held.clone())]).await;
    stage.told(1).await;
    stage.say_verdicts([brownboots.vetoed(&held)]).await;
    stage.rows("deliveries WHERE status_revision = 2 AND state = 'waiting' AND lease IS NULL", 1).await;
    stage.say_verdicts([brownboots.qualified(ConversionVerdict { revision: 3, ..held })]).await;
    stage.rows("deliveries WHERE status_revision = 3", 1).await;

    let heard = stage.told(2).await;
    let statuses: Vec<_> = heard.iter().filter_map(|postback| postback.param("s")).collect();
    assert_eq!(statuses, ["Pending", "Pending"]);
    assert!(heard[1].at.duration_since(heard[0].at).unwrap() >= Duration::from_millis(3_900));
    stage.rows("deliveries WHERE status_revision = 2 AND state = 'superseded' AND attempts = 0", 1).await;
    stage.rows("deliveries WHERE state = 'delivered'", 2).await;
    // Superseded on its way and delivered after all: two ends of one delivery, the second is the newer word.
    let outcomes = stage.said_count::<DeliveryOutcome>(4).await;
    let mut first: Vec<_> = outcomes.iter().filter(|outcome| outcome.status_revision == 1).collect();
    first.sort_by_key(|outcome| outcome.version);
    let ends: Vec<_> = first.iter().map(|outcome| (outcome.version, outcome.result())).collect();
    assert_eq!(ends, [(1, DeliveryResult::Superseded), (2, DeliveryResult::Delivered)]);
    stage.strike().await;
}

#[tokio::test]
async fn a_delivery_that_can_not_be_read_holds_up_nobody_else() {
    let stage = Stage::set().await;
    let (broken, other) = (Tenant::new(1), Tenant::new(2));
    stage.introduce(broken).await;
    stage.introduce(other).await;
    stage.meanwhile("ALTER TABLE postback_endpoints DROP CONSTRAINT postback_endpoints_method_check").await;
    let switch = |method| {
        format!("UPDATE postback_endpoints SET method = '{method}' WHERE tenant_id = '{}'", broken.0)
    };
    stage.meanwhile(&switch("smoke")).await;
    stage.say_verdicts([broken.qualified(broken.verdict(1))]).await;
    stage.rows("delivery_attempts WHERE failure LIKE '%method%smoke%'", 1).await;
    stage.say_verdicts([other.qualified(other.verdict(1))]).await;
    stage.told(1).await;

    stage.meanwhile(&switch("get")).await;
    stage.pause_ends().await;
    stage.told(2).await;
    stage.rows("deliveries WHERE state = 'delivered'", 2).await;
    stage.strike().await;
}

#[tokio::test]
async fn an_attempt_that_panics_is_a_failed_one_and_keeps_no_slot() {
    fail::cfg("payout::attempting", "1*panic->off").unwrap();
    let stage = Stage::with(1, |settings| {
        settings.delivery.in_flight = 1;
        settings.delivery.per_publisher = 1;
    })
    .await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    stage.rows("delivery_attempts WHERE failure LIKE '%panicked'", 1).await;
    stage.pause_ends().await;
    stage.told(1).await;
    stage.rows("deliveries WHERE state = 'delivered' AND attempts = 2", 1).await;
    stage.strike().await;
}

#[tokio::test]
async fn an_attempt_that_would_outlive_its_lease_is_not_made_but_taken_again() {
    let stage = Stage::with(1, |settings| {
        settings.client.connect_timeout_ms = 1_000;
        settings.client.total_timeout_ms = 1_000;
        settings.delivery.lease_seconds = 6;
    })
    .await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    // The whole process stands still for longer than an attempt may wait, after the claim and before the call.
    fail::cfg("payout::attempting", "1*sleep(5500)->off").unwrap();
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    stage.told(1).await;
    stage.rows("deliveries WHERE state = 'delivered' AND attempts = 1", 1).await;
    let text = telemetry::prometheus_text();
    let late =
        text.lines().find(|line| line.starts_with("payout_delivery_attempts") && line.contains("too_late"));
    assert!(late.is_some_and(|line| line.ends_with(" 1")), "{text}");
    stage.strike().await;
}
