//! Reads a table of cases. What is wrong in it panics with the line.

use std::collections::BTreeMap;

use kernel::{AdvertiserId, CredentialId, FactId, Money, Occurrence, OfferEventId, TimeWindow};
use uuid::Uuid;

use super::{
    offers::{self, Offer},
    receipt,
    words::{currency, micros, money, occurrence, parts, time},
};
use crate::domain::{
    Generation, PersonAct, PersonDecision, Stamped,
    conversion::parse_occurrence,
    proof::service::{Happening, other_click},
    samples::{Feed, flagged, postback},
};

/// One case.
pub(super) struct Case {
    pub(super) title: String,
    place: String,
    pub(super) proves: String,
    pub(super) feed: Feed,
    pub(super) facts: Vec<Happening>,
    pub(super) strays: Vec<(String, String)>,
    pub(super) media_sources: Vec<String>,
    pub(super) order_matters: bool,
    pub(super) codes: BTreeMap<String, String>,
    pub(super) conversions: Vec<ExpectedConversion>,
    offer: Offer,
    expects: bool,
}

/// What a case says of an amount.
#[derive(Debug, Clone, Copy)]
pub(super) enum ExpectedAmount {
    NotSaid,
    Is(Option<Money>),
}

#[derive(Debug)]
pub(super) struct ExpectedConversion {
    pub(super) event: String,
    pub(super) occurrence: String,
    pub(super) code: String,
    pub(super) amount: ExpectedAmount,
    pub(super) held_by: Option<String>,
    pub(super) terms_of: Option<u32>,
}

impl Case {
    fn new(place: String, title: &str) -> Self {
        Self {
            title: String::from(title),
            place,
            proves: String::new(),
            feed: Feed::new(Vec::new()),
            facts: Vec::new(),
            strays: Vec::new(),
            media_sources: Vec::new(),
            order_matters: false,
            codes: BTreeMap::new(),
            conversions: Vec::new(),
            offer: offers::new(),
            expects: false,
        }
    }

    /// Where it stands, and its title.
    pub(super) fn name(&self) -> String {
        format!("{}: {}", self.place, self.title)
    }

    /// All that is known from the start: the versions and the click that do not arrive later.
    fn finish(mut self) -> Self {
        assert!(self.proves.starts_with('§'), "{}: proves nothing", self.name());
        assert!(!self.codes.is_empty(), "{}: expects nothing", self.name());
        for version in std::mem::take(&mut self.offer) {
            let arrival = self.facts.iter_mut().find_map(|fact| {
                let Happening::Version(known) = fact else { return None };
                (known.number == version.number).then_some(known)
            });
            if let Some(known) = arrival {
                **known = version;
            } else {
                self.feed.offer.versions.insert(version.number, version);
            }
        }
        for fact in &mut self.facts {
            if let Happening::Click(arriving) = fact {
                *arriving = self.feed.click.take().expect("the click arrives once");
            }
            if let Happening::Credential(id, arriving) = fact {
                *arriving = self.feed.credentials.remove(id).expect("the credential arrives once");
            }
        }
        self
    }

    fn event(&self, name: &str) -> OfferEventId {
        let mut events = self.offer.iter().flat_map(|version| &version.events);
        events
            .find(|event| event.event_id == name)
            .unwrap_or_else(|| panic!("{}: no event {name}", self.name()))
            .id
    }

    fn take(&mut self, line: &str) {
        if self.expects {
            self.expect(line);
        } else if !offers::take(&mut self.offer, line) && !self.set(line) {
            let fact = self.fact(line);
            self.facts.extend(fact);
        }
    }

