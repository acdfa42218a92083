//! Plays one row: an offer of its own, a click before the change and one after it.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use contracts::catalog::{OfferChanged, OfferStatus, OfferVersionCreated};
use prost::Message as _;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use system_tests::{
    api::{Api, text},
    catalog::Tenant,
    guide::Guide,
    truth::Truth,
};
use test_kit::{FakeAppsFlyer, Postback, click_id_of, eventually, http_client};

use super::row::{ANOTHER_ADVERTISER, Applies, Calls, Change, Row, offer};

const SOON: Duration = Duration::from_secs(60);

/// Where all rows are played, each with an offer of its own.
pub struct Scene<'a> {
    guide: &'a Guide,
    truth: &'a Truth,
    /// Another advertiser of the tenant.
    other_advertiser: String,
    apps_flyer: FakeAppsFlyer,
    attribution: Api,
    clicks: AtomicUsize,
}

/// The clicks of a row that was played: the one before the change, and the one after it when there could be one.
pub struct Clicks {
    pub earlier: String,
    pub later: Option<String>,
}

/// An offer that is shared, and its link.
struct Offered {
    path: String,
    id: uuid::Uuid,
    link: String,
}

impl<'a> Scene<'a> {
    pub async fn new(guide: &'a Guide, truth: &'a Truth) -> Self {
        Self {
            guide,
            truth,
            other_advertiser: guide.tenant.advertiser("Tennis").await.unwrap(),
            apps_flyer: guide.apps_flyer(),
            attribution: guide.attribution(),
            clicks: AtomicUsize::new(0),
        }
    }

    const fn tenant(&self) -> &Tenant {
        &self.guide.tenant
    }

    /// Plays a row and checks everything but what payout is told.
    pub async fn play(&self, row: &Row) -> Option<Clicks> {
        let name = row.field;
        let mut fields = offer(&self.guide.advertiser);
        (row.base)(&mut fields);
        let offered = self.offer(&fields).await;
        if row.applies == Applies::Never {
            self.is_refused(row, &offered, fields).await;
            return None;
        }

        let earlier = self.click(&offered, 1).await;
        let (calls, codes) = row.before;
        self.call(&earlier, calls).await;
        self.coded(name, "before", &earlier, codes).await;
        self.waits(row, &earlier, 0).await;

        match row.change {
            Change::Fields(change) => self.save(row, &offered, fields, change).await,
            Change::Status(path, body) => self.change_status(&offered, path, body).await,
        }
        self.coded(name, "once the change is known", &earlier, row.lifted).await;
        self.waits(row, &earlier, 1).await;

        let later = if row.closes {
            self.closed(name, &offered).await;
            None
        } else {
            Some(self.click(&offered, 2).await)
        };
        let [of_earlier, of_later] = row.codes;
        self.call(&earlier, row.after).await;
        self.coded(name, "of the earlier click", &earlier, &[row.lifted, of_earlier].concat()).await;
        if let Some(later) = &later {
            self.call(later, row.after).await;
            self.coded(name, "of the later click", later, of_later).await;
        }
        Some(Clicks { earlier, later })
    }

    /// An event that a second version introduces and a third one pays more for: a click under each of the three, whose users
    /// all do it.
    pub async fn play_a_later_event(&self, payouts: [&str; 2]) -> Vec<String> {
        let mut fields = offer(&self.guide.advertiser);
        let offered = self.offer(&fields).await;
        let mut clicks = vec![self.click(&offered, 1).await];
        for (version, payout) in (2..).zip(payouts) {
            fields["events"].as_array_mut().unwrap().truncate(3);
            fields["events"].as_array_mut().unwrap().push(json!({
                "eventId": "level_30", "name": "Reach Level 30", "sequenceNumber": null, "pendingTime": 0,
                "revenue": "9.00", "payout": payout,
            }));
            self.tenant().api.put(&offered.path, &fields).await.unwrap();
            clicks.push(self.click(&offered, version).await);
        }
        eventually("attribution holds all versions", SOON, async || {
            let held = self.truth.offer_versions(offered.id).await.len();
            if held == 3 { Ok(()) } else { Err(held) }
        })
        .await;
        for click in &clicks {
            self.call(click, &["cnv_event_id=level_30"]).await;
            self.coded("a later event", "of every click", click, &["QUALIFIED"]).await;
        }
        clicks
    }

