//! The second implementation agrees with the first, after every single fact and at the end of time.

use std::collections::BTreeMap;

use attribution_oracle as oracle;
use kernel::{Money, ReceiptId, Timestamp};
use oracle::{Said, Standing};
use postback_parser::{ClickReference, Field, Postback, Request};
use proptest::prelude::*;

use super::{
    cases,
    random::{Journey, end_of_time, journey, the_same_journeys},
    service::{Service, other_click},
    tape::tape,
};
use crate::domain::{
    Click, Code, Credential, DeadlineAnchor, EventTerms, OfferEvent, PersonAct, PersonDecision, Platform,
    ReachedBy, Stamped, TenantFacts, Version, judge_without_click,
    rules::{
        Rule,
        mutation::{Mutation, broken},
    },
    samples::Feed,
};

fn low(uuid: uuid::Uuid) -> u64 {
    u64::try_from(uuid.as_u128()).expect("a small number")
}

fn micros(time: Timestamp) -> i64 {
    time.as_micros()
}

fn case(feed: &Feed, now: Timestamp) -> oracle::Case {
    oracle::Case {
        ours: feed.ours,
        click: feed.click.as_ref().map(click),
        versions: feed.offer.versions.values().map(version).collect(),
        stops: feed.offer.stops.iter().map(|stop| (micros(stop.from), stop.until.map(micros))).collect(),
        credentials: feed.credentials.iter().map(|(id, one)| credential(low(id.as_uuid()), one)).collect(),
        postbacks: feed.postbacks.iter().map(postback).collect(),
        people: feed.people.iter().map(person).collect(),
        done_elsewhere: feed
            .first_clicks
            .iter()
            .filter(|(_, click)| **click == other_click())
            .map(|(event, _)| low(event.as_uuid()))
            .collect(),
        now: micros(now),
    }
}

fn click(click: &Click) -> oracle::Click {
    oracle::Click {
        at: micros(click.clicked_at),
        version: click.offer_version,
        advertiser: low(click.advertiser.as_uuid()),
        has_member: click.member.is_some(),
    }
}

fn credential(id: u64, credential: &Credential) -> oracle::Credential {
    oracle::Credential {
        id,
        advertiser: credential.advertiser.map(|advertiser| low(advertiser.as_uuid())),
        generations: credential
            .generations
            .iter()
            .map(|(number, generation)| (*number, generation.valid_until.map(micros)))
            .collect(),
    }
}

fn platform(platform: Platform) -> String {
    format!("{platform:?}")
}

fn version(version: &Version) -> oracle::Version {
    let reached = |by: &ReachedBy| match by {
        ReachedBy::All => oracle::Reached::All,
        ReachedBy::Any => oracle::Reached::Any,
    };
    oracle::Version {
        number: version.number,
        from: micros(version.dates.from),
        until: version.dates.until.map(micros),
        app: version.app_id.clone(),
        countries: version.countries.clone(),
        platforms: version.platforms.iter().copied().map(platform).collect(),
        grace: version.grace_seconds * 1_000_000,
        reached: version.reached_by.iter().map(|(number, by)| (*number, reached(by))).collect(),
        events: version.events.iter().map(event).collect(),
    }
}

fn event(event: &OfferEvent) -> oracle::Event {
    oracle::Event {
        id: low(event.id.as_uuid()),
        name: event.event_id.clone(),
        number: event.number,
        terms: terms(&event.terms),
        introduced: event.introduced_in,
        introduced_terms: terms(&event.introduced_terms),
    }
}

fn terms(terms: &EventTerms) -> oracle::Terms {
    oracle::Terms {
        deadline_days: terms.deadline_days.map(i64::from),
        anchor: match terms.deadline_anchor {
            DeadlineAnchor::Click => oracle::Anchor::Click,
            DeadlineAnchor::Install => oracle::Anchor::Install,
        },
        min_time: terms.min_time_seconds.map(|seconds| seconds * 1_000_000),
        repeats: terms.repetitions_allowed,
        currency: terms.currency.to_string(),
    }
}

