//! What should not happen, and does.

use std::ops::Range;

use contracts::{
    attribution::{ConversionVerdict, Verdict},
    common::{MoneyTerms, RevenueTerms, revenue_terms},
};
use payout::Payout;
use process::Service as _;

use crate::{
    facts::{Tenant, terms},
    stage::Stage,
};

#[tokio::test]
async fn a_poison_verdict_is_buried_alone() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    let no_terms = ConversionVerdict { terms: None, ..brownboots.verdict(50) };
    let no_word = ConversionVerdict { verdict: 99, ..brownboots.verdict(51) };
    let negative = MoneyTerms {
        revenue: Some(RevenueTerms { model: Some(revenue_terms::Model::FlatMicros(-1)) }),
        ..terms(0)
    };
    let negative = ConversionVerdict { terms: Some(negative), ..brownboots.verdict(52) };
    let foreign = ConversionVerdict { tenant_id: Tenant::new(2).0.to_vec(), ..brownboots.verdict(53) };
    let poison = [no_terms, no_word, negative, foreign].map(|verdict| brownboots.qualified(verdict));
    let good = |clicks: Range<u8>| clicks.map(|click| brownboots.qualified(brownboots.verdict(click)));
    // Good ones after them as well: four refusals with nothing after them would be taken for a bad day and wait.
    stage.say_verdicts(good(0..10).chain(poison).chain(good(10..20))).await;
    stage.told(20).await;
    stage
        .rows("dead_items WHERE consumer = 'payout.conversions' AND reason LIKE '%field verdict.%'", 4)
        .await;
    stage.rows("conversions", 20).await;
    stage.strike().await;
}

#[tokio::test]
async fn what_was_never_reached_is_no_conversion() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    let unreached = ConversionVerdict {
        revision: 2,
        verdict: Verdict::Vetoed.into(),
        reached: false,
        ..brownboots.verdict(1)
    };
    stage.say_verdicts([brownboots.qualified(unreached)]).await;
    stage.rows("conversions WHERE status = 'unreached' AND verdict_revision = 2", 1).await;
    // An older word does not make it one; a newer one does.
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    let newer = ConversionVerdict { revision: 3, ..brownboots.verdict(1) };
    stage.say_verdicts([brownboots.qualified(newer)]).await;
    stage.told(1).await;
    stage.rows("conversion_history", 1).await;
    stage.strike().await;
}

#[tokio::test]
async fn an_endpoint_that_is_switched_off_hears_no_more() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    stage.publisher.answer("/cb", [test_kit::Answer::status(500)]);
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    stage.rows("deliveries WHERE attempts = 1 AND lease IS NULL", 1).await;
    stage.say_catalog([brownboots.publisher(2, vec![])]).await;
    stage.pause_ends().await;
    stage.rows("deliveries WHERE state = 'stopped'", 1).await;
    assert_eq!(stage.publisher.deliveries().len(), 1);
    // An older version does not bring it back.
    let older = brownboots.publisher(1, vec![brownboots.endpoint(stage.template())]);
    stage.say_stale(older, brownboots.changed(9, &[])).await;
    stage.rows("postback_endpoints WHERE active", 0).await;
    stage.strike().await;
}

#[tokio::test]
async fn every_migration_can_be_taken_back_and_run_again() {
    let database = test_kit::empty_database("payout").await;
    payout::migrate(database.settings()).await.unwrap();
    payout::migrate(database.settings()).await.unwrap();
    payout::revert(database.settings()).await.unwrap();
    payout::migrate(database.settings()).await.unwrap();
}

#[test]
fn the_defaults_lack_only_what_has_no_default() {
    let source =
        settings::Source { defaults: Payout::DEFAULTS, env_prefix: "PAYOUT_TEST_NOTHING", file: None };
    let problems = settings::load::<payout::Settings>(&source).unwrap_err().to_string();
    for key in ["database.url", "bus.url", "auth.token_pepper", "sealing.keys"] {
        assert!(problems.contains(key), "{key}: {problems}");
    }
    assert_eq!(problems.lines().filter(|line| line.starts_with("  ")).count(), 4, "{problems}");
}

#[tokio::test]
async fn a_publisher_whose_fact_comes_late_is_told_all_the_same() {
    let stage = Stage::set().await;
    let (brownboots, silent) = (Tenant::new(1), Tenant::new(2));
    // Known, and wants to hear nothing: nothing is written down for it.
    let offers = [silent, brownboots].map(|tenant| tenant.envelope(&tenant.offer(1)));
    stage.say_catalog(offers).await;
    stage.say_catalog([silent.publisher(1, Vec::new())]).await;
    stage
        .say_verdicts([silent.qualified(silent.verdict(1)), brownboots.qualified(brownboots.verdict(1))])
        .await;
    stage.rows("conversions WHERE status = 'success'", 2).await;
    stage.rows("untold", 1).await;

    let endpoint = brownboots.endpoint(stage.template());
    stage.say_catalog([brownboots.publisher(1, vec![endpoint])]).await;
    let heard = stage.told(1).await;
    assert_eq!(heard[0].param("s").as_deref(), Some("Success"));
    stage.rows("untold", 0).await;
    stage.rows("deliveries WHERE state = 'delivered'", 1).await;
    stage.strike().await;
}

#[tokio::test]
async fn an_equal_version_of_a_publisher_repairs_what_is_known_of_it() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    stage.meanwhile("UPDATE postback_endpoints SET active = false").await;
    let endpoint = brownboots.endpoint(stage.template());
    stage.say_stale(brownboots.publisher(1, vec![endpoint]), brownboots.changed(2, &[])).await;
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    stage.told(1).await;
    stage.strike().await;
}
