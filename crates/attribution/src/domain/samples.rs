//! Offers and postbacks for the tests of the rules: short to write, everything spelled out.

use std::{collections::BTreeMap, sync::Arc};

use kernel::{
    AdvertiserId, ClickId, CredentialId, Currency, LinkId, Micros, OfferEventId, OfferId, PublisherId,
    ReceiptId, TenantId, TimeWindow, Timestamp,
};
use uuid::Uuid;

use super::{
    Claims, Click, Credential, DeadlineAnchor, EventTerms, Generation, Held, JourneyInputs, JourneyVerdict,
    Offer, OfferEvent, Settled, Slot, Stamped, Version, judge,
};

pub(crate) const HOUR: i64 = 3_600;
pub(crate) const DAY: i64 = 24 * HOUR;
/// When the click happened.
pub(crate) const CLICKED: i64 = 1_000 * DAY;

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(0).saturating_add_seconds(seconds)
}

pub(crate) fn event_uuid(number: u128) -> OfferEventId {
    OfferEventId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn terms() -> EventTerms {
    EventTerms {
        deadline_days: None,
        deadline_anchor: DeadlineAnchor::Click,
        min_time_seconds: None,
        repetitions_allowed: false,
        currency: Currency::USD,
    }
}

pub(crate) fn event(id: u128, event_id: &str, number: Option<u32>) -> OfferEvent {
    OfferEvent {
        id: event_uuid(id),
        event_id: String::from(event_id),
        name: event_id.to_uppercase(),
        number,
        terms: terms(),
        introduced_in: 1,
        introduced_terms: terms(),
    }
}

pub(crate) fn version(number: u32, events: Vec<OfferEvent>) -> Version {
    Version {
        number,
        advertiser: AdvertiserId::from_uuid(Uuid::from_u128(1)),
        name: String::from("Golfin iOS"),
        app_id: None,
        dates: TimeWindow { from: at(0), until: None },
        countries: Vec::new(),
        platforms: Vec::new(),
        events,
        reached_by: BTreeMap::new(),
        grace_seconds: 72 * HOUR,
    }
}

/// The guide's own offer: `Install` 1, `level_10` 2, `af_purchase` Independent.
pub(crate) fn guide() -> Version {
    version(
        1,
        vec![event(1, "Install", Some(1)), event(2, "level_10", Some(2)), event(3, "af_purchase", None)],
    )
}

/// A postback of an event, received so many seconds after the click.
pub(crate) fn postback(receipt: u128, event_id: &str, after: i64) -> Stamped {
    Stamped {
        receipt: ReceiptId::from_uuid(Uuid::from_u128(receipt)),
        received_at: at(CLICKED + after),
        credential: CredentialId::from_uuid(Uuid::from_u128(1)),
        generation: 1,
        claims: Arc::new(Claims { event_ids: vec![String::from(event_id)], ..Claims::default() }),
        settled: Settled::default(),
    }
}

pub(crate) fn with_amount(mut postback: Stamped, units: i64) -> Stamped {
    postback.claims_mut().amount = Some(Micros(units * 1_000_000));
    postback
}

pub(crate) fn flagged(mut postback: Stamped) -> Stamped {
    postback.claims_mut().blocked = Some(String::from("bots"));
    postback
}

/// A journey that is fed step by step, as the service feeds it: what was settled and held is remembered.
#[derive(Clone)]
pub(crate) struct Feed {
    pub(crate) click: Option<Click>,
    pub(crate) ours: bool,
    pub(crate) offer: Offer,
    pub(crate) credentials: BTreeMap<CredentialId, Credential>,
    pub(crate) postbacks: Vec<Stamped>,
    pub(crate) held: BTreeMap<Slot, Held>,
    pub(crate) people: Vec<super::PersonDecision>,
    pub(crate) first_clicks: BTreeMap<OfferEventId, ClickId>,
    pub(crate) replayed: Vec<u32>,
}

pub(crate) fn click() -> Click {
    Click {
        clicked_at: at(CLICKED),
        link: LinkId::from_uuid(Uuid::from_u128(1)),
        offer: OfferId::from_uuid(Uuid::from_u128(1)),
        offer_version: 1,
        advertiser: AdvertiserId::from_uuid(Uuid::from_u128(1)),
        publisher: PublisherId::from_uuid(Uuid::from_u128(1)),
        member: Some(String::from("member-1")),
    }
}

/// The click that is fed.
pub(crate) fn own_click_id() -> ClickId {
    ClickId::from_uuid(Uuid::from_u128(1))
}

impl Feed {
    pub(crate) fn new(versions: Vec<Version>) -> Self {
        let credential = Credential {
            advertiser: None,
            generations: BTreeMap::from([(1, Generation { valid_until: None })]),
        };
        Self {
            click: Some(click()),
            ours: true,
            offer: Offer {
                versions: versions.into_iter().map(|version| (version.number, version)).collect(),
                stops: Vec::new(),
            },
            credentials: BTreeMap::from([(CredentialId::from_uuid(Uuid::from_u128(1)), credential)]),
            postbacks: Vec::new(),
            held: BTreeMap::new(),
            people: Vec::new(),
            first_clicks: BTreeMap::new(),
            replayed: Vec::new(),
        }
    }

    /// What is there, as the rules look at it.
    pub(crate) fn inputs(&self) -> JourneyInputs<'_> {
        JourneyInputs {
            tenant: TenantId::from_uuid(Uuid::from_u128(1)),
            click_id: own_click_id(),
            click_id_is_ours: self.ours,
            click: self.click.clone(),
            postbacks: self.postbacks.clone(),
            offer: &self.offer,
            credentials: &self.credentials,
            held: self.held.clone(),
            people: self.people.clone(),
            first_clicks: self.first_clicks.clone(),
            replayed: self.replayed.clone(),
            dated_by: None,
        }
    }

    /// Judges what is there, and remembers what the service remembers.
    pub(crate) fn judge(&mut self, horizon: Timestamp) -> JourneyVerdict {
        let verdict = judge(&self.inputs(), horizon);
        for decision in &verdict.decisions {
            for known in self.postbacks.iter_mut().filter(|known| known.receipt == decision.receipt) {
                known.settled = decision.settled;
            }
        }
        self.held = verdict
            .conversions
            .iter()
            .map(|conversion| {
                let held = Held {
                    holder: conversion.holder,
                    amount_from: conversion.amount_from,
                    amount_closed: false,
                    terms: conversion.terms,
                };
                (conversion.slot().unwrap(), held)
            })
            .collect();
        let own = verdict.first_steps.iter().map(|step| (step.event, own_click_id()));
        self.first_clicks.extend(own);
        verdict
    }

    pub(crate) fn take(&mut self, postbacks: impl IntoIterator<Item = Stamped>) -> JourneyVerdict {
        self.postbacks.extend(postbacks);
        self.judge(at(CLICKED))
    }
}

/// The codes in the order of receipt.
pub(crate) fn codes(verdict: &JourneyVerdict) -> Vec<&'static str> {
    verdict.decisions.iter().map(|decision| decision.code.as_str()).collect()
}
