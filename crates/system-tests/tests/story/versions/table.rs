//! The table of versions, field by field.
//!
//! Where no rule of attribution looks at a field, its row shows what attribution holds of it in either version, and that
//! journeys go on as before: caps, budget and over-limit action are payout's to judge, targeting of people, fallback and links
//! the tracker's, and what users read nobody's.

use contracts::{
    attribution::ConversionVerdict,
    catalog::{EventTerms, OfferEvent, OfferVersionCreated},
    common::{MoneyTerms, payout_terms, revenue_terms},
};
use serde_json::{Value, json};

use super::row::{
    ANOTHER_ADVERTISER,
    Applies::{AtOnce, Never, NewClicks, OpenJourneys},
    Row,
};

/// Every row.
pub fn table() -> Vec<Row> {
    [terms(), identity(), targets(), at_once(), limits(), shown(), fixed()].into_iter().flatten().collect()
}

/// Revenue, payout, reward, pending time, deadline and its anchor, min time, repetitions, fraud-reversal switch.
fn terms() -> Vec<Row> {
    vec![
        Row::new("events.revenue", NewClicks, |offer| offer["events"][0]["revenue"] = json!("3.00"))
            .held(|version| revenue(&money(version)), "flat:1000000", "flat:3000000")
            .told(|verdict| revenue(&terms_of(verdict))),
        Row::new("events.revenue", NewClicks, |offer| {
            offer["events"][0]["revenue"] = json!({"model": "Percent", "percent": "12.5"});
        })
        .held(|version| revenue(&money(version)), "flat:1000000", "percent:1250")
        .told(|verdict| revenue(&terms_of(verdict))),
        Row::new("events.payout", NewClicks, |offer| offer["events"][0]["payout"] = json!("0.90"))
            .held(|version| payout(&money(version)), "flat:700000", "flat:900000")
            .told(|verdict| payout(&terms_of(verdict))),
        Row::new("events.payout", NewClicks, |offer| {
            offer["events"][0]["payout"] = json!({"model": "RevenueShare", "percent": "50"});
        })
        .held(|version| payout(&money(version)), "flat:700000", "share:5000")
        .told(|verdict| payout(&terms_of(verdict))),
        Row::new("events.reward", NewClicks, |offer| offer["events"][0]["reward"] = json!(500))
            .held(|version| json!(money(version).reward_points), 0, 500)
            .told(|verdict| json!(terms_of(verdict).reward_points)),
        Row::new("events.pendingTime", NewClicks, |offer| offer["events"][0]["pendingTime"] = json!(9))
            .held(|version| json!(money(version).pending_days), 0, 9)
            .told(|verdict| json!(terms_of(verdict).pending_days)),
        Row::new("reverseOnFraud", NewClicks, |offer| offer["reverseOnFraud"] = json!(true))
            .held(|version| json!(money(version).reverse_on_fraud), false, true)
            .told(|verdict| json!(terms_of(verdict).reverse_on_fraud)),
        Row::new("events.deadlineDays", NewClicks, |offer| offer["events"][0]["deadlineDays"] = json!(2))
            .base(|offer| {
                offer["deadlineAnchor"] = json!("Install");
                offer["events"][0]["deadlineDays"] = json!(30);
            })
            .held(|version| json!(event_terms(version).deadline_days), 30, 2)
            .after(&["cnv_event_id=Install&install_time=-240h"], &["QUALIFIED"], &["REJECTED_LATE"]),
        Row::new("deadlineAnchor", NewClicks, |offer| offer["deadlineAnchor"] = json!("Install"))
            .base(|offer| offer["events"][0]["deadlineDays"] = json!(2))
            .held(
                |version| json!(event_terms(version).deadline_anchor().as_str_name()),
                "DEADLINE_ANCHOR_CLICK",
                "DEADLINE_ANCHOR_INSTALL",
            )
            .after(&["cnv_event_id=Install&install_time=-240h"], &["QUALIFIED"], &["REJECTED_LATE"]),
        Row::new("events.minTimeFromPreviousEvent", NewClicks, |offer| {
            offer["events"][1]["minTimeFromPreviousEvent"] = json!(86_400);
        })
        .held(|version| json!(terms_at(version, 1).min_time_seconds), Value::Null, 86_400)
        .after(
            &["cnv_event_id=Install", "cnv_event_id=level_10"],
            &["QUALIFIED", "QUALIFIED"],
            &["QUALIFIED", "REJECTED_TOO_FAST"],
        ),
        Row::new("events.allowRepetitions", NewClicks, |offer| {
            offer["events"][2]["allowRepetitions"] = json!(true);
        })
        .held(|version| json!(terms_at(version, 2).repetitions_allowed), false, true)
        .after(
            &["cnv_event_id=af_purchase&cnv_conversion_id=a", "cnv_event_id=af_purchase&cnv_conversion_id=b"],
            &["QUALIFIED", "DUPLICATE"],
            &["QUALIFIED", "QUALIFIED"],
        ),
    ]
}