    async fn offer(&self, fields: &Value) -> Offered {
        let id = self.tenant().offer(fields).await.unwrap();
        let shared = self.tenant().share(&id, &self.guide.publisher).await.unwrap();
        Offered { path: format!("/api/v1/offers/{id}"), id: id.parse().unwrap(), link: shared.tracking_link }
    }

    /// The fields after a change; events keep their lasting ids.
    async fn changed(&self, offered: &Offered, mut fields: Value, change: fn(&mut Value)) -> Value {
        change(&mut fields);
        if fields["advertiserId"] == ANOTHER_ADVERTISER {
            fields["advertiserId"] = json!(self.other_advertiser);
        }
        let shown = self.tenant().api.get(&offered.path).await.unwrap();
        let shown = shown["events"].as_array().unwrap();
        for (event, shown) in fields["events"].as_array_mut().unwrap().iter_mut().zip(shown) {
            event["offerEventId"] = shown["offerEventId"].clone();
        }
        fields
    }

    async fn is_refused(&self, row: &Row, offered: &Offered, fields: Value) {
        let Change::Fields(change) = row.change else { unreachable!("only fields are fixed") };
        let fields = self.changed(offered, fields, change).await;
        let (status, problem) =
            self.tenant().api.try_call(Method::PUT, &offered.path, Some(&fields)).await.unwrap();
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{}: {problem}", row.field);
        let wrong: Vec<_> =
            problem["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
        assert_eq!(wrong, [row.field], "{problem}");
        assert!(problem.to_string().contains("clone the offer"), "{problem}");
        let versions = self.tenant().api.get(&format!("{}/versions", offered.path)).await.unwrap();
        assert_eq!(versions["total"], 1, "nothing is saved");
    }

    /// Saves a change that touches nothing but the row's field, and waits until attribution holds it beside the version before.
    async fn save(&self, row: &Row, offered: &Offered, fields: Value, change: fn(&mut Value)) {
        let api = &self.tenant().api;
        let fields = self.changed(offered, fields, change).await;
        let preview = api.post(&format!("{}/preview", offered.path), &fields).await.unwrap();
        let touched: Vec<_> = preview["changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|change| {
                (without_places(text(change, "/field").unwrap()), text(change, "/applies").unwrap())
            })
            .collect();
        assert_eq!(touched, [(row.field.to_owned(), row.applies.word())], "{preview:#}");
        api.put(&offered.path, &fields).await.unwrap();

        let versions = eventually("attribution holds both versions", SOON, async || {
            let held = self.truth.offer_versions(offered.id).await;
            if held.len() == 2 { Ok(held) } else { Err((row.field, held.len())) }
        })
        .await;
        let read = |number: i32| OfferVersionCreated::decode(versions[&number].as_slice()).unwrap();
        let (one, two) = (read(1), read(2));
        if let Some(held) = &row.held {
            assert_eq!(
                ((held.of)(&one), (held.of)(&two)),
                (held.was.clone(), held.is.clone()),
                "{}",
                row.field
            );
        } else {
            let as_one = OfferVersionCreated { version: 1, created_at_micros: one.created_at_micros, ..two };
            assert_eq!(as_one, one, "{} is told; say in its row what attribution holds", row.field);
        }
    }

    async fn change_status(&self, offered: &Offered, path: &str, body: &str) {
        let body: Value = serde_json::from_str(body).unwrap();
        self.tenant().api.post(&format!("{}/{path}", offered.path), &body).await.unwrap();
        let fact = eventually("attribution knows the new status", SOON, async || {
            let fact = self.truth.offer(offered.id).await.ok_or("no offer")?;
            let fact = OfferChanged::decode(fact.as_slice()).unwrap();
            if fact.status() == OfferStatus::Ready { Err("still ready") } else { Ok(fact) }
        })
        .await;
        assert_eq!(fact.event_stops.len(), usize::from(body["stopAll"] == true), "{path} {body}");
        assert_eq!(self.truth.offer_versions(offered.id).await.len(), 1, "a status makes no version");
    }

