//! The table of versions, field by field, seen from attribution: what a change of a shared offer means for journeys under way
//! and for clicks that are made after it.

mod row;
mod scene;
mod table;

use std::{collections::BTreeSet, time::Duration};

use contracts::attribution::ConversionVerdict;
use futures_util::{StreamExt as _, stream};
use prost::Message as _;
use serde_json::{Value, json};
use system_tests::{Stack, guide::Guide, truth::Truth};
use test_kit::{FakePublisher, eventually};

use self::{
    row::{Row, offer},
    scene::{Clicks, Scene},
    table::table,
};

const SOON: Duration = Duration::from_secs(30);
/// Rows that are played at a time: they mostly wait for the services to tell each other.
const AT_A_TIME: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_a_shared_offer_applies_as_the_table_says() {
    let stack = Stack::start().await;
    let publisher = FakePublisher::start();
    let guide = Guide::set_up(stack.endpoints(), "Brownboots", &publisher, 0).await.unwrap();
    let truth = Truth::of(&stack).await;
    let scene = Scene::new(&guide, &truth).await;

    let rows = table();
    let played: Vec<(&Row, Option<Clicks>)> = stream::iter(&rows)
        .map(|row| {
            let scene = &scene;
            async move { (row, scene.play(row).await) }
        })
        .buffer_unordered(AT_A_TIME)
        .collect()
        .await;
    assert_eq!(played.len(), rows.len());

    for (row, clicks) in &played {
        let (Some(told), Some(clicks)) = (&row.told, clicks) else { continue };
        let event = last_event(row);
        let later = clicks.later.as_deref().expect("what is told is told of both");
        for (click, expected, terms) in
            [(clicks.earlier.as_str(), &told.earlier, told.terms[0]), (later, &told.later, told.terms[1])]
        {
            let verdict = verdict(&truth, click, event).await;
            let found = ((told.of)(&verdict), verdict.terms_version);
            assert_eq!(found, (expected.clone(), terms), "{} told of {click}", row.field);
        }
    }
    assert!(truth.undecided_or_doubled().await.is_empty());
    assert_eq!(truth.buried().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn clicks_of_old_versions_get_a_new_event_as_it_was_introduced() {
    let stack = Stack::start().await;
    let publisher = FakePublisher::start();
    let guide = Guide::set_up(stack.endpoints(), "Brownboots", &publisher, 0).await.unwrap();
    let truth = Truth::of(&stack).await;
    let scene = Scene::new(&guide, &truth).await;
    let clicks = scene.play_a_later_event(["6.00", "7.50"]).await;
    // Introduced by version 2; version 3 pays more, and only its own clicks.
    for (click, (payout, terms)) in
        clicks.iter().zip([("flat:6000000", 2), ("flat:6000000", 2), ("flat:7500000", 3)])
    {
        let verdict = verdict(&truth, click, "level_30").await;
        let told = (table::payout(&verdict.terms.clone().unwrap_or_default()), verdict.terms_version);
        assert_eq!(told, (json!(payout), terms));
    }
}

/// A field that somebody adds must get a row.
#[tokio::test(flavor = "multi_thread")]
async fn every_published_field_has_a_row() {
    let mut stack = Stack::prepare(system_tests::StackOptions::new()).await;
    let catalog = stack.service(system_tests::ServiceName::OfferCatalog);
    catalog.spawn("");
    catalog.ready().await;
    let endpoints = stack.endpoints();
    let tenant = system_tests::catalog::Tenant::create(endpoints, "Brownboots").await.unwrap();
    let mut fields = offer(&tenant.advertiser("Golfin").await.unwrap());
    // Shown only when they are set, and on an offer of one event at both places.
    let caps = json!({"dailyCap": 9, "weeklyCap": 9, "monthlyCap": 9, "allTimeCap": 9});
    fields["offerType"] = json!("SingleEvent");
    fields["events"].as_array_mut().unwrap().truncate(1);
    for (name, cap) in caps.as_object().unwrap() {
        fields[name] = cap.clone();
        fields["events"][0][name] = cap.clone();
    }
    let id = tenant.offer(&fields).await.unwrap();
    let versions = tenant.api.get(&format!("/api/v1/offers/{id}/versions")).await.unwrap();

    let mut published = BTreeSet::new();
    for (name, value) in versions["items"][0].as_object().unwrap() {
        match name.as_str() {
            // What tells versions apart.
            "version" | "createdAt" => {}
            "budget" => published.extend(keys(value).map(|inner| format!("budget.{inner}"))),
            "events" => {
                published.insert(name.clone());
                published.extend(keys(&value[0]).map(|inner| format!("events.{inner}")));
            }
            _ => {
                published.insert(name.clone());
            }
        }
    }
    // Lasting: it never changes.
    assert!(published.remove("events.offerEventId"));
    let rows: BTreeSet<_> = table().iter().map(|row| row.field.to_owned()).collect();
    assert_eq!(published.difference(&rows).collect::<Vec<_>>(), [""; 0], "fields without a row");
    // The status is no field, but stands in the table too.
    assert_eq!(rows.difference(&published).collect::<Vec<_>>(), ["end", "pause"]);
}

fn keys(of: &Value) -> impl Iterator<Item = &String> {
    of.as_object().into_iter().flatten().map(|(name, _value)| name)
}

/// The Event ID of a row's last postback.
fn last_event(row: &Row) -> &'static str {
    let last = row.after.last().expect("a postback after the change");
    last.split('&').find_map(|pair| pair.strip_prefix("cnv_event_id=")).expect("an event")
}

/// The verdict on a click's event, as payout keeps it; waits for it.
async fn verdict(truth: &Truth, click: &str, event: &str) -> ConversionVerdict {
    let click = click.parse().unwrap();
    eventually("payout is told", SOON, async || {
        let told = truth.verdicts(click).await;
        let mut told = told.iter().map(|verdict| ConversionVerdict::decode(verdict.as_slice()).unwrap());
        let is_of_event = |verdict: &ConversionVerdict| {
            verdict.tracking_system.as_ref().is_some_and(|told| told.event_id == event)
        };
        told.find(is_of_event).ok_or_else(|| format!("no verdict on {event} of {click}"))
    })
    .await
}