/// Event ID, names, new events, any/all, sequence.
fn identity() -> Vec<Row> {
    vec![
        // The old name stays good for clicks of its time; it is the same event, so it is held already.
        Row::new("events.eventId", OpenJourneys, |offer| offer["events"][1]["eventId"] = json!("level_11"))
            .held(|version| json!(version.events[1].event_id), "level_10", "level_11")
            .before(
                &["cnv_event_id=Install", "cnv_event_id=level_11"],
                &["QUALIFIED", "UNMAPPED_EVENT"],
                &["QUALIFIED", "QUALIFIED"],
            )
            .after(&["cnv_event_id=level_10"], &["DUPLICATE"], &["UNMAPPED_EVENT"]),
        Row::new("events.name", OpenJourneys, |offer| offer["events"][0]["name"] = json!("First start"))
            .held(|version| json!(version.events[0].name), "Install", "First start")
            .told(|verdict| json!(verdict.event_name)),
        Row::new("name", AtOnce, |offer| offer["name"] = json!("Golfin II"))
            .held(|version| json!(version.name), "Golfin iOS", "Golfin II")
            .told(|verdict| json!(verdict.offer_name)),
        Row::new("events", OpenJourneys, |offer| {
            let added = json!({"eventId": "level_30", "name": "Reach Level 30", "sequenceNumber": null,
                               "pendingTime": 0, "revenue": "9.00", "payout": "6.00"});
            offer["events"].as_array_mut().unwrap().push(added);
        })
        .held(
            |version| version.events.get(3).map_or(Value::Null, |event| payout(&money_of(event))),
            Value::Null,
            "flat:6000000",
        )
        .before(&["cnv_event_id=level_30"], &["UNMAPPED_EVENT"], &["QUALIFIED"])
        .after(&["cnv_event_id=level_30"], &["DUPLICATE"], &["QUALIFIED"])
        .told(|verdict| payout(&terms_of(verdict)))
        .introduced(),
        // One that is gone: earlier clicks keep it.
        Row::new("events", NewClicks, |offer| drop(offer["events"].as_array_mut().unwrap().pop()))
            .held(|version| json!(version.events.len()), 3, 2)
            .after(&["cnv_event_id=af_purchase"], &["QUALIFIED"], &["UNMAPPED_EVENT"]),
        Row::new("events.sequenceNumber", OpenJourneys, |offer| {
            offer["events"][1]["sequenceNumber"] = Value::Null;
        })
        .held(|version| json!(version.events[1].sequence_number), 2, Value::Null)
        .before(&["cnv_event_id=level_10"], &["WAITING_SEQUENCE"], &["QUALIFIED"])
        .after(&["cnv_event_id=level_10"], &["DUPLICATE"], &["QUALIFIED"]),
        // The other way nothing is un-reached; new clicks have to keep to it.
        Row::new("events.sequenceNumber", OpenJourneys, |offer| {
            offer["events"][2]["sequenceNumber"] = json!(3);
        })
        .held(|version| json!(version.events[2].sequence_number), Value::Null, 3)
        .before(&["cnv_event_id=af_purchase"], &["QUALIFIED"], &["QUALIFIED"])
        .after(&["cnv_event_id=af_purchase"], &["DUPLICATE"], &["WAITING_SEQUENCE"]),
        Row::new("sequenceRules", OpenJourneys, |offer| {
            offer["sequenceRules"] = json!([{"sequenceNumber": 1, "reachedBy": "Any"}]);
        })
        .base(|offer| {
            offer["events"][2]["sequenceNumber"] = json!(1);
            offer["sequenceRules"] = json!([{"sequenceNumber": 1, "reachedBy": "All"}]);
        })
        .held(
            |version| json!(version.number_rules[0].reached_by().as_str_name()),
            "REACHED_BY_ALL",
            "REACHED_BY_ANY",
        )
        .before(
            &["cnv_event_id=Install", "cnv_event_id=level_10"],
            &["QUALIFIED", "WAITING_SEQUENCE"],
            &["QUALIFIED", "QUALIFIED"],
        )
        .after(
            &["cnv_event_id=Install", "cnv_event_id=level_10"],
            &["DUPLICATE", "DUPLICATE"],
            &["QUALIFIED", "QUALIFIED"],
        ),
        Row::new("sequenceGraceHours", OpenJourneys, |offer| offer["sequenceGraceHours"] = json!(100))
            .held(|version| json!(version.sequence_grace_hours), 72, 100)
            .before(&["cnv_event_id=level_10"], &["WAITING_SEQUENCE"], &["WAITING_SEQUENCE"])
            .waits(72, 100)
            .after(&[], &[], &[]),
    ]
}