    /// What the journey is like from the start; whether the line was about that.
    fn set(&mut self, line: &str) -> bool {
        if let Some(name) = line.strip_prefix("already done elsewhere ") {
            let event = self.event(name);
            self.feed.first_clicks.insert(event, other_click());
            return true;
        }
        let click = self.feed.click.as_mut().unwrap();
        let credential = self.feed.credentials.values_mut().next().unwrap();
        if let Some(text) = line.strip_prefix("proves ") {
            self.proves = String::from(text);
        } else if let Some(version) = line.strip_prefix("click version ") {
            click.offer_version = version.parse().unwrap();
        } else if line == "click without member" {
            click.member = None;
        } else if line == "click id not ours" {
            self.feed.ours = false;
        } else if line == "credential of another advertiser" {
            credential.advertiser = Some(AdvertiserId::from_uuid(Uuid::from_u128(9)));
        } else if line == "credential of the advertiser" {
            credential.advertiser = Some(click.advertiser);
        } else if let Some(until) = line.strip_prefix("credential valid until ") {
            credential.generations.insert(1, Generation { valid_until: Some(time(until)) });
        } else if let Some(names) = line.strip_prefix("media sources ") {
            self.media_sources = names.split_whitespace().map(String::from).collect();
        } else if line.starts_with("order matters") {
            self.order_matters = true;
        } else if line == "expect" {
            self.expects = true;
        } else {
            return false;
        }
        true
    }

    fn fact(&mut self, line: &str) -> Option<Happening> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        Some(match (word, rest) {
            ("click", "arrives") => Happening::Click(self.feed.click.clone().unwrap()),
            ("credential", "arrives") => {
                let (id, known) = self.feed.credentials.first_key_value().unwrap();
                Happening::Credential(*id, known.clone())
            }
            ("version", _) if rest.ends_with(" arrives") => {
                let number: u32 = rest.trim_end_matches(" arrives").parse().unwrap();
                let version = self.offer.iter().find(|version| version.number == number);
                Happening::Version(Box::new(version.unwrap_or_else(|| panic!("no version {number}")).clone()))
            }
            ("stop", _) => {
                let (from, until) = rest.split_once(" to ").unwrap_or((rest, "-"));
                let until = Some(until).filter(|end| *end != "-").map(time);
                Happening::Stop(TimeWindow { from: time(from), until })
            }
            ("done", _) => Happening::DoneElsewhere(
                self.event(rest.strip_prefix("elsewhere ").expect("done elsewhere EVENT")),
            ),
            ("seen", _) => Happening::Seen(time(rest.strip_prefix("until ").expect("seen until TIME"))),
            ("person", _) => Happening::Person(self.person(rest)),
            (name, _) if name.starts_with('p') && rest.starts_with("query ") => {
                self.strays.push((String::from(name), String::from(rest.trim_start_matches("query "))));
                return None;
            }
            (name, _) if name.starts_with('p') && rest.contains(" at ") => {
                Happening::Postback(Box::new(a_postback(name, rest)))
            }
            _ => panic!("{}: {line:?} says nothing", self.name()),
        })
    }

    /// `rejects level_10 [id:a] at 2h[, id 7]`.
    fn person(&self, line: &str) -> PersonDecision {
        let (head, attributes) = parts(line);
        let (what, when) = head.split_once(" at ").expect("person ACTS EVENT at TIME");
        let words: Vec<&str> = what.split_whitespace().collect();
        let act = match words[0] {
            "approves" => PersonAct::Approve,
            "rejects" => PersonAct::Reject,
            "restores" => PersonAct::Restore,
            "clears" => PersonAct::ClearReview,
            other => panic!("{}: a person {other}?", self.name()),
        };
        let own_id = attributes.first().and_then(|text| text.strip_prefix("id ")?.parse().ok());
        let id = own_id.unwrap_or_else(|| u128::try_from(self.facts.len()).unwrap() + 100);
        let key = words.get(2).map_or_else(|| String::from("once"), |text| occurrence(text));
        PersonDecision {
            event: self.event(words[1]),
            occurrence: parse_occurrence(&key).unwrap_or(Occurrence::Once),
            decided_at: time(when),
            id: FactId::from_uuid(Uuid::from_u128(id)),
            act,
        }
    }

    fn expect(&mut self, line: &str) {
        let (head, attributes) = parts(line);
        let (name, rest) = head.split_once(' ').unwrap_or_else(|| panic!("{}: {line:?}", self.name()));
        let rest = rest.trim();
        if name.strip_prefix('p').is_some_and(|number| number.parse::<u32>().is_ok()) {
            assert!(
                self.codes.insert(String::from(name), String::from(rest)).is_none(),
                "{}: {name} twice",
                self.name()
            );
            return;
        }
        let (key, code) = rest.split_once(' ').unwrap_or(("once", rest));
        let mut expected = ExpectedConversion {
            event: String::from(name),
            occurrence: occurrence(key),
            code: String::from(code.trim()),
            amount: ExpectedAmount::NotSaid,
            held_by: None,
            terms_of: None,
        };
        for attribute in attributes {
            if let Some(amount) = attribute.strip_prefix("amount ") {
                expected.amount = ExpectedAmount::Is(money(amount));
            } else if let Some(name) = attribute.strip_prefix("held by ") {
                expected.held_by = Some(String::from(name));
            } else if let Some(version) = attribute.strip_prefix("terms of version ") {
                expected.terms_of = Some(version.parse().unwrap());
            } else {
                panic!("{}: {attribute:?}", self.name());
            }
        }
        self.conversions.push(expected);
    }
}

