//! Random journeys: an offer of one to six events in up to three versions, and what becomes known of a click.

use kernel::{AdvertiserId, CredentialId, FactId, Micros, Occurrence, TimeWindow};
use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::TestRunner,
};
use uuid::Uuid;

use super::{service::Happening, tape::Tape};
use crate::domain::{
    Click, Code, Credential, DeadlineAnchor, EventTerms, Generation, OfferEvent, PersonAct, PersonDecision,
    Platform, ReachedBy, Stamped, Version,
    samples::{CLICKED, DAY, Feed, HOUR, at, click, event, event_uuid, postback, terms, version},
};
use std::collections::BTreeMap;

/// A journey of which nothing is known but the credentials, and everything that becomes known.
#[derive(Debug, Clone)]
pub(super) struct Journey {
    ours: bool,
    pub(super) at_first: Vec<Happening>,
    pub(super) later: Vec<Happening>,
}

impl Journey {
    /// The journey before anything of `later` is known.
    pub(super) fn begin(&self) -> super::service::Service {
        let mut feed = Feed::new(Vec::new());
        feed.click = None;
        feed.ours = self.ours;
        feed.credentials = credentials();
        let mut service = super::service::Service::new(feed);
        for happening in &self.at_first {
            service.take(happening);
        }
        service
    }
}

pub(super) fn end_of_time() -> Happening {
    Happening::Seen(at(CLICKED + 100 * DAY))
}

fn credential_id(number: u128) -> CredentialId {
    CredentialId::from_uuid(Uuid::from_u128(number))
}

/// 1: the tenant's, its second generation over after a day. 2: another advertiser's. 3 is told later, if at all.
fn credentials() -> BTreeMap<CredentialId, Credential> {
    let generations = BTreeMap::from([
        (1, Generation { valid_until: None }),
        (2, Generation { valid_until: Some(at(CLICKED + DAY)) }),
    ]);
    let foreign = Some(AdvertiserId::from_uuid(Uuid::from_u128(9)));
    BTreeMap::from([
        (credential_id(1), Credential { advertiser: None, generations: generations.clone() }),
        (credential_id(2), Credential { advertiser: foreign, generations }),
    ])
}

fn event_terms(tape: &mut Tape) -> EventTerms {
    EventTerms {
        deadline_days: tape.maybe(25, |tape| 1 + u16::try_from(tape.below(3)).unwrap()),
        deadline_anchor: if tape.chance(40) { DeadlineAnchor::Install } else { DeadlineAnchor::Click },
        min_time_seconds: tape.maybe(25, |tape| (1 + tape.hours(6)) * HOUR),
        repetitions_allowed: tape.chance(30),
        ..terms()
    }
}

fn number(tape: &mut Tape) -> Option<u32> {
    (!tape.chance(20)).then(|| 1 + tape.number(5))
}

fn name(place: usize) -> String {
    if place == 0 { String::from("Install") } else { format!("event_{place}") }
}

fn an_event(tape: &mut Tape, place: usize, introduced: u32) -> OfferEvent {
    let mut new = event(1 + u128::try_from(place).unwrap(), &name(place), number(tape));
    new.terms = event_terms(tape);
    new.introduced_terms = new.terms;
    new.introduced_in = introduced;
    new
}

fn reached_by(tape: &mut Tape) -> BTreeMap<u32, ReachedBy> {
    let count = tape.below(3);
    (0..count)
        .map(|_| (1 + tape.number(5), if tape.chance(50) { ReachedBy::Any } else { ReachedBy::All }))
        .collect()
}

fn target(tape: &mut Tape, of: &mut Version) {
    of.countries = tape.pick(&[vec![], vec!["US"], vec!["US", "DE"]]).into_iter().map(String::from).collect();
    of.platforms = tape.pick(&[vec![], vec![], vec![Platform::Ios], vec![Platform::Ios, Platform::Android]]);
}

