//! Clicks and postbacks, in every order, once and more often.

use contracts::{Fact as _, attribution::ConversionQualified};

use crate::{
    facts::{Tenant, receipt, trace_id},
    stage::{Stage, verdict},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_out_of_order_and_twice() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_first_click(tenant.click(1)).await;
    let level = tenant.postback(1, "level_10", 10);
    stage.say_postbacks([level.clone()]).await;
    stage.coded("WAITING_SEQUENCE", 1).await;
    let install = tenant.postback(1, "Install", 20);
    let purchase = tenant.received(
        &format!(
            "gk_click_id={}&cnv_event_id=af_purchase&cnv_amount=4.99&cnv_currency=USD",
            tenant.click_id(1)
        ),
        30,
    );
    let rest = [
        install.clone(),
        tenant.postback(1, "Install", 25),
        purchase.clone(),
        tenant.postback(1, "mystery", 40),
    ];
    stage.say_postbacks(rest.clone()).await;
    stage.coded("QUALIFIED", 3).await;
    stage.coded("DUPLICATE", 1).await;
    stage.coded("UNMAPPED_EVENT", 1).await;

    let said = stage.said_count(3).await;
    assert!(said.iter().all(|item| item.fact == ConversionQualified::NAME));
    for (event, cause) in [("level_10", &level), ("Install", &install), ("af_purchase", &purchase)] {
        let item = said.iter().find(|item| verdict(item).event_id == event).expect(event);
        let told = verdict(item);
        assert_eq!(told.receipt, receipt(cause).as_bytes(), "{event}");
        assert_eq!(trace_id(item), trace_id(cause), "the trace of AppsFlyer's call goes on");
        assert_eq!(told.revision, 1);
        assert!(told.terms.is_some() && told.click.is_some() && told.reached);
    }
    let amount =
        said.iter().map(verdict).find(|told| told.event_id == "af_purchase").unwrap().reported.unwrap();
    assert_eq!(amount.amount.unwrap().micros, 4_990_000);
    let purchase = said.iter().map(verdict).find(|told| told.event_id == "af_purchase").unwrap();
    let texts = purchase.tracking_system.unwrap();
    assert_eq!((&*texts.amount, &*texts.currency, &*texts.amount_usd), ("4.99", "USD", ""));

    // Everything again, as a broker may deliver it: nothing more is said, decided or kept.
    stage.say_postbacks(rest).await;
    stage.say_postbacks([level, tenant.postback(1, "Install", 60)]).await;
    stage.coded("DUPLICATE", 2).await;
    assert_eq!(stage.said().len(), 3);
    assert_eq!(stage.count("SELECT count(*) AS count FROM postbacks").await, 6);
    assert_eq!(stage.count("SELECT count(*) AS count FROM decisions WHERE revision > 1").await, 1);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_last_decides() {
    let tenant = Tenant::new(1);
    let stage = Stage::set().await;
    stage.say_postbacks([tenant.postback(1, "Install", 10), tenant.postback(1, "level_10", 20)]).await;
    stage.coded("WAITING_CLICK", 2).await;
    stage.say_clicks([tenant.click(1)]).await;
    stage.coded("WAITING_TERMS", 2).await;
    stage.say_catalog([tenant.offer_version(1, &[])]).await;
    stage.rows("SELECT count(*) AS count FROM offer_versions", 1).await;
    stage.coded("WAITING_TERMS", 2).await;
    stage.say_catalog([tenant.credential(1, None)]).await;
    stage.coded("QUALIFIED", 2).await;
    stage.said_count(2).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_and_many_deliveries_have_one_effect() {
    let tenant = Tenant::new(1);
    let stage = Stage::with_replicas(2).await;
    stage.say_catalog([tenant.credential(1, None), tenant.offer_version(1, &[])]).await;
    let clicks = 40_u8;
    let mut postbacks = Vec::new();
    for number in 0..clicks {
        postbacks.push(tenant.postback(number, "level_10", 10));
        postbacks.push(tenant.postback(number, "Install", 20));
        postbacks.push(tenant.postback(number, "Install", 30));
    }
    let all_clicks: Vec<_> = (0..clicks).map(|number| tenant.click(number)).collect();
    for round in 0..3 {
        // Each round in another order, in messages of its own.
        for chunk in postbacks.chunks(7 + round) {
            stage.say_postbacks(chunk.iter().cloned()).await;
        }
        stage.say_clicks(all_clicks.iter().rev().cloned()).await;
        postbacks.rotate_left(31);
    }
    stage.coded("QUALIFIED", i64::from(clicks) * 2).await;
    stage.coded("DUPLICATE", i64::from(clicks)).await;
    let said = stage.said_count(usize::from(clicks) * 2).await;
    stage.rows("SELECT count(*) AS count FROM outbox", 0).await;
    let mut ids: Vec<_> = said.iter().map(|item| verdict(item).conversion_id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), usize::from(clicks) * 2, "each conversion is told once");
    assert_eq!(stage.count("SELECT count(*) AS count FROM postbacks").await, i64::from(clicks) * 3);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_never_meet() {
    let (ours, theirs) = (Tenant::new(1), Tenant::new(2));
    let stage = Stage::with(&ours).await;
    stage.say_clicks([ours.click(1)]).await;
    // The same click id under another tenant's credential: not theirs, and not known to them.
    let foreign = theirs.received(&format!("gk_click_id={}&cnv_event_id=Install", ours.click_id(1)), 10);
    stage.say_postbacks([foreign, ours.postback(1, "Install", 10)]).await;
    stage.coded("UNATTRIBUTED_INVALID_CLICK", 1).await;
    stage.coded("QUALIFIED", 1).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fraud_flag_is_told_as_a_veto_with_the_next_revision() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_clicks([tenant.click(1)]).await;
    stage.say_postbacks([tenant.postback(1, "Install", 10), tenant.postback(1, "af_purchase", 20)]).await;
    stage.said_count(2).await;
    let query =
        format!("gk_click_id={}&cnv_event_id=Install&is_rejected=1&blocked_reason=bots", tenant.click_id(1));
    stage.say_postbacks([tenant.received(&query, 30)]).await;
    let said = stage.said_count(4).await;
    let mut codes: Vec<_> = said[2..].iter().map(verdict).map(|told| (told.code, told.revision)).collect();
    codes.sort();
    assert_eq!(codes, [(String::from("REJECTED_FRAUD"), 2), (String::from("REVIEW_TAINTED"), 2)]);
    stage.strike().await;
}
