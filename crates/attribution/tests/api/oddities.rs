//! What should not come and does.

use contracts::{envelope::Envelope, payout::PersonDecision};

use crate::{
    facts::{INSTALL, Tenant},
    stage::{Stage, unreadable, verdict},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_poisonous_item_is_buried_and_its_neighbours_are_decided() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_clicks([tenant.click(1)]).await;
    let poison = Envelope { body: vec![0xff; 40].into(), ..tenant.postback(1, "Install", 10) };
    stage
        .say_postbacks([tenant.postback(1, "Install", 10), poison, tenant.postback(1, "af_purchase", 20)])
        .await;
    stage.rows("SELECT count(*) AS count FROM dead_items WHERE consumer = 'attribution.postbacks'", 1).await;
    stage.coded("QUALIFIED", 2).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_value_is_too_odd() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_clicks([tenant.click(1)]).await;
    let click = tenant.click_id(1);
    let long = "x".repeat(20_000);
    let postbacks = [
        tenant
            .received(&format!("gk_click_id={click}&cnv_event_id=%00&cnv_sub_1=%00%ff&cnv_email=a%00b"), 10),
        tenant.received(&format!("gk_click_id={click}&cnv_event_id={long}&cnv_conversion_id={long}"), 20),
        tenant.received("gk_click_id=%00", 30),
        tenant.received("gk_click_id=[click_id]&media_source=organic", 40),
        tenant.received("event_time=2026-11-22%2011:00:00", 50),
        tenant.received("", 60),
    ];
    stage.say_postbacks(postbacks).await;
    stage.coded("UNMAPPED_EVENT", 2).await;
    stage.coded("UNATTRIBUTED_NO_CLICK", 2).await;
    stage.coded("UNATTRIBUTED_ORGANIC", 1).await;
    stage.coded("UNATTRIBUTED_PRIVACY", 1).await;
    assert_eq!(stage.count("SELECT count(*) AS count FROM dead_items").await, 0);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_of_two_different_clicks_with_one_id_stays() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_clicks([tenant.click(1)]).await;
    stage.rows("SELECT count(*) AS count FROM journeys WHERE click IS NOT NULL", 1).await;
    let mut other = tenant.click_fact(1);
    other.offer_version = 9;
    let stamp = contracts::Stamp {
        fact_id: kernel::FactId::from_uuid(uuid::Uuid::from_u128(77)),
        tenant: Some(tenant.id),
        recorded_at: kernel::Timestamp::from_micros(0),
        traceparent: String::new(),
        tracestate: String::new(),
    };
    stage.say_clicks([contracts::seal(stamp, &other)]).await;
    stage.rows("SELECT count(*) AS count FROM inbox WHERE consumer = 'attribution.clicks'", 2).await;
    stage.say_postbacks([tenant.postback(1, "Install", 10)]).await;
    stage.coded("QUALIFIED", 1).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_with_too_many_postbacks_takes_no_more() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_clicks([tenant.click(1), tenant.click(2)]).await;
    stage.say_postbacks([tenant.postback(1, "mystery", 10)]).await;
    stage.coded("UNMAPPED_EVENT", 1).await;
    stage
        .meddle(
            "INSERT INTO journey_postbacks SELECT tenant_id, click_id, gen_random_uuid(), received_at, credential_id,
                credential_generation, claims, settled_fit, settled_calendar, code, revision, traceparent, tracestate
            FROM journey_postbacks, generate_series(1, 1998)",
        )
        .await;
    // There is room for one more. Which one comes first is not said: a delivery may be cut into batches anywhere.
    let postbacks = [
        tenant.postback(1, "Install", 40),
        tenant.postback(1, "Install", 20),
        tenant.postback(1, "Install", 30),
        tenant.postback(2, "Install", 20),
    ];
    stage.say_postbacks(postbacks).await;
    stage.rows("SELECT count(*) AS count FROM dead_items WHERE reason LIKE '%2000 postbacks%'", 2).await;
    stage.coded("QUALIFIED", 2).await;
    stage.rows("SELECT count(*) AS count FROM postbacks", 5).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journey_that_can_not_be_read_holds_up_nobody_and_loses_nothing() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_clicks([tenant.click(1), tenant.click(2)]).await;
    stage.say_postbacks([tenant.postback(1, "mystery", 10)]).await;
    stage.coded("UNMAPPED_EVENT", 1).await;
    stage.meddle(&unreadable(&tenant, 1)).await;
    // Nothing but the bad journey's, more than the bus believes of three in a row; then its neighbour's.
    stage.say_postbacks((20..26).map(|after| tenant.postback(1, "Install", after))).await;
    stage.say_payout([tenant.decided(1, INSTALL, PersonDecision::Reject, 40)]).await;
    stage.say_postbacks([tenant.postback(2, "Install", 30)]).await;
    stage.coded("QUALIFIED", 1).await;
    stage
        .rows("SELECT count(*) AS count FROM dead_items WHERE reason LIKE 'a stored row can not be read%'", 7)
        .await;
    // Tried again and again, and put aside again, while it can not be read.
    stage.rows("SELECT least(min(burials), 2)::bigint AS count FROM dead_items", 2).await;
    stage
        .meddle("UPDATE journey_postbacks SET code = 'UNMAPPED_EVENT' WHERE code = 'OF_A_LATER_RELEASE'")
        .await;
    stage.coded("DUPLICATE", 5).await;
    let said = stage.said_count(2).await;
    assert!(said.len() <= 3, "the rejection and the first install came together or one after the other");
    stage
        .rows("SELECT count(*) AS count FROM conversions WHERE verdict ->> 'code' = 'REJECTED_BY_PERSON'", 1)
        .await;
    stage.rows("SELECT count(*) AS count FROM dead_items WHERE replayed_at IS NULL", 0).await;
    assert!(stage.said().iter().all(|item| verdict(item).revision <= 2));
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_buried_is_handled_once_after_the_command() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_clicks([tenant.click(1)]).await;
    let good = tenant.postback(1, "Install", 10);
    // Buried by a release that could not handle it; this one can.
    let pool = postgres_kit::pool(&stage.database.settings()).expect("a pool");
    postgres_kit::dead_items::bury_one(&pool, "attribution.postbacks", &good, "of an older release")
        .await
        .expect("buried");
    for _ in 0..2 {
        let command =
            stage.command(["dead-items", "replay", "--consumer", "attribution.postbacks", "--again"]);
        command.await.expect("replayed");
    }
    stage.coded("QUALIFIED", 1).await;
    stage.said_count(1).await;
    stage.rows("SELECT count(*) AS count FROM outbox", 0).await;
    stage
        .rows("SELECT count(*) AS count FROM dead_items WHERE replayed_at IS NOT NULL AND burials = 1", 1)
        .await;
    assert_eq!(stage.count("SELECT count(*) AS count FROM postbacks").await, 1);
    assert_eq!(stage.said().len(), 1);
    stage.strike().await;
}
