//! Stored journeys judged again: as recorded nothing differs, under chosen terms it is said what does, and for real nothing is
//! taken back.

use contracts::{
    catalog::{OfferVersionCreated, TenantChanged},
    common::{CurrencyRate, PayoutTerms, RevenueTerms, payout_terms, revenue_terms},
    envelope::Envelope,
    payout::PersonDecision,
};
use serde_json::{Value, json};

use crate::{
    facts::{INSTALL, LEVEL_10, PURCHASE, START, Tenant, offer_and_publisher, receipt, seconds},
    stage::{Stage, unreadable, verdict},
};

const DAY: i64 = 86_400;

/// A version of the offer, changed.
fn version(tenant: &Tenant, number: u32, change: impl FnOnce(&mut OfferVersionCreated)) -> Envelope {
    let mut fact: OfferVersionCreated =
        contracts::open(&tenant.offer_version(number, &[])).expect("a version");
    change(&mut fact);
    tenant.sealed(&fact)
}

fn moment(after: i64) -> String {
    let time = chrono::DateTime::from_timestamp_micros(*START + seconds(after)).expect("a time");
    time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

/// All that was received in the stories.
fn everything() -> Value {
    json!({"offerId": offer_and_publisher().0, "from": moment(-DAY), "to": moment(9 * DAY)})
}

async fn known(stage: &Stage, tenant: &Tenant) {
    stage.say_catalog([tenant.owner_token("gkt_owner")]).await;
    stage.rows("SELECT count(*) AS count FROM api_tokens", 1).await;
}

/// Orders a replay and waits for its end.
async fn replay(stage: &Stage, selection: Value, terms: Value, dry_run: bool) -> Value {
    let order = json!({"selection": selection, "terms": terms, "dryRun": dry_run});
    let (status, body) = stage.post("/api/v1/replays", "gkt_owner", &order).await;
    assert_eq!(status, 202, "{body}");
    let id = body.get("replayId").and_then(Value::as_str).expect("an id");
    let path = format!("/api/v1/replays/{id}");
    stage.get_until(&path, "gkt_owner", "finishedAt").await
}

async fn differences(stage: &Stage, body: &Value) -> Vec<String> {
    let id = body["replayId"].as_str().expect("an id");
    let url = format!("http://{}/api/v1/replays/{id}/differences", stage.address);
    let request = test_kit::http_client().get(url).header("authorization", "ApiToken gkt_owner");
    let text = request.send().await.expect("an answer").text().await.expect("a text");
    text.lines().skip(1).map(String::from).collect()
}

fn is_same(body: &Value) -> bool {
    let effects = body["conversions"].as_object().expect("as documented");
    let money = body["money"].as_array().expect("as documented");
    body["decisions"].as_array().is_some_and(Vec::is_empty)
        && effects.values().all(|count| count == 0)
        && money.iter().all(|one| one["before"] == one["underTerms"] && one["before"] == one["afterReplay"])
}

/// From code to code, and how many.
fn recoded(body: &Value) -> Vec<(String, String, i64)> {
    let all = body["decisions"].as_array().expect("as documented").iter();
    let text = |one: &Value, name: &str| one[name].as_str().expect("as documented").to_owned();
    let mut all: Vec<_> = all
        .map(|one| (text(one, "from"), text(one, "to"), one["postbacks"].as_i64().expect("as documented")))
        .collect();
    all.sort();
    all
}

fn sum(body: &Value, stage: &str) -> (i64, String, String) {
    let sum = body.pointer(&format!("/money/0/{stage}")).unwrap_or_else(|| panic!("{body}"));
    let text = |name: &str| sum[name].as_str().unwrap_or_else(|| panic!("{body}")).to_owned();
    (sum["conversions"].as_i64().expect("as documented"), text("revenue"), text("payout"))
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn pick<'a>(&mut self, among: &[&'a str]) -> &'a str {
        among.get(self.roll(among.len())).copied().expect("one of them")
    }

    fn roll(&mut self, below: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(below).expect("small")).expect("small")
    }
}