/// Up to three versions: numbers, names, terms, targets change and events are added, as `SEMANTICS` allows.
fn versions(tape: &mut Tape) -> Vec<Version> {
    let count = 1 + tape.below(6);
    let mut first = version(1, (0..count).map(|place| an_event(tape, place, 1)).collect());
    first.reached_by = reached_by(tape);
    first.grace_seconds = (1 + tape.hours(48)) * HOUR;
    first.app_id = tape.maybe(15, |_| String::from("id1"));
    first.dates.until = tape.maybe(15, |tape| at(CLICKED + (20 + tape.hours(100)) * HOUR));
    target(tape, &mut first);
    let mut all = vec![first];
    for number_of_version in 2..2 + tape.number(3) {
        let mut next = all.last().unwrap().clone();
        next.number = number_of_version;
        for one in &mut next.events {
            if tape.chance(30) {
                one.number = number(tape);
            }
            if tape.chance(20) {
                one.terms = event_terms(tape);
            }
        }
        if tape.chance(30) {
            next.events.last_mut().unwrap().event_id = format!("renamed_{number_of_version}");
        }
        if tape.chance(40) && next.events.len() < 6 {
            let place = next.events.len();
            next.events.push(an_event(tape, place, number_of_version));
        }
        if tape.chance(40) {
            next.reached_by = reached_by(tape);
        }
        if tape.chance(30) {
            target(tape, &mut next);
        }
        if tape.chance(20) {
            next.grace_seconds = (1 + tape.hours(48)) * HOUR;
        }
        all.push(next);
    }
    all
}

fn a_postback(tape: &mut Tape, receipt: u128, names: &[String]) -> Stamped {
    let name = if tape.chance(6) { String::from("unheard_of") } else { tape.pick(names) };
    let mut one = postback(receipt, &name, tape.hours(90) * HOUR);
    let claims = one.claims_mut();
    claims.event_time = tape.maybe(60, |tape| at(CLICKED + tape.hours(90) * HOUR));
    claims.install_time = tape.maybe(20, |tape| at(CLICKED + tape.hours(60) * HOUR));
    claims.amount = tape.maybe(40, |tape| Micros(tape.pick(&[5, 6, 0, -5]) * 1_000_000));
    claims.currency = tape.maybe(20, |_| "EUR".parse().unwrap());
    claims.amount_usd = tape.maybe(15, |tape| Micros(tape.pick(&[5, 7, -7]) * 1_000_000));
    claims.conversion_id = tape.maybe(40, |tape| String::from(tape.pick(&["a", "b"])));
    claims.blocked = tape.maybe(18, |_| String::from("bots"));
    claims.is_primary = tape.maybe(10, |tape| tape.chance(50));
    claims.retargeting_type = tape.maybe(6, |_| String::from("re-engagement"));
    claims.country = tape.maybe(40, |tape| String::from(tape.pick(&["US", "DE", "FR"])));
    claims.platform = tape.maybe(30, |tape| String::from(tape.pick(&["ios", "android", "toaster"])));
    claims.app_id = tape.maybe(20, |tape| String::from(tape.pick(&["id1", "id2"])));
    if tape.chance(12) {
        one.credential = credential_id(1 + u128::from(tape.number(3)));
        one.generation = 1 + tape.number(3);
    }
    one
}

fn a_person(tape: &mut Tape, id: u128, events: usize, postbacks: &[Stamped]) -> PersonDecision {
    let occurrence = match tape.below(4) {
        0 | 1 => Occurrence::Once,
        2 => Occurrence::ById(String::from(tape.pick(&["a", "b"]))),
        _ => {
            let times: Vec<_> = postbacks.iter().filter_map(|one| one.claims.event_time).collect();
            if times.is_empty() { Occurrence::Once } else { Occurrence::at(tape.pick(&times)) }
        }
    };
    let acts = [PersonAct::Reject, PersonAct::Approve, PersonAct::Restore, PersonAct::ClearReview];
    PersonDecision {
        event: event_uuid(1 + u128::try_from(tape.below(events)).unwrap()),
        occurrence,
        decided_at: at(CLICKED + tape.hours(3) * HOUR),
        id: FactId::from_uuid(Uuid::from_u128(id)),
        act: tape.pick(&acts),
    }
}

