//! `OfferVersionCreated` and `OfferChanged` → [`Version`] and what applies at once.

use std::collections::BTreeMap;

use contracts::{
    ContractError,
    catalog::{
        DeadlineAnchor as AnchorCode, EventTerms as EventTermsMessage, OfferChanged,
        OfferEvent as OfferEventMessage, OfferVersionCreated, Platform as PlatformCode,
        ReachedBy as ReachedByCode,
    },
    common::MoneyTerms,
    read,
};
use kernel::{AdvertiserId, OfferEventId, TimeWindow};

use crate::domain::{
    DeadlineAnchor, EventTerms, Offer, OfferEvent, Platform, ReachedBy, TermsSource, Version,
};

/// Hours an event out of order waits when the offer does not say.
const DEFAULT_GRACE_HOURS: u32 = 72;
const SECONDS_PER_HOUR: i64 = 3_600;

/// An offer as the rules see it, beside the messages that carry its money.
#[derive(Debug, Clone, Default)]
pub struct KnownOffer {
    /// For the rules.
    pub rules: Offer,
    /// The versions as they came.
    pub versions: BTreeMap<u32, OfferVersionCreated>,
}

impl KnownOffer {
    /// The money terms of an event: no rule reads them, payout gets them as they are.
    #[must_use]
    pub fn money(&self, event: OfferEventId, source: TermsSource) -> Option<&MoneyTerms> {
        let named = |message: &&OfferEventMessage| message.offer_event_id == event.to_vec();
        let terms = if source.introduced_later {
            let with_it = self.versions.values().rev().find_map(|version| version.events.iter().find(named));
            with_it?.introduced_terms.as_ref()?
        } else {
            self.versions.get(&source.version)?.events.iter().find(named)?.terms.as_ref()?
        };
        terms.money.as_ref()
    }
}

/// Reads a version.
///
/// # Errors
/// [`ContractError`] naming the field.
pub fn offer_version(fact: &OfferVersionCreated) -> Result<Version, ContractError> {
    let mut events = Vec::with_capacity(fact.events.len());
    for (place, message) in fact.events.iter().enumerate() {
        events.push(offer_event(message, &format!("events[{place}]"))?);
    }
    let mut reached_by = BTreeMap::new();
    for rule in &fact.number_rules {
        match read::enumeration(rule.reached_by, "number_rules.reached_by")? {
            ReachedByCode::All => reached_by.insert(rule.sequence_number, ReachedBy::All),
            ReachedByCode::Any => reached_by.insert(rule.sequence_number, ReachedBy::Any),
            ReachedByCode::Unspecified => None,
        };
    }
    let hours = if fact.sequence_grace_hours == 0 { DEFAULT_GRACE_HOURS } else { fact.sequence_grace_hours };
    Ok(Version {
        number: fact.version,
        advertiser: read::id(AdvertiserId::from_slice, &fact.advertiser_id, "advertiser_id")?,
        name: fact.name.clone(),
        app_id: fact.app_id.clone(),
        dates: TimeWindow {
            from: read::time(fact.launch_at_micros),
            until: fact.end_at_micros.map(read::time),
        },
        countries: fact.countries.iter().map(|country| country.to_ascii_uppercase()).collect(),
        platforms: platforms(&fact.platforms)?,
        events,
        reached_by,
        grace_seconds: i64::from(hours).saturating_mul(SECONDS_PER_HOUR),
    })
}

fn platforms(codes: &[i32]) -> Result<Vec<Platform>, ContractError> {
    let mut platforms = Vec::with_capacity(codes.len());
    for code in codes {
        match read::enumeration(*code, "platforms")? {
            PlatformCode::Ios => platforms.push(Platform::Ios),
            PlatformCode::Android => platforms.push(Platform::Android),
            PlatformCode::Macos => platforms.push(Platform::MacOs),
            PlatformCode::Browser => platforms.push(Platform::Browser),
            PlatformCode::Unspecified => {}
        }
    }
    Ok(platforms)
}

fn offer_event(message: &OfferEventMessage, field: &str) -> Result<OfferEvent, ContractError> {
    let own = read::required(message.terms.as_ref(), &format!("{field}.terms"))?;
    let introduced = message.introduced_terms.as_ref().unwrap_or(own);
    Ok(OfferEvent {
        id: read::id(OfferEventId::from_slice, &message.offer_event_id, &format!("{field}.offer_event_id"))?,
        event_id: message.event_id.clone(),
        name: message.name.clone(),
        number: message.sequence_number,
        terms: event_terms(own, &format!("{field}.terms"))?,
        introduced_in: message.introduced_in_version,
        introduced_terms: event_terms(introduced, &format!("{field}.introduced_terms"))?,
    })
}

fn event_terms(message: &EventTermsMessage, field: &str) -> Result<EventTerms, ContractError> {
    let money = read::required(message.money.as_ref(), &format!("{field}.money"))?;
    let too_many = |name: &str| read::field_error(&format!("{field}.{name}"), "is too large");
    let deadline_days = message.deadline_days.map(u16::try_from).transpose();
    let min_time = message.min_time_seconds.map(i64::try_from).transpose();
    let anchor =
        if message.deadline_days.is_some() && message.deadline_anchor == i32::from(AnchorCode::Install) {
            DeadlineAnchor::Install
        } else {
            DeadlineAnchor::Click
        };
    Ok(EventTerms {
        deadline_days: deadline_days.map_err(|_too_large| too_many("deadline_days"))?,
        deadline_anchor: anchor,
        min_time_seconds: min_time
            .map_err(|_too_large| too_many("min_time_seconds"))?
            .filter(|time| *time > 0),
        repetitions_allowed: message.repetitions_allowed,
        currency: read::currency(&money.currency, &format!("{field}.money.currency"))?,
    })
}

/// The stretches in which all events were stopped.
#[must_use]
pub fn stops(fact: &OfferChanged) -> Vec<TimeWindow> {
    fact.event_stops
        .iter()
        .map(|stop| TimeWindow {
            from: read::time(stop.from_at_micros),
            until: stop.until_at_micros.map(read::time),
        })
        .collect()
}