/// Postbacks of every kind, in no order.
fn varied(tenant: &Tenant, clicks: u8) -> Vec<Envelope> {
    let mut dice = Dice(7);
    let events = ["Install", "Install", "level_10", "level_10", "af_purchase", "bonus", "renamed", "mystery"];
    let extras = [
        "",
        "",
        "",
        "&cnv_amount=4.99&cnv_currency=USD",
        "&cnv_amount=5.99",
        "&cnv_amount=-1",
        "&is_rejected=true&blocked_reason=bots",
        "&is_primary_attribution=false",
        "&transaction_id=a",
        "&transaction_id=b",
        "&country_code=DE",
        "&app_id=id2",
        "&retargeting_conversion_type=re-engagement",
    ];
    let mut all = Vec::new();
    for click in 0..clicks {
        for _ in 0..=dice.roll(7) {
            let (event, extra) = (dice.pick(&events), dice.pick(&extras));
            let query = format!("gk_click_id={}&cnv_event_id={event}{extra}", tenant.click_id(click));
            all.push(tenant.received(&query, i64::try_from(dice.roll(3 * 86_400)).expect("small")));
        }
    }
    for place in (1..all.len()).rev() {
        all.swap(place, dice.roll(place + 1));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_replay_of_varied_journeys_gives_no_difference() {
    const CLICKS: u8 = 120;
    let tenant = Tenant::new(1);
    let stage = Stage::replicas_with(2, &tenant).await;
    known(&stage, &tenant).await;
    let first = version(&tenant, 1, |fact| {
        fact.countries = vec![String::from("US")];
        fact.app_id = Some(String::from("id1"));
        fact.sequence_grace_hours = 12;
        for (event, change) in fact.events.iter_mut().zip(0..) {
            let terms = event.terms.as_mut().expect("terms");
            terms.repetitions_allowed = change == 2;
            terms.deadline_days = (change == 2).then_some(2);
            terms.min_time_seconds = (change == 1).then_some(600);
        }
    });
    stage.say_catalog([first]).await;
    stage.rows("SELECT count(*) AS count FROM rejudgements", 0).await;
    let postbacks = varied(&tenant, CLICKS);
    let count = postbacks.len();
    let (early, late) = postbacks.split_at(count / 2);
    // A third of the clicks comes in between, five of them never; three clicks have the same member.
    let clicks: Vec<Envelope> = (0..CLICKS - 5)
        .map(
            |number| if number % 20 < 3 { tenant.click_of(number, "the same") } else { tenant.click(number) },
        )
        .collect();
    let (clicks, overtaken) = clicks.split_at(80);
    stage.say_clicks(clicks.to_vec()).await;
    stage.say_postbacks(early.to_vec()).await;
    stage.say_clicks(overtaken.to_vec()).await;
    stage.say_payout((0..12).map(|click| tenant.decided(click, INSTALL, PersonDecision::Reject, 50))).await;
    stage.say_payout((6..18).map(|click| tenant.decided(click, LEVEL_10, PersonDecision::Restore, 60))).await;
    // Names change and an event is added while journeys are under way.
    let second = version(&tenant, 2, |fact| {
        fact.countries = vec![String::from("US"), String::from("DE")];
        fact.events[1].name = String::from("Level ten");
        fact.name = String::from("Golfin 2");
    });
    stage.say_catalog([second, tenant.offer_version(3, &["bonus"])]).await;
    stage.say_postbacks(late.to_vec()).await;
    // Half of them twice, as a broker may deliver them.
    stage.say_postbacks(early.to_vec()).await;
    let all = i64::try_from(count).expect("small");
    stage.rows("SELECT count(*) AS count FROM decisions WHERE is_current", all).await;
    stage.rows("SELECT count(*) AS count FROM people_decisions", 24).await;
    stage.rows("SELECT count(*) AS count FROM journeys WHERE click IS NOT NULL", i64::from(CLICKS) - 5).await;
    stage.rows("SELECT count(*) AS count FROM rejudgements", 0).await;
    stage.rows("SELECT count(*) AS count FROM dead_items", 0).await;
    let codes = stage.count("SELECT count(DISTINCT code) AS count FROM decisions WHERE is_current").await;
    assert!(codes >= 12, "{codes} codes prove little");
    let (written, said) = (stage.count("SELECT count(*) AS count FROM decisions").await, stage.said().len());

    let body = replay(&stage, everything(), json!({"kind": "recorded"}), true).await;
    assert_eq!(body["journeys"], i64::from(CLICKS) - 5, "{body}");
    assert!(is_same(&body) && body["money"][0]["before"]["conversions"].as_i64() > Some(50), "{body}");
    assert_eq!(differences(&stage, &body).await, Vec::<String>::new());
    // For real, neither.
    let body = replay(&stage, everything(), json!({"kind": "recorded"}), false).await;
    assert!(is_same(&body), "{body}");
    assert_eq!(stage.count("SELECT count(*) AS count FROM decisions").await, written);
    // Under other terms something does; what a replay for real of them has changed is recorded, and then nothing differs again.
    for version in [3, 2] {
        let body = replay(&stage, everything(), json!({"kind": "version", "version": version}), false).await;
        assert!(!recoded(&body).is_empty(), "{body}");
        let body = replay(&stage, everything(), json!({"kind": "recorded"}), true).await;
        assert!(is_same(&body), "after version {version}: {body}");
    }
    assert!(stage.said().len() >= said);
    // A decision that is not what its inputs say is found.
    stage
        .meddle(
            "UPDATE journey_postbacks SET code = 'UNMAPPED_EVENT' WHERE receipt = (
            SELECT receipt FROM journey_postbacks WHERE code = 'QUALIFIED' ORDER BY receipt LIMIT 1)",
        )
        .await;
    let body = replay(&stage, everything(), json!({"kind": "recorded"}), true).await;
    let amiss = [(String::from("UNMAPPED_EVENT"), String::from("QUALIFIED"), 1)];
    assert_eq!(recoded(&body), amiss, "{body}");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_for_real_only_adds_and_releases_and_is_an_input_from_then_on() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    known(&stage, &tenant).await;
    let minimum = version(&tenant, 1, |fact| {
        fact.events[1].terms.as_mut().expect("terms").min_time_seconds = Some(3_600);
    });
    let chosen = version(&tenant, 2, |fact| {
        for event in &mut fact.events {
            let money = event.terms.as_mut().and_then(|terms| terms.money.as_mut()).expect("money");
            money.revenue = Some(RevenueTerms { model: Some(revenue_terms::Model::FlatMicros(6_000_000)) });
            money.payout = Some(PayoutTerms { model: Some(payout_terms::Model::FlatMicros(4_000_000)) });
        }
        fact.events[2].terms.as_mut().expect("terms").deadline_days = Some(1);
    });
    stage.say_catalog([minimum, chosen]).await;
    stage.rows("SELECT count(*) AS count FROM offer_versions", 2).await;
    stage.say_clicks([tenant.click(1), tenant.click(2)]).await;
    stage.rows("SELECT count(*) AS count FROM journeys WHERE click IS NOT NULL", 2).await;
    let level = tenant.postback(1, "level_10", 20);
    stage
        .say_postbacks([
            tenant.postback(1, "Install", 10),
            level.clone(),
            tenant.postback(1, "af_purchase", 2 * DAY),
            tenant.postback(2, "Install", 10),
            tenant.postback(2, "af_purchase", 2 * DAY),
        ])
        .await;
    stage.coded("QUALIFIED", 4).await;
    stage.coded("REJECTED_TOO_FAST", 1).await;
    stage.say_payout([tenant.decided(2, PURCHASE, PersonDecision::Approve, 30)]).await;
    stage.said_count(5).await;

    let under_two = json!({"kind": "newest"});
    let before = stage.count("SELECT count(*) AS count FROM decisions").await;
    let dry = replay(&stage, everything(), under_two.clone(), true).await;
    let to = |from: &str, to: &str, count: i64| (String::from(from), String::from(to), count);
    assert_eq!(
        recoded(&dry),
        [to("QUALIFIED", "REJECTED_LATE", 2), to("REJECTED_TOO_FAST", "QUALIFIED", 1)],
        "{dry}"
    );
    let effects = json!({"gained": 1, "released": 0, "putOnReview": 1, "refused": 0, "amended": 0});
    assert_eq!((&dry["version"], &dry["conversions"]), (&json!(2), &effects), "{dry}");
    let money =
        |count: i64, revenue: &str, payout: &str| (count, String::from(revenue), String::from(payout));
    assert_eq!(sum(&dry, "before"), money(4, "20.00", "12.00"));
    assert_eq!(sum(&dry, "underTerms"), money(3, "18.00", "12.00"));
    assert_eq!(sum(&dry, "afterReplay"), money(4, "21.00", "13.00"), "what was told keeps its terms");
    let lines = differences(&stage, &dry).await;
    assert!(
        lines.iter().any(|line| line.contains(",QUALIFIED,,REVIEW_REPLAY,putOnReview,USD,5.00,3.00,,,")),
        "{lines:?}"
    );
    assert_eq!(
        stage.count("SELECT count(*) AS count FROM decisions").await,
        before,
        "a dry run writes nothing"
    );
    assert_eq!(stage.count("SELECT count(*) AS count FROM journeys WHERE replayed IS NOT NULL").await, 0);
    assert_eq!(stage.said().len(), 5);

    let real = replay(&stage, everything(), under_two.clone(), false).await;
    for part in ["decisions", "conversions", "money"] {
        assert_eq!(real[part], dry[part], "the dry run said so");
    }
    let said = stage.said_count(7).await;
    let told: Vec<_> = said[5..].iter().map(verdict).collect();
    let of = |event: &str| told.iter().find(|one| one.event_id == event).expect("told");
    assert_eq!((of("level_10").code.as_str(), of("level_10").terms_version), ("QUALIFIED", 2));
    assert_eq!((of("af_purchase").code.as_str(), of("af_purchase").terms_version), ("REVIEW_REPLAY", 1));
    let (_, shown) = stage.get(&format!("/api/v1/postbacks/{}", receipt(&level)), Some("gkt_owner")).await;
    assert!(shown.to_string().contains("replayed under version: 2"), "{shown}");

    let (_, shown) = stage.get(&format!("/api/v1/journeys/{}", tenant.click_id(1)), Some("gkt_owner")).await;
    assert_eq!(shown["replayedUnder"], json!([2]), "{shown}");

    // Once more, and a version later: nothing more. What comes now is judged by the same.
    let again = replay(&stage, everything(), under_two, false).await;
    assert_eq!(again["conversions"]["gained"], 0, "{again}");
    assert_eq!(again["conversions"]["putOnReview"], 0, "{again}");
    stage.say_catalog([version(&tenant, 3, |_| {})]).await;
    stage.say_postbacks([tenant.postback(2, "level_10", 30)]).await;
    let said = stage.said_count(8).await;
    assert_eq!((verdict(&said[7]).event_id.as_str(), verdict(&said[7]).terms_version), ("level_10", 2));
    let recorded = replay(&stage, everything(), json!({"kind": "recorded"}), true).await;
    assert!(is_same(&recorded), "{recorded}");
    assert_eq!(stage.said().len(), 8);
    stage.strike().await;
}

/// The draft's money: half of the amount.
fn draft() -> Value {
    json!({
        "name": "Golfin iOS", "currency": "USD",
        "events": [
            {"eventId": "Install", "sequenceNumber": 1, "revenue": "2.00", "payout": "1.00"},
            {"eventId": "level_10", "sequenceNumber": 2},
            {"eventId": "af_purchase", "revenue": {"model": "Percent", "percent": "50"}, "payout": "0.10"},
            {"eventId": "mystery", "revenue": "0.50", "payout": "0.25"}
        ]
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_tried_on_a_stored_period_with_the_tenants_rates() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    known(&stage, &tenant).await;
    let mut fact: TenantChanged = contracts::open(&tenant.tenant()).expect("a tenant");
    fact.version = 2;
    fact.rates = vec![CurrencyRate {
        from: String::from("EUR"),
        to: String::from("USD"),
        rate_e12: 1_100_000_000_000,
    }];
    stage.say_catalog([tenant.sealed(&fact)]).await;
    stage.rows("SELECT count(*) AS count FROM tenants WHERE version = 2", 1).await;
    stage.say_clicks((1..=3).map(|number| tenant.click(number))).await;
    stage.rows("SELECT count(*) AS count FROM journeys WHERE click IS NOT NULL", 3).await;
    let paid = |click: u8, amount: &str| {
        let query =
            format!("gk_click_id={}&cnv_event_id=af_purchase&cnv_amount={amount}", tenant.click_id(click));
        tenant.received(&query, 60)
    };
    stage
        .say_postbacks([
            tenant.postback(1, "Install", 10),
            paid(1, "10&cnv_currency=EUR"),
            paid(2, "1000000&cnv_currency=VND"),
            tenant.postback(3, "mystery", 2 * DAY),
        ])
        .await;
    stage.coded("QUALIFIED", 3).await;
    stage.coded("UNMAPPED_EVENT", 1).await;
    let terms = json!({"kind": "draft", "draft": draft()});
    let body = replay(&stage, everything(), terms.clone(), true).await;
    assert_eq!(sum(&body, "before"), (3, String::from("15.00"), String::from("9.00")), "{body}");
    // 2.00 for the install, half of 11.00 for the purchase, and the event that only the draft maps.
    assert_eq!(sum(&body, "underTerms"), (3, String::from("8.00"), String::from("1.35")), "{body}");
    let unpriced = json!([{
        "publisherId": offer_and_publisher().1, "code": "REVIEW_NO_RATE", "currency": "VND",
        "before": 0, "underTerms": 1, "afterReplay": 0
    }]);
    assert_eq!(body["unpriced"], unpriced, "{body}");
    assert_eq!(body["conversions"]["gained"], 1);

    // Parts of it: a day, an Event ID, a code, a publisher, named clicks.
    let with = |name: &str, value: Value| {
        let mut selection = everything();
        selection[name] = value;
        selection
    };
    let parts = [
        (with("to", json!(moment(DAY))), 2),
        (with("eventId", json!("mystery")), 1),
        (with("code", json!("QUALIFIED")), 2),
        (with("publisherId", json!(offer_and_publisher().0)), 0),
        (json!({"gkClickIds": [tenant.click_id(1).as_uuid(), tenant.click_id(9).as_uuid()]}), 1),
    ];
    for (selection, journeys) in parts {
        let body = replay(&stage, selection.clone(), json!({"kind": "newest"}), true).await;
        assert_eq!((&body["journeys"], &body["judged"]), (&json!(journeys), &json!(journeys)), "{selection}");
        assert!(is_same(&body), "the newest version is the only one: {body}");
    }
    let (_, list) = stage.get("/api/v1/replays?page_size=2", Some("gkt_owner")).await;
    assert_eq!(
        (list["total"].as_i64(), list["items"].as_array().map(Vec::len)),
        (Some(6), Some(2)),
        "{list}"
    );

    // One journey, step by step, with the same rates; alone, and beside what is saved.
    let click = tenant.click_id(1).as_uuid();
    let ask = json!({"gkClickId": click, "version": draft()});
    let (status, told) = stage.post("/api/v1/simulate", "gkt_owner", &ask).await;
    assert_eq!(status, 200, "{told}");
    assert_eq!(told["timeline"][1]["conversions"][0]["money"]["revenue"], "5.50", "{told}");
    let ask = json!({"gkClickId": click, "version": draft(), "besideSaved": true});
    let (_, told) = stage.post("/api/v1/simulate", "gkt_owner", &ask).await;
    assert_eq!(told["timeline"][1]["conversions"][0]["money"]["revenue"], "5.00", "its own terms: {told}");
    let ask = json!({"gkClickId": tenant.click_id(3).as_uuid(), "version": draft(), "besideSaved": true});
    let (_, told) = stage.post("/api/v1/simulate", "gkt_owner", &ask).await;
    assert_eq!(told["timeline"][0]["conversions"][0]["money"]["revenue"], "0.50", "introduced by it: {told}");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_contradicts_itself_is_refused_with_the_field() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    known(&stage, &tenant).await;
    let recorded = json!({"kind": "recorded"});
    let clicks = json!({"gkClickIds": [tenant.click_id(1).as_uuid()]});
    let changed = |name: &str, value: Value| {
        let mut selection = everything();
        selection[name] = value;
        selection
    };
    let unknown = json!({"eventId": "Install", "offerEventId": "0194a3c0-0000-7000-8000-0000000000ff"});
    let cases = [
        (json!({}), recorded.clone(), true, "selection.offerId"),
        (changed("to", json!(moment(-2 * DAY))), recorded.clone(), true, "selection.to"),
        (changed("eventId", json!("a\0b")), recorded.clone(), true, "selection.eventId"),
        (changed("code", json!("PAID")), recorded.clone(), true, "selection.code"),
        (changed("offerId", json!(offer_and_publisher().1)), recorded.clone(), true, "selection.offerId"),
        (changed("gkClickIds", clicks["gkClickIds"].clone()), recorded.clone(), true, "selection.gkClickIds"),
        (json!({"gkClickIds": []}), recorded, true, "selection.gkClickIds"),
        (everything(), json!({"kind": "best"}), true, "terms.kind"),
        (everything(), json!({"kind": "version"}), true, "terms.version"),
        (everything(), json!({"kind": "version", "version": 7}), true, "terms.version"),
        (everything(), json!({"kind": "newest", "version": 1}), true, "terms.version"),
        (everything(), json!({"kind": "draft"}), true, "terms.draft"),
        (everything(), json!({"kind": "newest", "draft": draft()}), true, "terms.draft"),
        (everything(), json!({"kind": "draft", "draft": draft()}), false, "dryRun"),
        (
            everything(),
            json!({"kind": "draft", "draft": {"currency": "USD", "events": [unknown]}}),
            true,
            "terms.draft.events[0].offerEventId",
        ),
        (clicks, json!({"kind": "version", "version": 1}), true, "selection.offerId"),
    ];
    for (selection, terms, dry_run, field) in cases {
        let order = json!({"selection": selection, "terms": terms, "dryRun": dry_run});
        let (status, body) = stage.post("/api/v1/replays", "gkt_owner", &order).await;
        assert_eq!((status, body["errors"][0]["field"].as_str()), (422, Some(field)), "{order}: {body}");
    }
    assert_eq!(stage.count("SELECT count(*) AS count FROM replays").await, 0);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_share_an_order_and_a_journey_that_can_not_be_read_is_passed_over() {
    const CLICKS: u8 = 250;
    let tenant = Tenant::new(1);
    let stage = Stage::replicas_with(2, &tenant).await;
    known(&stage, &tenant).await;
    stage.say_clicks((0..CLICKS).map(|number| tenant.click(number))).await;
    stage.say_postbacks((0..CLICKS).map(|number| tenant.postback(number, "Install", 10))).await;
    stage.coded("QUALIFIED", i64::from(CLICKS)).await;
    stage.rows("SELECT count(*) AS count FROM journeys WHERE click IS NOT NULL", i64::from(CLICKS)).await;
    stage.meddle(&unreadable(&tenant, 4)).await;
    for dry_run in [true, false] {
        let body = replay(&stage, everything(), json!({"kind": "newest"}), dry_run).await;
        assert_eq!((&body["judged"], &body["unreadable"]), (&json!(CLICKS), &json!(1)), "{body}");
        assert_eq!(sum(&body, "before").0, i64::from(CLICKS) - 1, "each once");
    }
    // What is old is forgotten; what was an input stays.
    stage.meddle("UPDATE replays SET ordered_at = ordered_at - interval '31 days'").await;
    stage.rows("SELECT count(*) AS count FROM replays", 0).await;
    for table in ["replay_journeys", "replay_differences", "replay_counts", "replay_sums"] {
        stage.rows(&format!("SELECT count(*) AS count FROM {table}"), 0).await;
    }
    let replayed = "SELECT count(*) AS count FROM journeys WHERE replayed = '{1}'";
    assert_eq!(stage.count(replayed).await, i64::from(CLICKS) - 1);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_waits_for_nobody_who_judges_and_nobody_waits_for_it() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    known(&stage, &tenant).await;
    stage.say_first_click(tenant.click(1)).await;
    stage.say_postbacks([tenant.postback(1, "Install", 10)]).await;
    stage.coded("QUALIFIED", 1).await;
    // As a batch holds its journeys, and a change of the catalog holds the catalog: whoever takes either lock waits.
    let mut other = stage.database.admin().await;
    for statement in [
        "BEGIN",
        "SELECT pg_advisory_xact_lock(x'00676b6174747200'::bigint)",
        "SELECT click_id FROM journeys FOR UPDATE",
        "LOCK TABLE journeys, journey_postbacks, conversions, decisions IN EXCLUSIVE MODE",
    ] {
        diesel_async::RunQueryDsl::execute(diesel::sql_query(statement), &mut other).await.expect("a lock");
    }
    let body = replay(&stage, everything(), json!({"kind": "newest"}), true).await;
    assert!(is_same(&body) && body["judged"] == 1, "{body}");
    diesel_async::RunQueryDsl::execute(diesel::sql_query("ROLLBACK"), &mut other).await.expect("an end");
    stage.strike().await;
}