    /// A click under a version of the offer, known to attribution.
    async fn click(&self, offered: &Offered, version: u32) -> String {
        eventually("the tracker takes clicks under the version", SOON, async || {
            let location = self.follow(offered).await?;
            let click = click_id_of(&location);
            let under = eventually("attribution knows the click", SOON, async || {
                let path = format!("/api/v1/journeys/{click}");
                let (status, journey) = self.attribution.try_call(Method::GET, &path, None).await.unwrap();
                journey["click"]["offerVersion"].as_u64().ok_or(status)
            })
            .await;
            if under == u64::from(version) { Ok(click) } else { Err(format!("under version {under}")) }
        })
        .await
    }

    /// What happens to somebody who follows the link for the first time.
    async fn follow(&self, offered: &Offered) -> Result<String, String> {
        let number = self.clicks.fetch_add(1, Ordering::Relaxed);
        let link = offered
            .link
            .replace("{pub_click_id}", &format!("c-{number}"))
            .replace("{pub_member_id}", &format!("m-{number}"));
        let answer = http_client().get(&link).send().await.map_err(|error| error.to_string())?;
        match answer.headers().get("location") {
            Some(location) if answer.status() == StatusCode::FOUND => {
                Ok(location.to_str().unwrap_or_default().to_owned())
            }
            _ => Err(answer.status().to_string()),
        }
    }

    async fn closed(&self, name: &str, offered: &Offered) {
        eventually("the tracker takes no more clicks", SOON, async || match self.follow(offered).await {
            Ok(location) => Err(format!("{name}: {location}")),
            Err(_refused) => Ok(()),
        })
        .await;
    }

    async fn call(&self, click: &str, calls: Calls) {
        for call in calls {
            let postback = call
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .fold(Postback::install(click), |postback, (name, value)| {
                    postback.with(name, &moment(value))
                });
            assert_eq!(self.apps_flyer.send(&postback).await.status, 200, "{call}");
        }
    }

    /// Waits until a journey's postbacks have these codes, in the order of receipt.
    async fn coded(&self, name: &str, when: &str, click: &str, expected: &[&str]) {
        eventually("the codes of the row", SOON, async || {
            let journey = self.attribution.get(&format!("/api/v1/journeys/{click}")).await.unwrap();
            let postbacks = journey["postbacks"].as_array().cloned().unwrap_or_default();
            let codes: Vec<_> = postbacks.iter().filter_map(|one| one["code"].as_str()).collect();
            if codes == expected {
                Ok(())
            } else {
                Err(format!("{name}, {when}: {codes:?}, not {expected:?}"))
            }
        })
        .await;
    }

    async fn waits(&self, row: &Row, click: &str, place: usize) {
        let Some(expected) = row.waits.map(|waits| waits[place]) else { return };
        eventually("the journey waits as long as the row says", SOON, async || {
            let journey = self.attribution.get(&format!("/api/v1/journeys/{click}")).await.unwrap();
            let at = |pointer: &str| {
                let text = journey.pointer(pointer)?.as_str()?;
                Some(chrono::DateTime::parse_from_rfc3339(text).unwrap())
            };
            let waits = at("/waitsUntil").zip(at("/postbacks/0/receivedAt"));
            let hours = waits.map(|(until, from)| (until - from).num_hours());
            if hours == Some(expected) { Ok(()) } else { Err(journey) }
        })
        .await;
    }
}

/// A time such as `-2h` as AppsFlyer would write it, other values as they are.
fn moment(value: &str) -> String {
    let hours = value.strip_suffix('h').and_then(|hours| hours.parse::<i64>().ok());
    hours.map_or_else(
        || value.to_owned(),
        |hours| (chrono::Utc::now() + chrono::Duration::hours(hours)).format("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

/// `events[1].payout` → `events.payout`: the field, wherever its event stands.
fn without_places(field: &str) -> String {
    field.split(['[', ']']).step_by(2).collect()
}
