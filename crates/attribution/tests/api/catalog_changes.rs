//! The catalog changes under journeys that are under way.

use postgres_kit::Grants;

use crate::{
    facts::{START, Tenant, seconds},
    stage::{Stage, unreadable, verdict},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_repaired_mapping_decides_every_quarantined_postback_by_itself() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_clicks((0..10).map(|number| tenant.click(number))).await;
    stage.say_postbacks((0..10).map(|number| tenant.postback(number, "level_20", 10))).await;
    stage.coded("UNMAPPED_EVENT", 10).await;
    stage.say_catalog([tenant.offer_version(2, &["level_20"])]).await;
    stage.coded("QUALIFIED", 10).await;
    stage.rows("SELECT count(*) AS count FROM rejudgements", 0).await;
    let said = stage.said_count(10).await;
    assert!(said.iter().all(|item| verdict(item).terms_version == 2), "the terms of its introduction");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_generation_is_caught_by_the_time_of_receipt() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_clicks([tenant.click(1), tenant.click(2)]).await;
    stage.say_catalog([tenant.credential(3, Some(*START + seconds(100)))]).await;
    // An older word that comes late changes nothing.
    stage.say_catalog([tenant.credential(2, None)]).await;
    stage.rows("SELECT count(*) AS count FROM credentials WHERE version = 3", 1).await;
    stage.say_postbacks([tenant.postback(1, "Install", 99), tenant.postback(2, "Install", 100)]).await;
    stage.coded("QUALIFIED", 1).await;
    stage.coded("REJECTED_CREDENTIAL", 1).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_republished_version_repairs_its_row_and_what_waited_is_decided() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.meddle(r"UPDATE offer_versions SET fact = '\xff'").await;
    stage.say_clicks([tenant.click(1)]).await;
    stage.say_postbacks([tenant.postback(1, "Install", 10)]).await;
    stage.coded("WAITING_TERMS", 1).await;
    stage.say_catalog([tenant.offer_version(1, &[])]).await;
    stage.coded("QUALIFIED", 1).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journey_that_can_not_be_judged_again_is_passed_over() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_clicks((0..10).map(|number| tenant.click(number))).await;
    stage.say_postbacks((0..10).map(|number| tenant.postback(number, "level_20", 10))).await;
    stage.coded("UNMAPPED_EVENT", 10).await;
    stage.meddle(&unreadable(&tenant, 4)).await;
    stage.say_catalog([tenant.offer_version(2, &["level_20"])]).await;
    stage.coded("QUALIFIED", 9).await;
    stage.rows("SELECT count(*) AS count FROM rejudgements", 0).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_go_up_down_and_up_again() {
    let database = test_kit::empty_database("attribution").await;
    let settings = database.settings();
    for _ in 0..2 {
        postgres_kit::migrate(&settings, attribution::MIGRATIONS, Grants::default()).await.unwrap();
        postgres_kit::migrate::revert(&settings, attribution::MIGRATIONS).await.unwrap();
    }
}
