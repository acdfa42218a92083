//! The partner feed: what is shared with the calling publisher, only that, and how it keeps up.

use std::{collections::BTreeSet, time::Duration};

use diesel::{QueryableByName, sql_query, sql_types::Text};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use reqwest::Method;
use serde_json::{Value, json};
use test_kit::eventually;

use crate::{
    catalog::{Answer, Catalog, golfin, text},
    scheduled::in_hours,
};

const FEED: &str = "/sdk-offer-management/partner";
const PATIENCE: Duration = Duration::from_secs(20);

/// A tenant with a publisher that has a token of its own.
struct Scene {
    catalog: Catalog,
    owner: String,
    advertiser: String,
    publisher: String,
    partner: String,
}

impl Scene {
    async fn start_with(variables: &[(&str, &str)]) -> Self {
        let bus = [("BUS__URL", "amqp://127.0.0.1:1"), ("SCHEDULE__POLL_MS", "50")];
        let variables: Vec<(&str, String)> =
            bus.iter().chain(variables).map(|(name, value)| (*name, (*value).to_owned())).collect();
        let catalog = Catalog::start_with(&variables).await;
        let owner = catalog.tenant("Brownboots").await;
        let advertiser = catalog.advertiser(&owner).await;
        let publisher = catalog.publisher(&owner).await;
        let partner = partner_token(&catalog, &owner, &publisher).await;
        Self { catalog, owner, advertiser, publisher, partner }
    }

    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// An offer with some fields of its own, created and shared with a publisher; answers its id.
    async fn shared(&self, changes: Value, publisher: &str) -> String {
        let mut body = golfin(&self.advertiser);
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let draft = self.catalog.post("/offers", &self.owner, body).await.ok();
        let id = text(&draft, "/offerId");
        let ticks = json!({"acceptedWarnings": ["launch_in_past", "no_creative"]});
        self.catalog.post(&format!("/offers/{id}/create"), &self.owner, ticks).await.ok();
        let with = json!({ "publisherId": publisher });
        self.catalog.post(&format!("/offers/{id}/share"), &self.owner, with).await.ok();
        id
    }

    async fn golfin(&self) -> String {
        self.shared(json!({}), &self.publisher).await
    }

    /// Saves the offer as it is but for some fields.
    async fn change(&self, id: &str, pointer: &str, value: Value) {
        let path = format!("/offers/{id}");
        let mut offer = self.catalog.get(&path, &self.owner).await.ok();
        let mut body = golfin(&self.advertiser);
        for (name, field) in body.as_object_mut().unwrap() {
            *field = offer[name].take();
        }
        for optional in ["advertiserCampaignName", "fallbackLink", "keyPoints", "expiryDate"] {
            body[optional] = offer[optional].take();
        }
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[name] = value;
        self.catalog.put(&path, &self.owner, body).await.ok();
    }

    async fn act(&self, id: &str, action: &str) {
        self.catalog.post(&format!("/offers/{id}/{action}"), &self.owner, json!({})).await.ok();
    }

    /// A moment in so many seconds, by the clock that the feed looks at.
    async fn soon(&self, seconds: u32) -> String {
        #[derive(QueryableByName)]
        struct Moment {
            #[diesel(sql_type = Text)]
            moment: String,
        }

        let moment = format!(
            "SELECT to_char((now() + interval '{seconds} s') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS moment"
        );
        let found: Moment =
            sql_query(moment).get_result(&mut self.catalog.database.admin().await).await.expect("a moment");
        found.moment
    }

    async fn feed(&self, query: &str) -> Value {
        self.catalog.get(&format!("{FEED}{query}"), &self.partner).await.ok()
    }

    async fn feed_unless(&self, path: &str, etag: &str) -> Answer {
        let headers = [("if-none-match", etag)];
        self.catalog.call_with(Method::GET, path, &self.partner, None, &headers).await
    }

