//! An endpoint that moves to another URL is another receiver: what the old one still answers says nothing of it.

use std::time::Duration;

use rstest::rstest;
use test_kit::{Answer, eventually};

use crate::{
    facts::Tenant,
    stage::{SOON, Stage},
};

/// Longer than it takes to say that an endpoint has moved.
const MEANWHILE: Duration = Duration::from_secs(3);

/// So many tellings are under way to the old URL, which will answer so, when the endpoint moves to `/new`.
async fn moved(tellings: u8, answer: u16) -> (Stage, Tenant) {
    let stage = Stage::with(1, |settings| settings.delivery.per_publisher = 16).await;
    let tenant = Tenant::new(1);
    stage.introduce(tenant).await;
    stage.publisher.answer("/cb", [Answer::status(answer).after(MEANWHILE)]);
    stage.say_verdicts((0..tellings).map(|click| tenant.qualified(tenant.verdict(click)))).await;
    eventually("all of them are under way", SOON, async || {
        let heard = stage.publisher.deliveries_to("/cb").len();
        if heard == usize::from(tellings) { Ok(()) } else { Err(heard) }
    })
    .await;
    let endpoint = tenant.endpoint(format!("{}/new?id={{conversion_id}}", stage.publisher.url()));
    stage.say_catalog([tenant.publisher(2, vec![endpoint])]).await;
    (stage, tenant)
}

#[rstest]
#[case::that_it_is_down(503)]
#[case::that_it_is_gone(410)]
#[tokio::test]
async fn what_an_old_url_answers_is_not_held_against_the_new_one(#[case] answer: u16) {
    let (stage, tenant) = moved(10, answer).await;
    stage.rows(&format!("delivery_attempts WHERE http_status = {answer}"), 10).await;
    stage.rows("endpoint_conditions WHERE starts = 1", 1).await;
    stage.rows("endpoint_conditions WHERE failures > 0 OR gone > 0", 0).await;
    stage.rows("endpoint_conditions WHERE open_until IS NOT NULL OR paused_at IS NOT NULL", 0).await;
    stage.say_verdicts([tenant.qualified(tenant.verdict(99))]).await;
    stage.rows("deliveries WHERE state = 'delivered'", 1).await;
    assert_eq!(stage.publisher.deliveries_to("/new").len(), 1);
    stage.strike().await;
}

#[tokio::test]
async fn nor_does_an_old_url_that_is_well_speak_for_the_new_one() {
    let (stage, tenant) = moved(1, 200).await;
    stage.publisher.answer("/new", [Answer::status(503)]);
    stage.say_verdicts((1..11).map(|click| tenant.qualified(tenant.verdict(click)))).await;
    stage.rows("endpoint_conditions WHERE open_until IS NOT NULL", 1).await;
    stage.meanwhile("UPDATE endpoint_conditions SET open_until = now() + interval '1 hour'").await;
    stage.rows("deliveries WHERE state = 'delivered'", 1).await;
    stage.rows("endpoint_conditions WHERE open_until IS NOT NULL", 1).await;
    stage.strike().await;
}