fn postback(stamped: &Stamped) -> oracle::Postback {
    let claims = &stamped.claims;
    let kind = claims.retargeting_type.as_deref().unwrap_or_default().to_lowercase();
    oracle::Postback {
        receipt: low(stamped.receipt.as_uuid()),
        received: micros(stamped.received_at),
        credential: low(stamped.credential.as_uuid()),
        generation: stamped.generation,
        event: claims.event_id(|_| false),
        event_time: claims.event_time.map(micros),
        install_time: claims.install_time.map(micros),
        amount: claims.amount.map(|amount| amount.0),
        currency: claims.currency.map(|currency| currency.to_string()),
        usd: claims.amount_usd.map(|amount| amount.0),
        conversion_id: claims.conversion_id.clone(),
        primary: claims.is_primary,
        reengagement: kind == "re-engagement",
        flagged: claims.blocked.is_some(),
        app: claims.app_id.clone(),
        country: claims.country.clone(),
        platform: claims.platform.as_deref().and_then(Platform::parse).map(platform),
    }
}

fn person(decision: &PersonDecision) -> oracle::Person {
    oracle::Person {
        event: low(decision.event.as_uuid()),
        occurrence: decision.occurrence.key(),
        stamp: (micros(decision.decided_at), decision.id.as_uuid().as_u128()),
        act: match decision.act {
            PersonAct::Reject => oracle::Act::Reject,
            PersonAct::Approve | PersonAct::Restore | PersonAct::ClearReview => oracle::Act::Accept,
        },
    }
}

fn pair(money: Money) -> (i64, String) {
    (money.amount.0, money.currency.to_string())
}

/// What the service has committed, held against the oracle's answer; says where they differ.
pub(super) fn differences(service: &Service) -> Vec<String> {
    let answer = oracle::answer(&case(&service.feed, service.horizon));
    let mut differences = Vec::new();
    let mut by_slot: BTreeMap<&oracle::Slot, Vec<(ReceiptId, Code)>> = BTreeMap::new();
    for (receipt, decision) in &service.known.decisions {
        let said = answer.postbacks.get(&low(receipt.as_uuid()));
        match said {
            Some(Said::CountsFor(slot)) => by_slot.entry(slot).or_default().push((*receipt, decision.code)),
            Some(Said::Code(code)) if *code == decision.code.as_str() => {}
            other => {
                differences.push(format!("{receipt}: {}, the oracle: {other:?}", decision.code.as_str()));
            }
        }
    }
    let mut expected = answer.conversions.clone();
    for (_, conversion) in service.known.conversions.values() {
        let slot = (low(conversion.event.as_uuid()), conversion.occurrence.clone());
        let counting = by_slot.remove(&slot).unwrap_or_default();
        let Some(standing) = expected.remove(&slot) else {
            differences.push(format!("{slot:?} is not reached, says the oracle"));
            continue;
        };
        if standing.code != conversion.code.as_str() {
            differences.push(format!("{slot:?}: {:?}, the oracle: {standing:?}", conversion.code));
        }
        let amount = conversion.reported.money.map(pair);
        let fits = amount.as_ref().map_or(standing.amounts.is_empty(), |one| standing.amounts.contains(one));
        if !fits {
            differences.push(format!("{slot:?}: {amount:?}, the oracle: {standing:?}"));
        }
        differences.extend(misfits(&slot, &counting, conversion.holder, &standing));
    }
    differences.extend(expected.into_iter().map(|one| format!("not told, the oracle: {one:?}")));
    differences.extend(by_slot.into_iter().map(|one| format!("counts for nothing: {one:?}")));
    differences
}

