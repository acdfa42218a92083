//! A person asks to be forgotten: nothing here tells who it was, and everything that was decided stays.

use contracts::{
    Fact as _,
    attribution::PersonErased,
    envelope::Envelope,
    open,
    payout::PersonDecision,
    tracker::{ClickRecorded, PublisherParameters, Visitor},
};
use prost::Message as _;
use serde_json::{Value, json};
use test_kit::eventually;

use crate::{
    facts::{INSTALL, Tenant},
    stage::{SOON, Stage, verdict},
};

/// Stands in every field that tells of the person.
const CANARY: &str = "Canary7";

/// A click in which everything personal holds the word.
fn click_of(tenant: &Tenant, number: u8, word: &str) -> ClickRecorded {
    let mut click = tenant.click_fact(number);
    click.publisher_parameters = Some(PublisherParameters {
        pub_click_id: String::from("theirs"),
        pub_member_id: format!("{word} member"),
        pub_subs: [(1, format!("{word} sub"))].into(),
        gender: Some(1),
        age: Some(34),
    });
    click.visitor = Some(Visitor {
        ip_address: format!("{word} address"),
        user_agent: format!("{word} agent"),
        country: Some(String::from("VN")),
        platform: None,
    });
    click
}

/// A postback in which everything personal holds the word.
fn postback_of(tenant: &Tenant, click: Option<u8>, event: &str, word: &str, after: i64) -> Envelope {
    let click = click.map_or_else(String::new, |click| format!("gk_click_id={}&", tenant.click_id(click)));
    tenant.received(
        &format!(
            "{click}cnv_event_id={event}&cnv_email={word}@a.b&cnv_user_id={word}-user&cnv_sub_1={word}-sub&ip={word}-ip\
            &idfa={word}-IDFA&advertising_id={word}-gaid&appsflyer_id={word}-af&idfv={word}-idfv&free={word}\
            &event_value=%7B%22who%22%3A%22{word}%22%7D&cnv_amount=4.99&cnv_currency=USD&country_code=VN"
        ),
        after,
    )
}

async fn order(stage: &Stage, token: &str, body: &Value) -> Value {
    let (status, answer) = stage.post("/api/v1/erasures", token, body).await;
    assert_eq!(status, 202, "{answer}");
    let path =
        format!("/api/v1/erasures/{}", answer.pointer("/erasureId").and_then(Value::as_str).expect("an id"));
    let done = eventually("the order is done", SOON, async || {
        let (_, order) = stage.get(&path, Some(token)).await;
        if order.get("doneAt").is_some() { Ok(order) } else { Err(order) }
    })
    .await;
    stage.rows("SELECT count(*) AS count FROM outbox", 0).await;
    done
}

