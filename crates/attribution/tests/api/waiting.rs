//! What waits is expired by its time, and lifted all the same by what was received in time.

use contracts::{attribution::ConversionQualified, envelope::Envelope, open};
use test_kit::eventually;

use crate::{
    facts::{Tenant, receipt},
    stage::{SOON, Stage, unreadable},
};

const HOUR: i64 = 3_600;
const DAYS_AGO: i64 = -20 * 24 * HOUR;

#[tokio::test(flavor = "multi_thread")]
async fn a_sequence_that_waited_long_enough_is_rejected_and_lifted_by_what_came_in_time() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_first_click(tenant.click(1)).await;
    let level = tenant.postback(1, "level_10", DAYS_AGO);
    stage.say_postbacks([level.clone()]).await;
    stage.coded("REJECTED_SEQUENCE", 1).await;
    stage.say_postbacks([tenant.postback(1, "Install", DAYS_AGO + 71 * HOUR)]).await;
    stage.coded("QUALIFIED", 2).await;
    stage.say_catalog([tenant.token("gkt_analyst")]).await;
    stage.rows("SELECT count(*) AS count FROM api_tokens", 1).await;
    let (status, body) =
        stage.get(&format!("/api/v1/postbacks/{}", receipt(&level)), Some("gkt_analyst")).await;
    assert_eq!(status, 200, "{body}");
    let codes: Vec<_> =
        body["earlierDecisions"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect();
    assert_eq!(codes, ["REJECTED_SEQUENCE", "WAITING_SEQUENCE"]);
    assert_eq!(body["decision"]["revision"], 3);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clicks_that_never_come_end_in_unknown_and_more_than_one_step_is_swept() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    let postbacks: Vec<_> = (0..10).map(|number| tenant.postback(number, "Install", DAYS_AGO)).collect();
    stage.say_postbacks(postbacks).await;
    stage.coded("UNATTRIBUTED_UNKNOWN_CLICK", 10).await;
    stage.rows("SELECT count(*) AS count FROM journeys WHERE wait_until IS NOT NULL", 0).await;
    stage.say_clicks([tenant.click(3)]).await;
    stage.coded("QUALIFIED", 1).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journey_that_can_not_be_judged_is_put_off_and_the_others_are_swept() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_postbacks((0..8).map(|number| tenant.postback(number, "Install", 10))).await;
    stage.coded("WAITING_CLICK", 8).await;
    stage.meddle(&unreadable(&tenant, 5)).await;
    stage.meddle("UPDATE journeys SET wait_until = now() - interval '1 day'").await;
    // Judged: they wait for the rest of their seven days. Put off: for an hour.
    let waiting = |least: &str| {
        format!("SELECT count(*) AS count FROM journeys WHERE wait_until > now() + interval '{least}'")
    };
    stage.rows(&waiting("2 days"), 7).await;
    stage.rows(&waiting("50 minutes"), 8).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_expired_while_another_replica_reads_late() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.meddle("INSERT INTO replicas VALUES (gen_random_uuid(), true, now())").await;
    a_round_goes_by(&stage).await;
    stage.say_postbacks([tenant.postback(1, "Install", DAYS_AGO)]).await;
    stage.coded("WAITING_CLICK", 1).await;
    a_round_goes_by(&stage).await;
    a_round_goes_by(&stage).await;
    assert_eq!(stage.count("SELECT count(*) AS count FROM decisions WHERE revision > 1").await, 0);
    stage.meddle("UPDATE replicas SET lags = false").await;
    stage.coded("UNATTRIBUTED_UNKNOWN_CLICK", 1).await;
    stage.strike().await;
}

/// Payout releases nothing by time while this word stays away.
#[tokio::test(flavor = "multi_thread")]
async fn that_input_is_read_is_said_again_and_again_and_not_while_a_replica_reads_late() {
    let stage = Stage::set().await;
    let says_so_after = async |mark: i64| {
        eventually("attribution says that its input is read", SOON, async || {
            stage.heard().into_iter().find(|until| *until > mark).ok_or("not yet")
        })
        .await
    };
    let first = says_so_after(0).await;
    says_so_after(first).await;

    stage.meddle("INSERT INTO replicas VALUES (gen_random_uuid(), true, now())").await;
    a_round_goes_by(&stage).await;
    let now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS count";
    let known = stage.count(now).await;
    a_round_goes_by(&stage).await;
    a_round_goes_by(&stage).await;
    let over = stage.count(now).await;
    stage.meddle("UPDATE replicas SET lags = false").await;
    says_so_after(over).await;
    let between = stage.heard().into_iter().filter(|until| (known..over).contains(until));
    assert_eq!(between.count(), 0, "it knew that the other one reads late");
    stage.strike().await;
}

/// The service compares itself with the lagging one once more.
async fn a_round_goes_by(stage: &Stage) {
    stage.meddle("UPDATE replicas SET seen_at = now() WHERE lags").await;
    let later = "SELECT count(*) AS count FROM replicas AS own JOIN replicas AS other ON other.lags
        WHERE NOT own.lags AND own.seen_at > other.seen_at";
    stage.rows(later, 1).await;
}

/// What a reader needs to know whether a veto may still be on its way.
#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_says_how_old_the_input_was_that_led_to_it() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_first_click(tenant.click(1)).await;
    let (level, install) = (tenant.postback(1, "level_10", -HOUR), tenant.postback(1, "Install", -600));
    stage.say_postbacks([level]).await;
    stage.coded("WAITING_SEQUENCE", 1).await;
    stage.say_postbacks([install.clone()]).await;
    let oldest =
        |said: &Envelope| open::<ConversionQualified>(said).unwrap().verdict.unwrap().oldest_input_at_micros;
    // The level waited for an hour, rightly; nothing was read late but the Install.
    let said = stage.said_count(2).await;
    let expected = Some(install.recorded_at_micros);
    assert_eq!(said.iter().map(oldest).collect::<Vec<_>>(), [expected, expected]);

    stage.say_postbacks([tenant.postback(2, "Install", -600)]).await;
    stage.coded("WAITING_CLICK", 1).await;
    stage.say_clicks([tenant.click(2)]).await;
    let said = stage.said_count(3).await;
    assert_eq!(said.last().map(oldest), Some(None), "a click led to it");
    stage.strike().await;
}