/// `p1 Install at 10m, event time 5m, amount 5 EUR, fraud …`; `-` for an Event ID that is not there.
fn a_postback(name: &str, rest: &str) -> Stamped {
    let (head, attributes) = parts(rest);
    let (event, received) = head.rsplit_once(" at ").unwrap();
    let mut one = postback(1, event.trim(), 0);
    one.receipt = receipt(name);
    one.received_at = time(received);
    if event.trim() == "-" {
        one.claims_mut().event_ids.clear();
    }
    for attribute in attributes {
        one = with(one, attribute);
    }
    one
}

fn with(mut one: Stamped, attribute: &str) -> Stamped {
    let claims = one.claims_mut();
    let own = |text: &str| Some(String::from(text));
    let (word, rest) = attribute.split_once(' ').unwrap_or((attribute, ""));
    match word {
        "event" => claims.event_time = Some(time(rest.strip_prefix("time ").expect("event time TIME"))),
        "install" => claims.install_time = Some(time(rest.strip_prefix("time ").expect("install time TIME"))),
        "amount" => {
            let (amount, unit) =
                rest.split_once(' ').map_or((rest, None), |(amount, unit)| (amount, Some(unit)));
            claims.amount = Some(micros(amount));
            claims.currency = unit.map(currency);
        }
        "usd" => claims.amount_usd = Some(micros(rest)),
        "id" => claims.conversion_id = own(rest),
        "primary" => claims.is_primary = Some(true),
        "secondary" => claims.is_primary = Some(false),
        "retargeting" => claims.retargeting_type = own(rest),
        "country" => claims.country = own(rest),
        "platform" => claims.platform = own(rest),
        "app" => claims.app_id = own(rest),
        "name" => claims.event_name = own(rest),
        "credential" => one.credential = CredentialId::from_uuid(Uuid::from_u128(rest.parse().unwrap())),
        "generation" => one.generation = rest.parse().unwrap(),
        "fraud" => one = flagged(one),
        _ => panic!("{attribute:?} is no attribute of a postback"),
    }
    one
}

/// All cases of a table.
pub(super) fn read(table: &str, text: &str) -> Vec<Case> {
    let mut defined: BTreeMap<String, Offer> = BTreeMap::new();
    let mut defining: Option<String> = None;
    let mut cases: Vec<Case> = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let line = line.split(" # ").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(title) = line.strip_prefix("case ") {
            defining = None;
            cases.push(Case::new(format!("{table}.txt:{number}"), title));
        } else if let Some(name) = line.strip_prefix("define ") {
            defined.insert(String::from(name), offers::new());
            defining = Some(String::from(name));
        } else if let Some(name) = &defining {
            let offer = defined.get_mut(name).unwrap();
            assert!(offers::take(offer, line), "{table}.txt:{number}: {line:?} is nothing of an offer");
        } else if let Some(name) = line.strip_prefix("offer ") {
            let offer = defined.get(name).unwrap_or_else(|| panic!("{table}.txt:{number}: no offer {name}"));
            cases.last_mut().unwrap().offer.clone_from(offer);
        } else {
            cases.last_mut().unwrap_or_else(|| panic!("{table}.txt:{number}: no case")).take(line);
        }
    }
    cases.into_iter().map(Case::finish).collect()
}