async fn owned(tenant: &Tenant) -> Stage {
    let stage = Stage::with(tenant).await;
    stage.say_catalog([tenant.owner_token("gkt_owner"), tenant.token("gkt_analyst")]).await;
    stage.rows("SELECT count(*) AS count FROM api_tokens", 2).await;
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_is_forgotten_with_everything_that_still_comes_of_it() {
    let tenant = Tenant::new(1);
    let stage = owned(&tenant).await;
    let click = tenant.clicked(&click_of(&tenant, 1, CANARY));
    stage.say_first_click(click).await;
    stage.say_postbacks([postback_of(&tenant, Some(1), "Install", CANARY, 10)]).await;
    stage.coded("QUALIFIED", 1).await;
    let mut decided = tenant.decided(1, INSTALL, PersonDecision::Approve, 40);
    let mut fact: contracts::payout::ConversionDecidedByPerson = open(&decided).unwrap();
    fact.reason = format!("{CANARY} called");
    decided.body = fact.encode_to_vec().into();
    stage.say_payout([decided]).await;
    stage.said_count(2).await;
    stage.rows("SELECT count(*) AS count FROM outbox", 0).await;
    assert!(stage.tables_with(CANARY).await >= 4, "the test would see it");
    let before = stage.get(&format!("/api/v1/journeys/{}", tenant.click_id(1)), Some("gkt_analyst")).await.1;

    let done = order(&stage, "gkt_owner", &json!({"gkClickId": tenant.click_id(1).as_uuid()})).await;
    assert_eq!((&done["clicks"], &done["postbacks"]), (&json!(1), &json!(1)), "{done}");
    let places: Vec<_> =
        done["agesOut"].as_array().unwrap().iter().map(|one| one["place"].as_str().unwrap()).collect();
    assert!(places.iter().any(|place| place.contains("backups")), "{places:?}");
    assert_eq!(stage.tables_with(CANARY).await, 0);
    assert_eq!(stage.tables_with("Canary").await, 0);

    // Told, with the hash in the member's place.
    let said = stage.said_count(3).await;
    assert_eq!(said[2].fact, PersonErased::NAME);
    let erased: PersonErased = open(&said[2]).unwrap();
    assert_eq!(erased.clicks[0].gk_click_id, tenant.click_id(1).to_vec());
    assert!(erased.clicks[0].member.starts_with("erased:1:"), "{erased:?}");

    // Decisions and money stay as they were.
    let after = stage.get(&format!("/api/v1/journeys/{}", tenant.click_id(1)), Some("gkt_analyst")).await.1;
    assert_eq!(after["conversions"], before["conversions"]);
    assert_eq!(after["postbacks"], before["postbacks"]);

    // What still comes of it: another event, a repeat, the click once more.
    stage
        .say_postbacks([
            postback_of(&tenant, Some(1), "level_10", CANARY, 50),
            postback_of(&tenant, Some(1), "Install", CANARY, 60),
        ])
        .await;
    stage.say_clicks([tenant.clicked(&click_of(&tenant, 1, CANARY))]).await;
    stage.coded("QUALIFIED", 2).await;
    stage.coded("DUPLICATE", 1).await;
    stage.rows("SELECT count(*) AS count FROM inbox WHERE consumer = 'attribution.clicks'", 2).await;
    let said = stage.said_count(4).await;
    let told = verdict(&said[3]);
    assert_eq!((&*told.event_id, told.reported.is_some()), ("level_10", true));
    let hex = |item: &Envelope| String::from_utf8_lossy(&item.encode_to_vec()).into_owned();
    assert!(!hex(&said[3]).contains(CANARY));
    let parameters = told.click.unwrap().publisher_parameters.unwrap();
    assert_eq!(parameters.pub_member_id, erased.clicks[0].member);
    assert_eq!(parameters.pub_click_id, "theirs");
    stage.rows("SELECT count(*) AS count FROM outbox", 0).await;
    assert_eq!(stage.tables_with(CANARY).await, 0);

    // Judged again from what is left, everything comes out the same.
    let codes =
        "SELECT count(*) AS count FROM decisions WHERE is_current AND code IN ('QUALIFIED', 'DUPLICATE')";
    let revisions = stage.count("SELECT sum(revision)::bigint AS count FROM decisions").await;
    stage.meddle("UPDATE journeys SET open = true").await;
    stage.say_catalog([tenant.offer_version(2, &["level_20"])]).await;
    stage.rows("SELECT count(*) AS count FROM offer_versions", 2).await;
    stage.rows("SELECT count(*) AS count FROM rejudgements", 0).await;
    stage.rows("SELECT count(*) AS count FROM journeys WHERE open", 0).await;
    assert_eq!(stage.count(codes).await, 3);
    assert_eq!(stage.count("SELECT sum(revision)::bigint AS count FROM decisions").await, revisions);
    assert_eq!(stage.said().len(), 4, "nothing new to tell");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_that_is_forgotten_before_it_comes_is_forgotten_when_it_does() {
    let tenant = Tenant::new(1);
    let stage = owned(&tenant).await;
    order(&stage, "gkt_owner", &json!({"gkClickId": tenant.click_id(1).as_uuid()})).await;
    stage.say_postbacks([postback_of(&tenant, Some(1), "Install", CANARY, 10)]).await;
    stage.coded("WAITING_CLICK", 1).await;
    stage.say_clicks([tenant.clicked(&click_of(&tenant, 1, CANARY))]).await;
    stage.coded("QUALIFIED", 1).await;
    stage.said_count(2).await;
    stage.rows("SELECT count(*) AS count FROM outbox", 0).await;
    assert_eq!(stage.tables_with(CANARY).await, 0);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_and_a_device_are_found_wherever_they_are_and_nobody_else() {
    let (tenant, other) = (Tenant::new(1), Tenant::new(2));
    let stage = owned(&tenant).await;
    stage.say_catalog([other.owner_token("gkt_other")]).await;
    stage.rows("SELECT count(*) AS count FROM api_tokens", 3).await;
    // Two clicks of the member, one of somebody else; the same member id at another publisher, and at another tenant.
    let mut elsewhere = click_of(&tenant, 4, CANARY);
    elsewhere.publisher_id = vec![9; 16];
    stage
        .say_clicks([
            tenant.clicked(&click_of(&tenant, 1, CANARY)),
            tenant.clicked(&click_of(&tenant, 2, CANARY)),
            tenant.clicked(&click_of(&tenant, 3, "Bystander")),
            tenant.clicked(&elsewhere),
            other.clicked(&click_of(&other, 1, CANARY)),
        ])
        .await;
    stage.rows("SELECT count(*) AS count FROM journeys WHERE click IS NOT NULL", 5).await;
    stage
        .say_postbacks([
            postback_of(&tenant, Some(1), "Install", CANARY, 10),
            postback_of(&tenant, Some(3), "Install", "Bystander", 20),
            // Of the member's device, without a click.
            postback_of(&tenant, None, "Install", CANARY, 30),
        ])
        .await;
    stage.coded("QUALIFIED", 2).await;
    stage.coded("UNATTRIBUTED_NO_CLICK", 1).await;
    stage.said_count(2).await;

    let publisher = tenant.click_fact(1).publisher_id;
    let publisher = uuid::Uuid::from_slice(&publisher).unwrap();
    let member = json!({"publisherId": publisher, "memberId": format!("{CANARY} member")});
    let done = order(&stage, "gkt_owner", &member).await;
    assert_eq!((&done["clicks"], &done["postbacks"]), (&json!(2), &json!(1)), "{done}");
    let left = "SELECT count(*) AS count FROM journeys WHERE erased_at IS NOT NULL";
    assert_eq!(stage.count(left).await, 2);
    let hashes = "SELECT count(DISTINCT subject_hash) AS count FROM erasures";
    assert_eq!(
        stage.tables_with(CANARY).await,
        3,
        "the other publisher's, and the device's without a click, raw and to be searched by"
    );

    // Without case, as people paste it.
    let done =
        order(&stage, "gkt_owner", &json!({"deviceId": format!("{CANARY}-idfa").to_lowercase()})).await;
    assert_eq!((&done["clicks"], &done["postbacks"]), (&json!(0), &json!(1)), "{done}");
    stage.coded("UNATTRIBUTED_NO_CLICK", 1).await;
    let bystander = json!({"deviceId": "Bystander-gaid"});
    let done = order(&stage, "gkt_owner", &bystander).await;
    assert_eq!((&done["clicks"], &done["postbacks"]), (&json!(1), &json!(1)), "{done}");
    assert_eq!(stage.tables_with("Bystander").await, 0);
    assert_eq!(stage.tables_with(CANARY).await, 1, "the other publisher's member, the other tenant's");
    assert_eq!(stage.count(hashes).await, 3);
    stage.coded("QUALIFIED", 2).await;

    // Another tenant sees no order, and finds only its own.
    let id = done["erasureId"].as_str().unwrap();
    assert_eq!(stage.get(&format!("/api/v1/erasures/{id}"), Some("gkt_other")).await.0, 404);
    assert_eq!(stage.get("/api/v1/erasures", Some("gkt_other")).await.1["total"], 0);
    let listed = stage.get("/api/v1/erasures?page_size=2", Some("gkt_owner")).await.1;
    assert_eq!((&listed["total"], &listed["items"][0]["erasureId"]), (&json!(3), &json!(id)), "{listed}");
    assert_eq!(stage.get("/api/v1/erasures", Some("gkt_analyst")).await.0, 403);
    let done = order(&stage, "gkt_other", &member).await;
    assert_eq!(done["clicks"], 1, "{done}");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_owner_orders_and_a_wrong_order_says_what_would_be_right() {
    let tenant = Tenant::new(1);
    let stage = owned(&tenant).await;
    let click = json!({"gkClickId": tenant.click_id(1).as_uuid()});
    assert_eq!(stage.post("/api/v1/erasures", "gkt_analyst", &click).await.0, 403);
    let none = uuid::Uuid::nil();
    for (body, field) in [
        (json!({}), "gkClickId"),
        (json!({"gkClickId": none, "deviceId": "x"}), "gkClickId"),
        (json!({"memberId": "x"}), "publisherId"),
        (json!({"publisherId": none}), "memberId"),
        (json!({"publisherId": none, "memberId": " "}), "memberId"),
        (json!({"deviceId": "x".repeat(2_000)}), "deviceId"),
        (json!({"gkClickId": "x"}), "gkClickId"),
    ] {
        let (status, answer) = stage.post("/api/v1/erasures", "gkt_owner", &body).await;
        assert_eq!((status, answer["errors"][0]["field"].as_str()), (422, Some(field)), "{answer}");
    }
    assert_eq!(stage.count("SELECT count(*) AS count FROM erasures").await, 0);
    stage.strike().await;
}