/// Between one and ten facts, of which up to six are postbacks.
pub(super) fn journey(tape: &mut Tape) -> Journey {
    let versions = versions(tape);
    let click_version =
        if tape.chance(25) { 1 + tape.number(u32::try_from(versions.len()).unwrap()) } else { 1 };
    let click = Click {
        offer_version: click_version,
        member: (!tape.chance(10)).then(|| String::from("m")),
        ..click()
    };
    let mut names: Vec<String> =
        versions.iter().flat_map(|one| &one.events).map(|one| one.event_id.clone()).collect();
    names.dedup();
    let events = versions.last().unwrap().events.len();
    let (mut at_first, mut later) = (Vec::new(), Vec::new());
    for event in 1..=events {
        if tape.chance(8) {
            at_first.push(Happening::DoneElsewhere(event_uuid(u128::try_from(event).unwrap())));
        }
    }
    if tape.chance(12) {
        let from = CLICKED + tape.hours(60) * HOUR;
        at_first.push(Happening::Stop(TimeWindow { from: at(from), until: Some(at(from + 5 * HOUR)) }));
    }
    let is_late =
        |tape: &mut Tape, one: Happening| if tape.chance(35) { later.push(one) } else { at_first.push(one) };
    let mut place = is_late;
    if !tape.chance(4) {
        place(tape, Happening::Click(click));
    }
    // What applies at once is judged by what was known when its rule first ran, so dates and app never change here.
    for version in versions {
        place(tape, Happening::Version(Box::new(version)));
    }
    if tape.chance(10) {
        let generations = BTreeMap::from([(1, Generation { valid_until: None })]);
        later.push(Happening::Credential(credential_id(3), Credential { advertiser: None, generations }));
    }
    let postbacks: Vec<Stamped> =
        (1..=1 + u128::from(tape.number(6))).map(|receipt| a_postback(tape, receipt, &names)).collect();
    for id in 0..u128::from(tape.number(4)) {
        later.push(Happening::Person(a_person(tape, id + 1, events, &postbacks)));
    }
    later.extend(postbacks.into_iter().map(|one| Happening::Postback(Box::new(one))));
    // A sweep between the facts: what it expires is lifted by what is processed later.
    later.extend(tape.maybe(25, |tape| Happening::Seen(at(CLICKED + tape.hours(250) * HOUR))));
    for place in 1..later.len() {
        later.swap(place, place - tape.below(place + 1));
    }
    Journey { ours: !tape.chance(15), at_first, later }
}

/// Journeys that are the same in every run.
pub(super) fn the_same_journeys(count: usize) -> Vec<Journey> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| journey(&mut super::tape::tape().new_tree(&mut runner).unwrap().current())).collect()
}

/// Random cases prove nothing about what never happens in them.
#[test]
fn every_code_and_every_verdict_happens() {
    let mut codes = std::collections::BTreeSet::new();
    let mut verdicts = std::collections::BTreeSet::new();
    let (mut most, mut all_orders) = (0, 0);
    for journey in the_same_journeys(1_500) {
        let mut service = journey.begin();
        for happening in journey.later.iter().chain([&end_of_time()]) {
            service.take(happening);
        }
        codes.extend(service.histories.values().flatten().copied());
        verdicts.extend(service.known.conversions.values().map(|(_, one)| one.code.as_str()));
        most = most.max(journey.later.len());
        all_orders += usize::from(journey.later.len() <= 5);
    }
    // Rule 1 has a property of its own.
    let without_click = [Code::UnattributedPrivacy, Code::UnattributedOrganic, Code::UnattributedNoClick];
    let never: Vec<_> =
        Code::ALL.iter().filter(|code| !codes.contains(code) && !without_click.contains(code)).collect();
    assert!(never.is_empty(), "{never:?}");
    assert_eq!(verdicts.len(), 7 + 1, "{verdicts:?}");
    assert!(most >= 10 && all_orders >= 300, "{most} facts at most, {all_orders} journeys in every order");
}
