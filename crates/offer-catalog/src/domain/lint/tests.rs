//! A table of every rule, and what must hold for any offer.

use std::collections::BTreeSet;

use kernel::{AdvertiserId, Bps, Currency, Days, Micros};
use proptest::prelude::*;
use rstest::rstest;
use uuid::Uuid;

use super::*;
use crate::domain::{
    age_range::AgeRange,
    event::{Payout, Revenue, tests::event},
    offer::{APPSFLYER, Creative, OfferType, Platform, ReachedBy, SequenceRule},
};

const NOW: Timestamp = Timestamp::from_micros(1_000_000_000_000);
const FACTS: Facts =
    Facts { now: NOW, review_window_days: None, advertiser_budget: None, relatives_budget: Micros::ZERO };

/// The guide's own offer: nothing to say about it but that `clickid` is added.
pub(crate) fn golfin() -> OfferFields {
    OfferFields {
        offer_type: Some(OfferType::MultiEvent),
        tracking_system: Some(APPSFLYER.to_owned()),
        advertiser_id: Some(AdvertiserId::from_uuid(Uuid::from_u128(1))),
        name: Some("Golfin iOS".to_owned()),
        tracking_system_link: Some("https://app.appsflyer.com/id123?pid=gokart_int".to_owned()),
        headline: Some("Golf".to_owned()),
        short_description: Some("Play golf".to_owned()),
        categories: vec!["Golf".to_owned()],
        creatives: vec![Creative { order: 1, url: "https://cdn.example/1.png".to_owned(), uploaded: None }],
        total_budget: Some(Micros(5_000_000_000)),
        currency: Some(Currency::USD),
        launch_at: Some(NOW.saturating_add_seconds(60)),
        age_ranges: Some(vec![AgeRange { min: 18, max: None }]),
        platforms: Some(vec![Platform::Ios]),
        countries: Some(vec!["US".parse().unwrap()]),
        events: vec![event("Install", Some(1)), event("level_10", Some(2)), event("af_purchase", None)],
        ..OfferFields::default()
    }
}

fn codes(offer: &OfferFields, facts: &Facts) -> Vec<(&'static str, String)> {
    lint(offer, facts).into_iter().map(|finding| (finding.code.as_str(), finding.field)).collect()
}

#[test]
fn the_guides_offer_has_nothing_wrong() {
    assert_eq!(codes(&golfin(), &FACTS), [("clickid_added", "trackingSystemLink".to_owned())]);
}

/// A row of the table: one change of the guide's offer, or of what is known beside it, and the finding that it brings.
struct Row {
    name: &'static str,
    change: fn(&mut OfferFields, &mut Facts),
    code: &'static str,
    field: &'static str,
}

const fn row(
    name: &'static str,
    change: fn(&mut OfferFields, &mut Facts),
    code: &'static str,
    field: &'static str,
) -> Row {
    Row { name, change, code, field }
}