/// Countries and platforms, widening and narrowing; and targets that only a click is ever asked for.
fn targets() -> Vec<Row> {
    vec![
        Row::new("countries", OpenJourneys, |offer| offer["countries"] = json!(["ZA", "US"]))
            .base(|offer| offer["countries"] = json!(["ZA"]))
            .held(|version| json!(version.countries.contains(&"US".to_owned())), false, true)
            .before(&["cnv_event_id=Install&country_code=US"], &["REJECTED_TARGETING"], &["QUALIFIED"])
            .after(&["cnv_event_id=Install&country_code=US"], &["DUPLICATE"], &["QUALIFIED"]),
        Row::new("countries", OpenJourneys, |offer| offer["countries"] = json!(["All"]))
            .base(|offer| offer["countries"] = json!(["ZA"]))
            .held(|version| json!(version.countries), json!(["ZA"]), json!([]))
            .before(&["cnv_event_id=Install&country_code=US"], &["REJECTED_TARGETING"], &["QUALIFIED"])
            .after(&["cnv_event_id=Install&country_code=US"], &["DUPLICATE"], &["QUALIFIED"]),
        Row::new("countries", NewClicks, |offer| offer["countries"] = json!(["ZA"]))
            .base(|offer| offer["countries"] = json!(["ZA", "US"]))
            .held(|version| json!(version.countries.contains(&"US".to_owned())), true, false)
            .after(&["cnv_event_id=Install&country_code=US"], &["QUALIFIED"], &["REJECTED_TARGETING"]),
        Row::new("platforms", OpenJourneys, |offer| offer["platforms"] = json!(["IOS", "Android"]))
            .held(|version| json!(version.platforms.len()), 1, 2)
            .before(&["cnv_event_id=Install&platform=android"], &["REJECTED_TARGETING"], &["QUALIFIED"])
            .after(&["cnv_event_id=Install&platform=android"], &["DUPLICATE"], &["QUALIFIED"]),
        Row::new("platforms", NewClicks, |offer| offer["platforms"] = json!(["IOS"]))
            .base(|offer| offer["platforms"] = json!(["IOS", "Android"]))
            .held(|version| json!(version.platforms.len()), 2, 1)
            .after(&["cnv_event_id=Install&platform=android"], &["QUALIFIED"], &["REJECTED_TARGETING"]),
        Row::new("gender", NewClicks, |offer| offer["gender"] = json!("Female")).held(
            |version| json!(version.genders.len()),
            0,
            1,
        ),
        Row::new("ageRanges", NewClicks, |offer| offer["ageRanges"] = json!(["25-34"])).held(
            |version| json!(version.ages[0].to),
            Value::Null,
            34,
        ),
    ]
}