    async fn ids(&self, query: &str) -> Vec<String> {
        ids(&self.feed(query).await)
    }
}

async fn partner_token(catalog: &Catalog, owner: &str, publisher: &str) -> String {
    let body = json!({"role": "publisher", "publisherId": publisher});
    text(&catalog.post("/tokens", owner, body).await.ok(), "/apiToken")
}

fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| text(item, "/offerId")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_sees_what_is_shared_with_it_and_no_more() {
    let scene = Scene::start().await;
    let mine = scene.golfin().await;
    let other = scene.catalog.publisher(&scene.owner).await;
    let theirs = scene.shared(json!({}), &other).await;
    scene.catalog.offer(&scene.owner).await;

    let page = scene.feed("").await;
    assert_eq!((ids(&page), page["total"].as_u64()), (vec![mine.clone()], Some(1)));
    assert_eq!((page["page"].as_u64(), page["pageSize"].as_u64()), (Some(0), Some(10)));
    assert!(page["nextCursor"].is_null());
    let shown = scene.feed(&format!("/{mine}")).await;
    assert_eq!(page["items"][0], shown);
    insta::assert_json_snapshot!(shown, {
        ".offerId" => "[id]",
        ".trackingLink" => "[link]",
        ".events[].offerEventId" => "[id]",
        ".sharedAt" => "[time]",
        ".updatedAt" => "[time]",
    });
    // The link is the one that the account manager sees.
    let offer = scene.catalog.get(&format!("/offers/{mine}"), &scene.owner).await.ok();
    assert_eq!(shown["trackingLink"], offer["sharedTo"]["trackingLink"]);

    for id in [theirs.as_str(), "01939b4e-5c00-7000-8000-000000000000"] {
        scene.catalog.get(&format!("{FEED}/{id}"), &scene.partner).await.problem(404, "not_found");
    }
    scene.catalog.get(&format!("{FEED}/golfin"), &scene.partner).await.problem(400, "invalid_path");
    // Another tenant's publisher has a feed of its own.
    let redshoes = scene.catalog.tenant("Redshoes").await;
    let publisher = scene.catalog.publisher(&redshoes).await;
    let stranger = partner_token(&scene.catalog, &redshoes, &publisher).await;
    assert_eq!(scene.catalog.get(FEED, &stranger).await.ok()["total"], 0);
    scene.catalog.get(&format!("{FEED}/{mine}"), &stranger).await.problem(404, "not_found");
}