#[rustfmt::skip]
const RULES: &[Row] = &[
    row("single with many", |o, _| o.offer_type = Some(OfferType::SingleEvent), "single_event_count", "events"),
    row("http", |o, _| o.fallback_link = Some("http://x.example/".to_owned()), "link_not_https", "fallbackLink"),
    row("no url", |o, _| o.fallback_link = Some("x.example".to_owned()), "link_not_https", "fallbackLink"),
    row("end", |o, _| o.end_at = o.launch_at, "end_before_launch", "expiryDate"),
    row("cap", |o, _| o.events[1].caps.weekly = Some(0), "cap_below_one", "events[1].weeklyCap"),
    row("publisher cap", |o, _| o.events[1].publisher_caps.daily = Some(0), "cap_below_one", "events[1].publisherCaps.dailyCap"),
    row("offer cap", |o, _| o.caps.all_time = Some(9), "offer_caps_on_multi_event", "allTimeCap"),
    row("daily", |o, _| o.daily_budget = Some(Micros(5_000_000_001)), "daily_budget_above_total", "budget.daily"),
    row("duplicate", |o, _| o.events[2].event_id = "level_10".to_owned(), "event_id_duplicate", "events[2].eventId"),
    row("case twin", |o, _| o.events[2].event_id = "Level_10".to_owned(), "event_id_twins", "events[2].eventId"),
    row("space twin", |o, _| o.events[2].event_id = "level_10 ".to_owned(), "event_id_twins", "events[2].eventId"),
    row("absent", |o, _| o.events[2].event_id = "None".to_owned(), "event_id_looks_absent", "events[2].eventId"),
    row("a macro", |o, _| o.events[2].event_id = "{event_name}".to_owned(), "event_id_looks_absent", "events[2].eventId"),
    row("missing", |o, _| o.events[0].event_id = "app_open".to_owned(), "install_missing", "events"),
    row("position", |o, _| { o.events[0].sequence_number = Some(2); o.events[1].sequence_number = Some(1); o.events[1].event_id = "FTUE".to_owned(); }, "install_position", "events[0].sequenceNumber"),
    row("start", |o, _| o.events[0].sequence_number = None, "sequence_start", "events"),
    row("gap", |o, _| o.events[1].sequence_number = Some(3), "sequence_gap", "events"),
    row("first", |o, _| o.events[2].sequence_number = Some(1), "sequence_first_number", "events[2].sequenceNumber"),
    row("rule", |o, _| o.sequence_rules = vec![SequenceRule { sequence_number: 9, reached_by: ReachedBy::All }], "sequence_rule_unused", "sequenceRules[0]"),
    row("payout", |o, _| o.events[1].payout = Some(Payout::Flat(Micros(2_000_001))), "payout_above_revenue", "events[1].payout"),
    row("deadline", |o, _| { o.events[0].min_time_seconds = Some(80_000); o.events[1].min_time_seconds = Some(80_000); o.events[1].deadline_days = Some(Days(1)); }, "deadline_below_min_times", "events[1].deadlineDays"),
    row("past", |o, _| o.launch_at = Some(Timestamp::from_micros(0)), "launch_in_past", "launchDate"),
    row("picture", |o, _| o.creatives.clear(), "no_creative", "creatives"),
    row("a required field", |o, _| o.headline = None, "required", "headline"),
    row("a required field of an event", |o, _| o.events[1].pending_time = None, "required", "events[1].pendingTime"),
    row("clickid of another kind", |o, _| o.tracking_system_link = Some("https://app.appsflyer.com/id1?clickid={click}".to_owned()), "link_clickid", "trackingSystemLink"),
    row("a foreign host", |o, _| o.tracking_system_link = Some("https://go.golfin.example/?clickid={gk_click_id}".to_owned()), "link_host", "trackingSystemLink"),
    row("install misspelt beside the right one", |o, _| o.events[2].event_id = "In-stall".to_owned(), "install_misspelt", "events[2].eventId"),
    row("a review window", |o, f| { f.review_window_days = Some(1); o.events[1].pending_time = Some(Days(1)); o.events[2].pending_time = Some(Days(1)); }, "pending_below_review_window", "events[0].pendingTime"),
    row("budgets of a lineage", |_, f| { f.advertiser_budget = Some(Money::new(Micros(6_000_000_000), Currency::USD)); f.relatives_budget = Micros(1_000_000_001); }, "lineage_budget_above_advertisers", "budget.total"),
    row("an info", |_, _| (), "clickid_added", "trackingSystemLink"),
];

/// Exactly that finding, beside the info that the guide's own link always brings.
#[test]
fn one_thing_wrong_is_one_finding() {
    for Row { name, change, code, field } in RULES {
        let (mut offer, mut facts) = (golfin(), FACTS);
        change(&mut offer, &mut facts);
        let mut found = codes(&offer, &facts);
        found.retain(|(found, _field)| *found != "clickid_added" || *code == "clickid_added");
        assert_eq!(found, [(*code, (*field).to_owned())], "{name}");
    }
}

#[test]
fn every_code_has_its_row() {
    let tested: BTreeSet<_> = RULES.iter().map(|row| row.code).collect();
    let all: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(tested, all);
    for code in Code::ALL {
        assert_eq!(Code::parse(code.as_str()), Some(*code));
    }
}

#[test]
fn budgets_of_two_currencies_are_not_compared() {
    let budget = Some(Money::new(Micros(1), "EUR".parse().unwrap()));
    let facts = Facts { advertiser_budget: budget, relatives_budget: Micros(i64::MAX), ..FACTS };
    assert!(!lint(&golfin(), &facts).iter().any(|finding| finding.code == Code::LineageBudget));
    let facts = Facts { advertiser_budget: Some(Money::new(Micros(i64::MAX), Currency::USD)), ..facts };
    assert!(!lint(&golfin(), &facts).iter().any(|finding| finding.code == Code::LineageBudget));
}

#[rstest]
fn a_misspelt_install_is_named_beside_the_missing_one(
    #[values("install", "INSTALL", "Install ", "In-stall", "in_stall")] event_id: &str,
) {
    let mut offer = golfin();
    offer.events[0].event_id = event_id.to_owned();
    let found = codes(&offer, &FACTS);
    assert!(found.contains(&("install_misspelt", "events[0].eventId".to_owned())), "{found:?}");
    assert!(found.contains(&("install_missing", "events".to_owned())), "{found:?}");
}

#[rstest]
#[case(OfferType::MultiEvent, "Adjust")]
#[case(OfferType::SingleEvent, APPSFLYER)]
fn install_is_only_asked_of_multi_event_offers_on_appsflyer(
    #[case] offer_type: OfferType,
    #[case] system: &str,
) {
    let mut offer = golfin();
    offer.offer_type = Some(offer_type);
    offer.tracking_system = Some(system.to_owned());
    offer.events = vec![event("level_10", Some(1))];
    assert!(errors(lint(&offer, &FACTS)).is_empty());
}

