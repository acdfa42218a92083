//! Events that need somebody's eyes. Their past is laid into `rollups` as the service itself writes it, for no test can wait
//! for weeks; what happens now comes as facts over the broker.

use contracts::{
    attribution::{AlarmCleared, AlarmClearing, AlarmKind, AlarmRaised},
    catalog::{OfferChanged, OfferStatus},
    envelope::Envelope,
    open,
};
use kernel::Clock as _;
use process::SystemClock;
use serde_json::Value;
use test_kit::eventually;

use crate::{
    facts::{START, Tenant, offer_and_publisher},
    stage::{SOON, Stage},
};

/// So many postbacks in each hour of `[from, until)` hours ago.
async fn lay(stage: &Stage, tenant: &Tenant, event: &str, code: &str, hours: (i32, i32), postbacks: i32) {
    let (offer, publisher) = offer_and_publisher();
    let (from, until) = hours;
    stage
        .meddle(&format!(
            "INSERT INTO rollups (tenant_id, hour, code, offer_id, publisher_id, event_id, country, platform, postbacks)
            SELECT '{}', date_trunc('hour', now(), 'UTC') - make_interval(hours => ago), '{code}', '{offer}', '{publisher}',
                '{event}', '', '', {postbacks}
            FROM generate_series({until} + 1, {from}) AS ago",
            tenant.id
        ))
        .await;
}

/// Has the hours counted as if they had just been lived through: the service has counted them, empty, when it started.
async fn lived(stage: &Stage) {
    stage.meddle("UPDATE alarm_watch SET counted_until = NULL").await;
    looked(stage).await;
}

/// Waits until every hour that is over was counted and looked at once more.
async fn looked(stage: &Stage) {
    let counted = "SELECT count(*) AS count FROM alarm_watch WHERE counted_until >= date_trunc('hour', now() - interval '2 minutes')";
    stage.rows(counted, 1).await;
    let watch = "SELECT (extract(epoch FROM looked_at) * 1000)::bigint AS count FROM alarm_watch";
    // One may have begun before; the one after it has not, and when a third begins the second has ended.
    for _ in 0..3 {
        let before = stage.count(watch).await;
        eventually("another look", SOON, async || {
            if stage.count(watch).await > before { Ok(()) } else { Err("none yet".to_owned()) }
        })
        .await;
    }
}

fn raised(items: &[Envelope]) -> Vec<contracts::attribution::Alarm> {
    let facts = items.iter().filter_map(|item| open::<AlarmRaised>(item).ok());
    facts.filter_map(|fact| fact.alarm).collect()
}

fn cleared(items: &[Envelope]) -> Vec<AlarmCleared> {
    items.iter().filter_map(|item| open::<AlarmCleared>(item).ok()).collect()
}