/// One holds the occurrence, all others repeat it, and a conflict is there when two amounts are.
fn misfits(
    slot: &oracle::Slot,
    counting: &[(ReceiptId, Code)],
    holder: ReceiptId,
    standing: &Standing,
) -> Vec<String> {
    let repeats = counting.iter().filter(|(receipt, _)| *receipt != holder);
    let held = counting.iter().find(|(receipt, _)| *receipt == holder).map(|(_, code)| code.as_str());
    let mut wrong = Vec::new();
    if held != standing.holder {
        wrong.push(format!("{slot:?} is held as {held:?}, the oracle: {standing:?}"));
    }
    if !repeats.clone().all(|(_, code)| code.is_repeat()) {
        wrong.push(format!("{slot:?}: not all others are repeats: {counting:?}"));
    }
    let amended = repeats.clone().filter(|(_, code)| *code == Code::Amendment).count();
    let conflicts = repeats.filter(|(_, code)| *code == Code::Conflict).count();
    if standing.holder.is_some() && (conflicts > 0) != (standing.amounts.len() > 1) || amended > 1 {
        wrong
            .push(format!("{slot:?}: {conflicts} conflicts, {amended} amendments, the oracle: {standing:?}"));
    }
    wrong
}

fn stray(postback: &Postback) -> oracle::Stray {
    let devices = [Field::AppsflyerId, Field::AdvertisingId, Field::Idfa, Field::Idfv, Field::UserId];
    oracle::Stray {
        names_something: postback.click != ClickReference::Absent,
        names_device: devices.iter().any(|field| postback.get(*field).is_some()),
        times: [postback.event_time, postback.install_time].into_iter().flatten().map(micros).collect(),
        media_source: postback.get(Field::MediaSource).map(String::from),
    }
}

/// Rule 1 by both.
pub(super) fn without_click(query: &str, sources: &[String]) -> (Code, &'static str) {
    let parsed = Postback::parse(&Request::get(query.as_bytes()));
    let tenant = TenantFacts { media_sources: sources.to_vec() };
    (judge_without_click(&parsed, &tenant).0, oracle::without_click(&stray(&parsed), sources))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(1_000, 1), max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn two_implementations_agree_after_every_fact(mut tape in tape()) {
        let journey = journey(&mut tape);
        let mut service = journey.begin();
        for happening in journey.later.iter().chain([&end_of_time()]) {
            service.take(happening);
            prop_assert_eq!(differences(&service), Vec::<String>::new(), "after {:#?} of {:#?}", happening, journey);
        }
    }

    #[test]
    fn two_implementations_agree_on_postbacks_without_a_click(mut tape in tape()) {
        let mut query = Vec::new();
        for name in ["event_time", "install_time"] {
            if let Some(hour) = tape.maybe(60, |tape| tape.below(24)) {
                let minute = if tape.chance(30) { 30 } else { 0 };
                query.push(format!("{name}=2026-11-03%20{hour:02}:{minute:02}:00"));
            }
        }
        for name in ["appsflyer_id", "idfa", "idfv", "advertising_id", "customer_user_id"] {
            query.extend(tape.maybe(10, |_| format!("{name}=x")));
        }
        query.extend(tape.maybe(20, |tape| format!("gk_click_id={}", tape.pick(&["abc", "null", "%7Bclickid%7D"]))));
        query.extend(tape.maybe(50, |tape| format!("media_source={}", tape.pick(&["organic", "GoKart_int", "x"]))));
        let sources = if tape.chance(70) { vec![String::from("gokart_int")] } else { Vec::new() };
        let (ours, theirs) = without_click(&query.join("&"), &sources);
        prop_assert_eq!(ours.as_str(), theirs, "{:?}", query);
    }
}

/// Each rule, dropped or turned around, makes the two disagree: what they agree on is not nothing.
#[test]
fn the_oracle_notices_every_broken_rule() {
    let journeys = the_same_journeys(400);
    let disagree = |journey: &Journey| {
        let mut service = journey.begin();
        let end = end_of_time();
        let mut happenings = journey.later.iter().chain([&end]);
        happenings.any(|happening| {
            service.take(happening);
            !differences(&service).is_empty()
        })
    };
    let mut unnoticed = Vec::new();
    for rule in Rule::ALL {
        for mutation in [Mutation::Dropped, Mutation::Inverted] {
            // Journeys have a usable click id; a rule that asks for one has nothing to let through in them.
            let idle = *rule == Rule::UsableClickId && mutation == Mutation::Dropped;
            if !idle && !broken(*rule, mutation, || journeys.iter().any(disagree)) {
                unnoticed.push((rule, mutation));
            }
        }
    }
    assert!(unnoticed.is_empty(), "{unnoticed:?}");
}