fn without_times(value: Value) -> Value {
    match value {
        Value::String(text) if chrono::DateTime::parse_from_rfc3339(&text).is_ok() => Value::Null,
        Value::Array(list) => list.into_iter().map(without_times).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, without_times(value))).collect()
        }
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => other,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_never_shows_what_the_advertiser_pays() {
    let scene = Scene::start().await;
    let id = scene
        .shared(
            json!({
                "advertiserCampaignName": "secret-campaign", "fallbackLink": "https://secret-fallback.example/",
                "budget": {"total": "43219876.00", "daily": "432198.70"},
                "events": [
                    {"eventId": "Install", "name": "Install", "sequenceNumber": 1, "pendingTime": 0,
                     "revenue": "8.88", "payout": {"model": "RevenueShare", "percent": "50"}, "dailyCap": 777_777_777},
                    {"eventId": "af_purchase", "name": "Purchase", "sequenceNumber": null, "pendingTime": 7, "displayOrder": 1,
                     "revenue": {"model": "Percent", "percent": "12.34"},
                     "payout": {"model": "RevenueShare", "percent": "33.33"}, "publisherCaps": {"dailyCap": 5}},
                ],
            }),
            &scene.publisher,
        )
        .await;
    let shown = scene.feed(&format!("/{id}")).await;
    // A time has random digits, which may look like anything; so have ids, but not seven decimal ones in a row.
    let said = without_times(shown.clone()).to_string();
    for secret in [
        "secret-",
        "8.88",
        "12.34",
        "33.33",
        "\"50\"",
        "432198",
        "777777",
        "evenue",
        "udget",
        "dvertiser",
        "appsflyer",
    ] {
        assert!(!said.contains(secret), "{secret}: {said}");
    }
    let events = shown["events"].as_array().unwrap();
    let payout = |event: &str| {
        let found = events.iter().find(|of| of["eventId"] == event).unwrap();
        found["payout"].clone()
    };
    assert_eq!(payout("Install"), json!({"model": "FlatRate", "amount": "4.44"}));
    assert_eq!(payout("af_purchase"), json!({"model": "Percent", "percent": "4.112922"}));
    assert_eq!(events[1]["caps"], json!({"dailyCap": 5}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_meets_each_offer_once_while_offers_change() {
    let scene = Scene::start().await;
    let mut expected = Vec::new();
    for number in 0..5 {
        expected.push(scene.shared(json!({"name": format!("Offer {number}")}), &scene.publisher).await);
    }
    let mut met = Vec::new();
    let mut page = scene.feed("?page_size=2").await;
    for change in 0.. {
        met.extend(ids(&page));
        assert_eq!(page["pageSize"], 2);
        // What is behind us, before us, and new.
        if change == 0 {
            scene.change(&expected[0], "/name", json!("Renamed")).await;
            scene.act(&expected[4], "pause").await;
            expected.push(scene.golfin().await);
        }
        if page["nextCursor"].is_null() {
            break;
        }
        let cursor = text(&page, "/nextCursor");
        page = scene.feed(&format!("?page_size=2&cursor={cursor}")).await;
        assert!(page["page"].is_null());
    }
    assert_eq!(met, expected, "in the order of sharing");

    // Pages by number, from 0.
    assert_eq!(scene.ids("?page=0&page_size=4").await, expected[..4]);
    let last = scene.feed("?page=1&page_size=4").await;
    assert_eq!((ids(&last), last["total"].as_u64()), (expected[4..].to_vec(), Some(6)));
    assert!(last["nextCursor"].is_null());
    assert_eq!(scene.ids("?page=2&page_size=4").await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_are_filtered_by_their_type() {
    let scene = Scene::start().await;
    let multi = scene.golfin().await;
    let event = json!([{"eventId": "Install", "name": "Install", "sequenceNumber": 1, "pendingTime": 0,
        "revenue": "2.00", "payout": "1.00"}]);
    let single = scene.shared(json!({"offerType": "SingleEvent", "events": event}), &scene.publisher).await;
    assert_eq!(scene.ids("?offerType=SingleEvent").await, std::slice::from_ref(&single));
    assert_eq!(scene.ids("?offerType=MultiEvent").await, std::slice::from_ref(&multi));
    assert_eq!(scene.ids("").await, [multi, single]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_new_is_304_and_what_a_publisher_sees_is_news() {
    let scene = Scene::start().await;
    let id = scene.golfin().await;
    let one = format!("{FEED}/{id}");
    let mut tags = (scene.catalog.get(FEED, &scene.partner).await.etag.unwrap(), String::new());
    tags.1 = scene.catalog.get(&one, &scene.partner).await.etag.unwrap();
    let mut seen = BTreeSet::from([tags.0.clone()]);

    for (pointer, value, is_news) in [
        ("/name", json!("Golfin for iPhone"), true),
        ("/budget/total", json!("6000.00"), false),
        ("/advertiserCampaignName", json!("spring"), false),
        ("/fallbackLink", json!("https://fallback.example/"), false),
        ("/events/1/revenue", json!("6.00"), false),
        ("/events/1/payout", json!("3.50"), true),
        ("/events/1/reward", json!(600), true),
        ("/events/1/dailyCap", json!(50), false),
        ("/events/1/publisherCaps", json!({"dailyCap": 5}), true),
        ("/events/1/displayOrder", json!(3), true),
        // The payout is a share of it.
        ("/events/2/revenue", json!({"model": "Percent", "percent": "25"}), true),
        ("/creatives/0/url", json!("https://cdn.example/other.png"), true),
        ("/countries", json!(["US"]), true),
        ("/keyPoints", json!(["Free"]), true),
    ] {
        scene.change(&id, pointer, value).await;
        for (path, tag) in [(FEED, &mut tags.0), (&one, &mut tags.1)] {
            let answer = scene.feed_unless(path, tag).await;
            let expected = if is_news { 200 } else { 304 };
            assert_eq!(answer.status.as_u16(), expected, "{pointer} {path}");
            assert_eq!(answer.body.is_null(), !is_news, "{pointer}");
            assert_eq!(answer.cache_control.as_deref(), Some("private, no-cache"));
            *tag = answer.etag.unwrap();
        }
        assert_eq!(seen.insert(tags.0.clone()), is_news, "{pointer}");
    }
    for (action, status) in [("pause", "Paused"), ("resume", "Scheduled"), ("end", "Ended")] {
        scene.act(&id, action).await;
        let answer = scene.feed_unless(FEED, &tags.0).await;
        tags.0 = answer.etag.clone().unwrap();
        assert_eq!(answer.ok()["items"][0]["status"], status);
    }
    // Of several tags one may be it.
    assert_eq!(scene.feed_unless(FEED, &format!("\"other\", {}", tags.0)).await.status.as_u16(), 304);
    let new = scene.golfin().await;
    let answer = scene.feed_unless(FEED, &tags.0).await;
    assert_eq!(ids(&answer.ok()), [id, new]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_payout_is_news_when_it_happens() {
    let scene = Scene::start().await;
    let id = scene.golfin().await;
    let path = format!("/offers/{id}/scheduled-changes");
    let body = json!({"eventId": "level_10", "field": "payout", "value": "3.75", "at": in_hours(2)});
    let tag = scene.catalog.get(FEED, &scene.partner).await.etag.unwrap();
    scene.catalog.post(&path, &scene.owner, body).await.ok();
    assert_eq!(scene.feed_unless(FEED, &tag).await.status.as_u16(), 304, "a plan is no news");
    let due = "UPDATE scheduled_changes SET due_at = now() - interval '1 minute'";
    scene.catalog.database.admin().await.batch_execute(due).await.unwrap();
    let news = eventually("the feed has it", PATIENCE, async || {
        let answer = scene.feed_unless(FEED, &tag).await;
        (answer.status.as_u16() == 200).then(|| answer.ok())
    })
    .await;
    assert_eq!(news["items"][0]["events"][1]["payout"]["amount"], "3.75");
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_that_come_are_news() {
    let scene = Scene::start().await;
    let dates = json!({"launchDate": scene.soon(4).await, "expiryDate": scene.soon(6).await});
    let id = scene.shared(dates, &scene.publisher).await;
    let mut version = text(&scene.feed("").await, "/feedVersion");
    for status in ["Live", "Ended"] {
        let news = eventually(status, PATIENCE, async || {
            let news = scene.feed(&format!("?changedSince={version}")).await;
            (news["items"][0]["status"] == status).then_some(news)
        })
        .await;
        assert_eq!(ids(&news), [id.as_str()]);
        version = text(&news, "/feedVersion");
        assert_eq!(scene.ids(&format!("?changedSince={version}")).await, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_since_tells_the_news_alone() {
    let scene = Scene::start().await;
    let (first, second) = (scene.golfin().await, scene.golfin().await);
    let before = scene.feed("").await;
    let version = text(&before, "/feedVersion");
    let since = format!("?changedSince={version}");
    assert_eq!(scene.ids(&since).await, Vec::<String>::new());
    scene.change(&second, "/events/0/payout", json!("1.10")).await;
    let third = scene.golfin().await;
    let news = scene.feed(&since).await;
    assert_eq!((ids(&news), news["total"].as_u64()), (vec![second.clone(), third.clone()], Some(2)));
    // Page by page as well.
    let page = scene.feed(&format!("{since}&page_size=1")).await;
    let next = format!("{since}&page_size=1&cursor={}", text(&page, "/nextCursor"));
    assert_eq!((ids(&page), scene.ids(&next).await), (vec![second.clone()], vec![third.clone()]));
    // Or by time.
    let moment = text(&before, "/items/1/updatedAt");
    assert_eq!(scene.ids(&format!("?changedSince={moment}")).await, [second.clone(), third.clone()]);
    assert_eq!(scene.ids("?changedSince=2020-01-01").await, [first, second, third]);
    assert_eq!(scene.ids("?changedSince=2999-01-01").await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_parameters_are_all_named() {
    let scene = Scene::start().await;
    scene.golfin().await;
    scene.golfin().await;
    let refused = |query: String| {
        let scene = &scene;
        async move {
            scene.catalog.get(&format!("{FEED}{query}"), &scene.partner).await.fields(400, "invalid_query")
        }
    };
    let all = "?page=-1&page_size=101&cursor=abc&offerType=Coupon&changedSince=soon&offer_type=SingleEvent";
    let fields = refused(all.to_owned()).await;
    assert_eq!(fields, ["offer_type", "page", "page_size", "offerType", "changedSince", "cursor"]);
    let page = scene.feed("?page_size=1").await;
    let cursor = text(&page, "/nextCursor");
    assert_eq!(refused(format!("?cursor={cursor}&page=1")).await, ["page"]);
    assert_eq!(
        refused(format!("?cursor={cursor}&offerType=MultiEvent")).await,
        ["cursor"],
        "of another walk"
    );
    assert_eq!(refused(format!("?cursor={}", cursor.trim_start_matches('A'))).await, ["cursor"]);
    let other = scene.catalog.publisher(&scene.owner).await;
    let token = partner_token(&scene.catalog, &scene.owner, &other).await;
    let borrowed = scene.catalog.get(&format!("{FEED}?cursor={cursor}"), &token).await;
    let problem = borrowed.problem(400, "invalid_query");
    assert!(text(&problem, "/errors/0/detail").contains("nextCursor"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_roles_are_refused_with_a_sentence() {
    let scene = Scene::start().await;
    let id = scene.golfin().await;
    for role in ["owner", "manager", "analyst"] {
        let issued = scene.catalog.post("/tokens", &scene.owner, json!({ "role": role })).await.ok();
        let token = text(&issued, "/apiToken");
        for path in [FEED.to_owned(), format!("{FEED}/{id}")] {
            let problem = scene.catalog.get(&path, &token).await.problem(403, "forbidden");
            let detail = text(&problem, "/detail");
            assert!(detail.contains("publisher's token") && detail.contains(role), "{detail}");
        }
    }
    // And a publisher's token opens nothing else.
    for path in
        ["/offers".to_owned(), format!("/offers/{id}"), "/publishers".to_owned(), "/audit-log".to_owned()]
    {
        scene.catalog.get(&path, &scene.partner).await.problem(403, "forbidden");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_calls_too_often_waits_and_holds_up_no_other() {
    let scene = Scene::start_with(&[("FEED__CALLS_PER_MINUTE", "1"), ("FEED__BURST", "2")]).await;
    for _call in 0..2 {
        scene.feed("").await;
    }
    let refused = scene.catalog.get(FEED, &scene.partner).await;
    assert!((1..=60).contains(&refused.retry_after.unwrap()));
    let problem = refused.problem(429, "too_many_requests");
    assert!(text(&problem, "/detail").contains("1 times a minute"), "{problem}");
    let other = partner_token(&scene.catalog, &scene.owner, &scene.publisher).await;
    scene.catalog.get(FEED, &other).await.ok();
    // The rest of the API is not the feed's business.
    scene.catalog.get("/offers", &scene.owner).await.ok();
}