/// Dates, pause, app, fallback, links.
fn at_once() -> Vec<Row> {
    // What was accepted under the old dates stays so; both clicks are judged by the new ones.
    let two_hours_ago: &[&str] = &["cnv_event_id=Install&event_time=-2h"];
    vec![
        Row::new("launchDate", AtOnce, |offer| offer["launchDate"] = json!(hours_from_now(-1)))
            .held(|version| json!(hours_before_it_was_made(version) > 2), true, false)
            .before(&["cnv_event_id=af_purchase&event_time=-2h"], &["QUALIFIED"], &["QUALIFIED"])
            .after(two_hours_ago, &["REJECTED_OUTSIDE_DATES"], &["REJECTED_OUTSIDE_DATES"]),
        Row::new("expiryDate", AtOnce, |offer| offer["expiryDate"] = json!(hours_from_now(-1)))
            .held(|version| json!(version.end_at_micros.is_some()), false, true)
            .before(&["cnv_event_id=af_purchase"], &["QUALIFIED"], &["QUALIFIED"])
            .after(&["cnv_event_id=Install"], &["REJECTED_OUTSIDE_DATES"], &[])
            .closes(),
        // A pause stops clicks only; journeys under way keep counting.
        Row::status("pause", "pause", "{}").closes(),
        Row::status("pause", "pause", r#"{"stopAll": true}"#)
            .before(&["cnv_event_id=af_purchase"], &["QUALIFIED"], &["QUALIFIED"])
            .after(&["cnv_event_id=Install"], &["REJECTED_OFFER_PAUSED"], &[])
            .closes(),
        Row::status("end", "end", "{}").closes(),
        Row::new("appId", AtOnce, |offer| offer["appId"] = json!("id1"))
            .held(|version| json!(version.app_id), Value::Null, "id1")
            .before(&["cnv_event_id=af_purchase&app_id=id2"], &["QUALIFIED"], &["QUALIFIED"])
            .after(&["cnv_event_id=Install&app_id=id2"], &["REJECTED_WRONG_APP"], &["REJECTED_WRONG_APP"]),
        Row::new("fallbackLink", AtOnce, |offer| offer["fallbackLink"] = json!("https://golfin.example/"))
            .held(|version| json!(version.fallback_link), Value::Null, "https://golfin.example/"),
        Row::new("trackingSystemLink", AtOnce, |offer| {
            offer["trackingSystemLink"] = json!("https://app.appsflyer.com/id2?pid=gokart_int");
        })
        .held(
            |version| json!(version.offer_link),
            "https://app.appsflyer.com/id123456789?pid=gokart_int",
            "https://app.appsflyer.com/id2?pid=gokart_int",
        ),
    ]
}

/// Caps, budget, over-limit action: payout's to judge, by the newest version.
fn limits() -> Vec<Row> {
    vec![
        Row::new("dailyCap", AtOnce, |offer| offer["dailyCap"] = json!(5)).base(single).held(
            |version| json!(version.caps.unwrap_or_default().daily),
            Value::Null,
            5,
        ),
        Row::new("weeklyCap", AtOnce, |offer| offer["weeklyCap"] = json!(5)).base(single).held(
            |version| json!(version.caps.unwrap_or_default().weekly),
            Value::Null,
            5,
        ),
        Row::new("monthlyCap", AtOnce, |offer| offer["monthlyCap"] = json!(5)).base(single).held(
            |version| json!(version.caps.unwrap_or_default().monthly),
            Value::Null,
            5,
        ),
        Row::new("allTimeCap", AtOnce, |offer| offer["allTimeCap"] = json!(5)).base(single).held(
            |version| json!(version.caps.unwrap_or_default().all_time),
            Value::Null,
            5,
        ),
        Row::new("events.dailyCap", AtOnce, |offer| offer["events"][0]["dailyCap"] = json!(5)).held(
            |version| json!(version.events[0].caps.unwrap_or_default().daily),
            Value::Null,
            5,
        ),
        Row::new("events.weeklyCap", AtOnce, |offer| offer["events"][0]["weeklyCap"] = json!(5)).held(
            |version| json!(version.events[0].caps.unwrap_or_default().weekly),
            Value::Null,
            5,
        ),
        Row::new("events.monthlyCap", AtOnce, |offer| offer["events"][0]["monthlyCap"] = json!(5)).held(
            |version| json!(version.events[0].caps.unwrap_or_default().monthly),
            Value::Null,
            5,
        ),
        Row::new("events.allTimeCap", AtOnce, |offer| offer["events"][0]["allTimeCap"] = json!(5)).held(
            |version| json!(version.events[0].caps.unwrap_or_default().all_time),
            Value::Null,
            5,
        ),
        Row::new("events.publisherCaps", AtOnce, |offer| {
            offer["events"][0]["publisherCaps"] = json!({"dailyCap": 5});
        })
        .held(
            |version| json!(version.events[0].publisher_caps.unwrap_or_default().daily),
            Value::Null,
            5,
        ),
        Row::new("budget.total", AtOnce, |offer| offer["budget"]["total"] = json!("6000")).held(
            |version| json!(version.total_budget.as_ref().unwrap().micros),
            5_000_000_000_i64,
            6_000_000_000_i64,
        ),
        Row::new("budget.daily", AtOnce, |offer| offer["budget"]["daily"] = json!("500")).held(
            |version| json!(version.daily_budget.as_ref().map(|budget| budget.micros)),
            Value::Null,
            500_000_000,
        ),
        Row::new("overLimitAction", AtOnce, |offer| offer["overLimitAction"] = json!("Review")).held(
            |version| json!(version.over_limit_action().as_str_name()),
            "OVER_LIMIT_ACTION_REJECT",
            "OVER_LIMIT_ACTION_REVIEW",
        ),
    ]
}

/// What people read. What stands without a value that is held is the catalog's own and told to nobody.
fn shown() -> Vec<Row> {
    vec![
        Row::new("headline", AtOnce, |offer| offer["headline"] = json!("Golf!")).held(
            |version| json!(version.headline),
            "Play golf, earn coins",
            "Golf!",
        ),
        Row::new("shortDescription", AtOnce, |offer| offer["shortDescription"] = json!("Install it.")).held(
            |version| json!(version.description),
            "Install Golfin, reach level 10.",
            "Install it.",
        ),
        Row::new("categories", AtOnce, |offer| offer["categories"] = json!(["Golf"])).held(
            |version| json!(version.categories),
            json!(["Golf", "Sports"]),
            json!(["Golf"]),
        ),
        Row::new("creatives", AtOnce, |offer| {
            offer["creatives"] = json!([{"order": 1, "url": "https://cdn.example/golfin.png"}]);
        })
        .held(|version| json!(version.creatives.len()), 0, 1),
        Row::new("events.displayOrder", AtOnce, |offer| offer["events"][0]["displayOrder"] = json!(7)).held(
            |version| json!(version.events[0].display_order),
            1,
            7,
        ),
        Row::new("events.showOnOfferWall", AtOnce, |offer| {
            offer["events"][0]["showOnOfferWall"] = json!(false)
        })
        .held(|version| json!(version.events[0].show_on_wall), true, false),
        Row::new("advertiserCampaignName", AtOnce, |offer| offer["advertiserCampaignName"] = json!("golf-2")),
        Row::new("featured", AtOnce, |offer| offer["featured"] = json!(true)),
        Row::new("keyPoints", AtOnce, |offer| offer["keyPoints"] = json!(["Free"])),
        Row::new("offerDetails", AtOnce, |offer| offer["offerDetails"] = json!("At length.")),
        Row::new("termsAndDisclaimers", AtOnce, |offer| offer["termsAndDisclaimers"] = json!("18+")),
    ]
}

/// What can not change once the offer was created.
fn fixed() -> Vec<Row> {
    vec![
        Row::new("offerType", Never, |offer| offer["offerType"] = json!("SingleEvent")),
        Row::new("trackingSystem", Never, |offer| offer["trackingSystem"] = json!("Adjust")),
        Row::new("advertiserId", Never, |offer| offer["advertiserId"] = json!(ANOTHER_ADVERTISER)),
        Row::new("currency", Never, |offer| offer["currency"] = json!("EUR")),
    ]
}

/// An offer of one event: only that may have caps of its own.
fn single(offer: &mut Value) {
    offer["offerType"] = json!("SingleEvent");
    offer["events"].as_array_mut().unwrap().truncate(1);
}

fn hours_from_now(hours: i64) -> String {
    (chrono::Utc::now() + chrono::Duration::hours(hours)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

fn hours_before_it_was_made(version: &OfferVersionCreated) -> i64 {
    (version.created_at_micros - version.launch_at_micros) / 3_600_000_000
}

fn terms_at(version: &OfferVersionCreated, place: usize) -> EventTerms {
    version.events[place].terms.clone().expect("every event has terms")
}

fn event_terms(version: &OfferVersionCreated) -> EventTerms {
    terms_at(version, 0)
}

fn money_of(event: &OfferEvent) -> MoneyTerms {
    event.terms.clone().and_then(|terms| terms.money).expect("terms have money")
}

fn money(version: &OfferVersionCreated) -> MoneyTerms {
    money_of(&version.events[0])
}

fn terms_of(verdict: &ConversionVerdict) -> MoneyTerms {
    verdict.terms.clone().expect("a verdict has its terms")
}

fn revenue(terms: &MoneyTerms) -> Value {
    json!(match terms.revenue.and_then(|revenue| revenue.model) {
        Some(revenue_terms::Model::FlatMicros(micros)) => format!("flat:{micros}"),
        Some(revenue_terms::Model::PercentOfAmountBps(share)) => format!("percent:{share}"),
        None => String::new(),
    })
}

/// What the publisher earns, in a word.
pub fn payout(terms: &MoneyTerms) -> Value {
    json!(match terms.payout.and_then(|payout| payout.model) {
        Some(payout_terms::Model::FlatMicros(micros)) => format!("flat:{micros}"),
        Some(payout_terms::Model::PercentOfAmountBps(share)) => format!("percent:{share}"),
        Some(payout_terms::Model::ShareOfRevenueBps(share)) => format!("share:{share}"),
        None => String::new(),
    })
}