#[test]
fn install_may_be_independent() {
    let mut offer = golfin();
    offer.events[0].sequence_number = None;
    offer.events[1].sequence_number = None;
    assert!(errors(lint(&offer, &FACTS)).is_empty());
}

#[rstest]
#[case("https://app.appsflyer.com/id1?clickid={gk_click_id}", &[])]
#[case("https://x.onelink.me/a?pid=p&clickid=%7Bgk_click_id%7D", &[])]
#[case("https://app.appsflyer.com/id1", &["clickid_added"])]
#[case("https://app.appsflyer.com/id1?clickid={click_id}", &["link_clickid"])]
#[case("https://app.appsflyer.com/id1?clickid=", &["link_clickid"])]
#[case("https://app.appsflyer.com/id1?clickid={gk_click_id}&clickid=7", &["link_clickid"])]
#[case("https://go.golfin.example/?clickid={gk_click_id}", &["link_host"])]
#[case("https://evilappsflyer.com/?clickid={gk_click_id}", &["link_host"])]
#[case("http://app.appsflyer.com/id1?clickid={gk_click_id}", &["link_not_https"])]
fn the_link_must_bring_the_click_id_back(#[case] link: &str, #[case] expected: &[&str]) {
    let offer = OfferFields { tracking_system_link: Some(link.to_owned()), ..golfin() };
    let found: Vec<_> = codes(&offer, &FACTS).into_iter().map(|(code, _field)| code).collect();
    assert_eq!(found, expected);
}

#[test]
fn pending_time_is_held_against_the_advertisers_review_window() {
    let mut offer = golfin();
    offer.events[1].pending_time = Some(Days(14));
    let facts = Facts { review_window_days: Some(14), ..FACTS };
    let fields: Vec<_> = lint(&offer, &facts)
        .into_iter()
        .filter(|finding| finding.code == Code::PendingBelowReviewWindow)
        .map(|finding| finding.field)
        .collect();
    assert_eq!(fields, ["events[0].pendingTime", "events[2].pendingTime"]);
}

#[test]
fn percentages_are_not_compared_with_flat_amounts() {
    let mut offer = golfin();
    offer.events[2].revenue = Some(Revenue::PercentOfAmount(Bps(1)));
    offer.events[2].payout = Some(Payout::Flat(Micros(i64::MAX)));
    assert!(!lint(&offer, &FACTS).iter().any(|finding| finding.code == Code::PayoutAboveRevenue));
}

#[test]
fn an_empty_draft_names_every_required_field_at_once() {
    let mut offer = OfferFields::default();
    let found = codes(&offer, &FACTS);
    let required = found.iter().filter(|(code, _field)| *code == "required").count();
    assert_eq!(required, 15);

    offer.events = vec![crate::domain::event::OfferEvent {
        name: None,
        pending_time: None,
        revenue: None,
        payout: None,
        ..event("Install", Some(1))
    }];
    let found = codes(&offer, &FACTS);
    for field in ["name", "pendingTime", "revenue", "payout"] {
        assert!(found.contains(&("required", format!("events[0].{field}"))), "{field}");
    }
}

#[test]
fn every_code_is_its_own_word() {
    let words: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(words.len(), Code::ALL.len());
}

fn any_event() -> impl Strategy<Value = crate::domain::event::OfferEvent> {
    let id = prop_oneof!["Install", "install", "[a-c]{1,3}", "\\PC{0,8}", "\\{[a-z]{1,3}\\}"];
    (id, prop::option::of(0..6_u16), prop::option::of(any::<u64>()), prop::option::of(0..500_u16)).prop_map(
        |(id, number, seconds, days)| crate::domain::event::OfferEvent {
            min_time_seconds: seconds,
            deadline_days: days.map(Days),
            ..event(&id, number)
        },
    )
}

proptest! {
    #[test]
    fn any_offer_is_judged_and_errors_come_first(
        events in prop::collection::vec(any_event(), 0..8),
        link in prop::option::of("\\PC{0,40}"),
    ) {
        let offer = OfferFields { events, tracking_system_link: link, ..golfin() };
        let findings = lint(&offer, &FACTS);
        let severities: Vec<_> = findings.iter().map(|finding| finding.code.severity()).collect();
        prop_assert!(severities.is_sorted());
        prop_assert!(findings.iter().all(|finding| !finding.field.is_empty() && !finding.detail.is_empty()));
    }

    #[test]
    fn what_the_linter_lets_pass_has_distinct_event_ids_and_starts_at_one(
        events in prop::collection::vec(any_event(), 1..5),
    ) {
        let offer = OfferFields { events, ..golfin() };
        if errors(lint(&offer, &FACTS)).is_empty() {
            let ids: BTreeSet<_> = offer.events.iter().map(|event| event.event_id.trim().to_lowercase()).collect();
            prop_assert_eq!(ids.len(), offer.events.len());
            prop_assert!(offer.sequence_numbers().first().is_none_or(|first| *first == 1));
        }
    }
}