async fn alarms(stage: &Stage, query: &str) -> Vec<Value> {
    let (status, body) = stage.get(&format!("/api/v1/alarms{query}"), Some("gkt_analyst")).await;
    assert_eq!(status, 200, "{body}");
    let items = body.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    assert_eq!(body.get("total").and_then(Value::as_u64), u64::try_from(items.len()).ok());
    items
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_event_is_raised_once_by_two_replicas_and_cleared_by_the_next_one_that_comes() {
    let tenant = Tenant::new(1);
    let stage = Stage::replicas_with(2, &tenant).await;
    stage.say_catalog([tenant.token("gkt_analyst")]).await;
    stage.rows("SELECT count(*) AS count FROM api_tokens", 1).await;
    // A looked-for one that is silent since three hours ago; one as it should be; one that is young; one that is rare.
    lay(&stage, &tenant, "Install", "QUALIFIED", (600, 3), 20).await;
    lay(&stage, &tenant, "level_10", "QUALIFIED", (600, -1), 20).await;
    lay(&stage, &tenant, "young", "QUALIFIED", (60, 3), 1_000).await;
    lay(&stage, &tenant, "rare", "QUALIFIED", (600, 594), 15).await;
    lived(&stage).await;
    let said = stage.said_count(1).await;
    let found = raised(&stage.said());
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].kind(), found[0].event_id.as_str()), (AlarmKind::Silence, "Install"));
    assert_eq!(said[0].tenant_id, tenant.id.to_vec());

    let listed = alarms(&stage, "").await;
    assert_eq!(listed.len(), 1);
    let alarm = &listed[0];
    assert_eq!(alarm["kind"], "SILENCE");
    assert_eq!(alarm["offerId"], offer_and_publisher().0.to_string());
    assert_eq!(alarm["sentence"], found[0].sentence);
    let sentence = alarm["sentence"].as_str().expect("a sentence");
    assert!(sentence.starts_with("No \"Install\" has come since 20"), "{sentence}");
    assert!(alarm["whatToDo"].as_str().is_some_and(|advice| advice.contains("AppsFlyer")), "{alarm}");
    assert_eq!(alarms(&stage, &format!("?offer_id={}", uuid::Uuid::from_u128(7))).await.len(), 0);
    assert_eq!(alarms(&stage, "?state=cleared").await.len(), 0);
    let (status, body) = stage.get("/api/v1/alarms?state=loud", Some("gkt_analyst")).await;
    assert_eq!((status, body["errors"][0]["field"].as_str()), (400, Some("state")), "{body}");

    // One comes, now.
    stage.say_clicks([tenant.click(1)]).await;
    let after = (SystemClock.now().as_micros() - *START) / 1_000_000;
    stage.say_postbacks([tenant.postback(1, "Install", after)]).await;
    eventually("it is over", SOON, async || {
        let facts = cleared(&stage.said());
        if facts.is_empty() { Err("not yet".to_owned()) } else { Ok(()) }
    })
    .await;
    looked(&stage).await;
    let over = cleared(&stage.said());
    assert_eq!(over.len(), 1);
    assert_eq!(over[0].because(), AlarmClearing::Recovered);
    assert_eq!(over[0].alarm.as_ref(), Some(&found[0]));
    assert_eq!(raised(&stage.said()).len(), 1, "raised once in all");
    assert_eq!(alarms(&stage, "").await.len(), 0);
    let listed = alarms(&stage, "?state=all").await;
    assert_eq!(listed[0]["clearedBecause"], "RECOVERED");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_expected_of_an_offer_that_is_paused() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_catalog([tenant.token("gkt_analyst")]).await;
    let status = |revision, status: OfferStatus| {
        let fact = OfferChanged {
            tenant_id: tenant.id.to_vec(),
            offer_id: offer_and_publisher().0.as_bytes().to_vec(),
            revision,
            status: status.into(),
            newest_version: 1,
            ..OfferChanged::default()
        };
        tenant.sealed(&fact)
    };
    stage.say_catalog([status(1, OfferStatus::Paused)]).await;
    stage.rows("SELECT count(*) AS count FROM offers", 1).await;
    lay(&stage, &tenant, "Install", "QUALIFIED", (600, 3), 20).await;
    lived(&stage).await;
    assert_eq!(alarms(&stage, "?state=all").await.len(), 0);
    stage.say_catalog([status(2, OfferStatus::Ready)]).await;
    stage.rows("SELECT count(*) AS count FROM alarms WHERE cleared_at IS NULL", 1).await;
    stage.say_catalog([status(3, OfferStatus::Ended)]).await;
    stage.rows("SELECT count(*) AS count FROM alarms WHERE cleared_because = 'OFFER_STOPPED'", 1).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sudden_share_is_raised_by_what_comes_and_cleared_when_the_cause_is_mended() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_catalog([tenant.token("gkt_analyst")]).await;
    // What is usual: none of them. "strange" is as unmapped as ever.
    lay(&stage, &tenant, "mystery", "QUALIFIED", (300, -1), 5).await;
    lay(&stage, &tenant, "strange", "UNMAPPED_EVENT", (300, -1), 40).await;
    lay(&stage, &tenant, "Install", "QUALIFIED", (300, -1), 30).await;
    lived(&stage).await;
    assert_eq!(raised(&stage.said()).len(), 0, "{:?}", raised(&stage.said()));

    // 60 users do "mystery", which no version maps.
    let now = (SystemClock.now().as_micros() - *START) / 1_000_000;
    stage.say_clicks((0..60).map(|number| tenant.click(number))).await;
    stage.rows("SELECT count(*) AS count FROM journeys WHERE click IS NOT NULL", 60).await;
    stage.say_postbacks((0..60).map(|number| tenant.postback(number, "mystery", now))).await;
    stage.coded("UNMAPPED_EVENT", 60).await;
    stage.rows("SELECT count(*) AS count FROM alarms", 1).await;
    let alarm = alarms(&stage, "").await.remove(0);
    assert_eq!(
        (alarm["kind"].as_str(), alarm["eventId"].as_str()),
        (Some("UNMAPPED_SHARE"), Some("mystery"))
    );
    assert!(alarm["matching"].as_i64().is_some_and(|matching| matching >= 10), "{alarm}");
    assert_eq!(alarm["usualMatching"], 0);

    // Somebody maps it: all of them are decided anew, and the alarm has nothing to stand on.
    stage.say_catalog([tenant.offer_version(2, &["mystery"])]).await;
    stage.coded("UNMAPPED_EVENT", 0).await;
    stage.rows("SELECT count(*) AS count FROM alarms WHERE cleared_because = 'RECOVERED'", 1).await;
    assert_eq!(raised(&stage.said()).len(), 1);
    let facts = eventually("both facts are on the broker", SOON, async || {
        let facts = cleared(&stage.said());
        if facts.len() == 1 { Ok(facts) } else { Err(format!("{facts:?}")) }
    })
    .await;
    assert_eq!(
        facts[0].alarm.as_ref().map(contracts::attribution::Alarm::kind),
        Some(AlarmKind::UnmappedShare)
    );
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_other_share_has_its_codes() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_catalog([tenant.token("gkt_analyst")]).await;
    let cases = [
        ("early", "WAITING_SEQUENCE", "OUT_OF_ORDER_SHARE"),
        ("twice", "DUPLICATE", "DUPLICATE_SHARE"),
        ("hidden", "UNATTRIBUTED_PRIVACY", "PRIVACY_SHARE"),
    ];
    for (event, code, _) in cases {
        lay(&stage, &tenant, event, "QUALIFIED", (300, 3), 10).await;
        lay(&stage, &tenant, event, code, (1, -1), 60).await;
    }
    // What names no click belongs to no offer.
    stage
        .meddle("UPDATE rollups SET offer_id = '00000000-0000-0000-0000-000000000000' WHERE code = 'UNATTRIBUTED_PRIVACY'")
        .await;
    lived(&stage).await;
    stage.rows("SELECT count(*) AS count FROM alarms WHERE kind <> 'SILENCE'", 3).await;
    let found = alarms(&stage, "").await;
    for (event, _, kind) in cases {
        let alarm = found.iter().find(|alarm| alarm["eventId"] == event && alarm["kind"] == kind);
        let alarm = alarm.unwrap_or_else(|| panic!("{kind} of {event} in {found:?}"));
        assert_eq!(alarm.get("offerId").is_none(), kind == "PRIVACY_SHARE", "{alarm}");
    }
    stage.strike().await;
}
