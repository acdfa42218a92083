//! An offer as somebody has written it down and nobody has saved it, in the catalog's names. What the rules and the money
//! do not look at may be there, too, and is passed over: the body of a draft can be pasted whole.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use http_kit::{FieldError, Problem};
use kernel::{AdvertiserId, Bps, Currency, Micros, OfferEventId, TimeWindow, Timestamp};
use serde::Deserialize;
use terms::{Payout, Revenue, Terms};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::{DeadlineAnchor, EventTerms, Offer, OfferEvent, Platform, ReachedBy, Version};

/// Events of an offer at most: as the catalog.
const EVENTS_MAX: usize = 100;
/// Hours an event out of order waits when the draft does not say.
const GRACE_HOURS: u32 = 72;
const SECONDS_PER_HOUR: i64 = 3_600;
/// Micro percent in a basis point.
const MICROS_PER_BPS: i64 = 10_000;

/// An offer's draft.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DraftBody {
    /// The offer's name.
    #[serde(default)]
    #[schema(example = "Golfin iOS")]
    name: String,
    /// Currency of flat amounts, and of amounts that name none.
    #[schema(example = "USD")]
    currency: String,
    /// The app at AppsFlyer.
    #[serde(default)]
    app_id: Option<String>,
    /// A day or a moment; of all time when left out.
    #[serde(default)]
    #[schema(example = "2026-12-01")]
    launch_date: Option<String>,
    /// A day or a moment; never when left out.
    #[serde(default)]
    end_date: Option<String>,
    /// ISO codes; every country when empty.
    #[serde(default)]
    countries: Vec<String>,
    /// `IOS`, `Android`, `MacOS`, `Browser`; every platform when empty.
    #[serde(default)]
    platforms: Vec<String>,
    /// `Click` or `Install`; `Click` when left out.
    #[serde(default)]
    deadline_anchor: Option<String>,
    /// Hours an event out of order waits for its predecessors; 72 when left out.
    #[serde(default)]
    sequence_grace_hours: Option<u32>,
    /// Numbers that are not reached as by default.
    #[serde(default)]
    sequence_rules: Vec<DraftRule>,
    /// The events.
    events: Vec<DraftEvent>,
}

/// How a number is reached.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DraftRule {
    /// The number.
    sequence_number: u32,
    /// `All` or `Any`.
    #[schema(example = "Any")]
    reached_by: String,
}

/// An event of the draft.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DraftEvent {
    /// The lasting id of the event that is meant, where the offer is saved and the Event ID is to change; else the Event ID says
    /// which it is.
    #[serde(default)]
    #[schema(example = json!(null))]
    offer_event_id: Option<Uuid>,
    /// The mapped partner event name, exactly as in AppsFlyer.
    #[schema(example = "level_10")]
    event_id: String,
    /// What a user sees.
    #[serde(default)]
    name: Option<String>,
    /// 1, 2, …; null is Independent.
    #[serde(default)]
    sequence_number: Option<u32>,
    /// What the advertiser owes; without it there is no money in the answer.
    #[serde(default)]
    revenue: Option<DraftMoney>,
    /// What the publisher earns.
    #[serde(default)]
    payout: Option<DraftMoney>,
    /// Points that the publisher's user sees.
    #[serde(default)]
    reward: i64,
    /// Days after click or install in which it counts.
    #[serde(default)]
    deadline_days: Option<u16>,
    /// Seconds that must pass after the previous number was reached.
    #[serde(default)]
    min_time_from_previous_event: Option<u32>,
    /// Whether it may happen more than once on a click.
    #[serde(default)]
    allow_repetitions: bool,
}

/// Money for one conversion: `"4.99"`, or a model with its value.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum DraftMoney {
    /// `FlatRate`.
    Flat(String),
    /// Any model.
    Model {
        /// `FlatRate`, `Percent` or, for a payout, `RevenueShare`.
        model: String,
        /// For `FlatRate`.
        #[serde(default)]
        amount: Option<String>,
        /// For `Percent` and `RevenueShare`.
        #[serde(default)]
        percent: Option<String>,
    },
}

/// A draft, read: for the rules, and its money by event.
#[derive(Debug)]
pub(super) struct Draft {
    /// For the rules.
    pub(super) version: Version,
    /// The money of the events that have some.
    pub(super) money: BTreeMap<OfferEventId, Terms>,
}

impl DraftBody {
    /// Reads it as the next version of its offer, where that is known: an event that the offer has is the same event. `at` is
    /// its field in the body.
    pub(super) fn read(self, at: &str, saved: Option<&Offer>, number: u32) -> Result<Draft, Problem> {
        let currency: Currency = self
            .currency
            .parse()
            .map_err(|_unknown| wrong(&format!("{at}.currency"), "must be an ISO code such as USD"))?;
        if self.events.is_empty() || self.events.len() > EVENTS_MAX {
            return Err(wrong(&format!("{at}.events"), &format!("must be 1 to {EVENTS_MAX} events")));
        }
        let anchor = match self.deadline_anchor.as_deref() {
            None | Some("Click") => DeadlineAnchor::Click,
            Some("Install") => DeadlineAnchor::Install,
            Some(_) => return Err(wrong(&format!("{at}.deadlineAnchor"), "must be Click or Install")),
        };
        let mut money = BTreeMap::new();
        let mut events: Vec<OfferEvent> = Vec::with_capacity(self.events.len());
        for (place, event) in self.events.into_iter().enumerate() {
            let field = format!("{at}.events[{place}]");
            if events.iter().any(|other| other.event_id == event.event_id) {
                return Err(wrong(&format!("{field}.eventId"), "must be another than those before it"));
            }
            let known = event.saved(saved, &field)?;
            let id = known.map_or_else(|| own_id(place), |known| known.id);
            if events.iter().any(|other| other.id == id) {
                return Err(wrong(&format!("{field}.offerEventId"), "must be another than those before it"));
            }
            if let Some(terms) = event.money(currency, &field)? {
                money.insert(id, terms);
            }
            events.push(event.read((id, number), known, anchor, currency));
        }
        let from = moment(self.launch_date.as_deref(), &format!("{at}.launchDate"))?;
        let hours = self.sequence_grace_hours.unwrap_or(GRACE_HOURS);
        let version = Version {
            number,
            advertiser: AdvertiserId::from_uuid(Uuid::nil()),
            name: self.name,
            app_id: self.app_id,
            dates: TimeWindow {
                from: from.unwrap_or_else(|| Timestamp::from_micros(0)),
                until: moment(self.end_date.as_deref(), &format!("{at}.endDate"))?,
            },
            countries: self.countries.iter().map(|country| country.to_ascii_uppercase()).collect(),
            platforms: platforms(&self.platforms, at)?,
            events,
            reached_by: reached_by(&self.sequence_rules, at)?,
            grace_seconds: i64::from(hours).saturating_mul(SECONDS_PER_HOUR),
        };
        Ok(Draft { version, money })
    }
}

/// Of an event that nobody has saved: nobody else's.
fn own_id(place: usize) -> OfferEventId {
    const DRAFTED: u128 = 0xd4af << 96;
    OfferEventId::from_uuid(Uuid::from_u128(DRAFTED | u128::try_from(place).unwrap_or_default()))
}

fn platforms(words: &[String], at: &str) -> Result<Vec<Platform>, Problem> {
    let mut found = Vec::with_capacity(words.len());
    for word in words.iter().filter(|word| *word != "All") {
        let platform = Platform::parse(word);
        found.push(platform.ok_or_else(|| {
            wrong(&format!("{at}.platforms"), "must be some of IOS, Android, MacOS, Browser")
        })?);
    }
    Ok(found)
}

fn reached_by(rules: &[DraftRule], at: &str) -> Result<BTreeMap<u32, ReachedBy>, Problem> {
    let mut found = BTreeMap::new();
    for rule in rules {
        let by = match rule.reached_by.as_str() {
            "All" => ReachedBy::All,
            "Any" => ReachedBy::Any,
            _ => return Err(wrong(&format!("{at}.sequenceRules"), "reachedBy must be All or Any")),
        };
        found.insert(rule.sequence_number, by);
    }
    Ok(found)
}

impl DraftEvent {
    /// The same event as the offer has it: by its lasting id, else by its Event ID.
    fn saved<'a>(&self, offer: Option<&'a Offer>, field: &str) -> Result<Option<&'a OfferEvent>, Problem> {
        let Some(offer) = offer else { return Ok(None) };
        let find = |is_it: &dyn Fn(&OfferEvent) -> bool| {
            let versions = offer.versions.values().rev();
            versions.flat_map(|version| &version.events).find(|event| is_it(event))
        };
        let Some(id) = self.offer_event_id else { return Ok(find(&|event| event.event_id == self.event_id)) };
        let found = find(&|event| event.id.as_uuid() == id);
        let unknown =
            || wrong(&format!("{field}.offerEventId"), "must be an event of the offer, or left out");
        found.map(Some).ok_or_else(unknown)
    }

    fn read(
        self,
        (id, number): (OfferEventId, u32),
        saved: Option<&OfferEvent>,
        anchor: DeadlineAnchor,
        currency: Currency,
    ) -> OfferEvent {
        let min_time = self.min_time_from_previous_event.filter(|seconds| *seconds > 0).map(i64::from);
        let terms = EventTerms {
            deadline_days: self.deadline_days,
            deadline_anchor: anchor,
            min_time_seconds: min_time,
            repetitions_allowed: self.allow_repetitions,
            currency,
        };
        OfferEvent {
            id,
            name: self.name.unwrap_or_else(|| self.event_id.clone()),
            event_id: self.event_id,
            number: self.sequence_number,
            terms,
            introduced_in: saved.map_or(number, |saved| saved.introduced_in),
            introduced_terms: saved.map_or(terms, |saved| saved.introduced_terms),
        }
    }

    fn money(&self, currency: Currency, field: &str) -> Result<Option<Terms>, Problem> {
        let (Some(revenue), Some(payout)) = (&self.revenue, &self.payout) else { return Ok(None) };
        let revenue = match revenue.read(&format!("{field}.revenue"))? {
            Payout::Flat(amount) => Revenue::Flat(amount),
            Payout::PercentOfAmount(share) => Revenue::PercentOfAmount(share),
            Payout::ShareOfRevenue(_) => {
                return Err(wrong(&format!("{field}.revenue.model"), "must be FlatRate or Percent"));
            }
        };
        let payout = payout.read(&format!("{field}.payout"))?;
        Ok(Some(Terms { currency, revenue, payout, reward_points: self.reward }))
    }
}

impl DraftMoney {
    fn read(&self, field: &str) -> Result<Payout, Problem> {
        let amount = |text: Option<&str>| {
            let read = text.and_then(Micros::parse_decimal).filter(|amount| amount.0 >= 0);
            read.map(Payout::Flat)
                .ok_or_else(|| wrong(&format!("{field}.amount"), "must be such as \"4.99\""))
        };
        let share = |text: Option<&str>| {
            let read = text.and_then(Micros::parse_decimal).and_then(basis_points);
            read.ok_or_else(|| {
                wrong(&format!("{field}.percent"), "must be such as \"12.5\", from 0 to 100, two decimals")
            })
        };
        match self {
            Self::Flat(text) => amount(Some(text)),
            Self::Model { model, amount: flat, percent } => match model.as_str() {
                "FlatRate" => amount(flat.as_deref()),
                "Percent" => share(percent.as_deref()).map(Payout::PercentOfAmount),
                "RevenueShare" => share(percent.as_deref()).map(Payout::ShareOfRevenue),
                _ => Err(wrong(&format!("{field}.model"), "must be FlatRate, Percent or RevenueShare")),
            },
        }
    }
}

/// Of percent.
fn basis_points(percent: Micros) -> Option<Bps> {
    let whole = percent.0.checked_rem(MICROS_PER_BPS)? == 0;
    let points = u32::try_from(percent.0.checked_div(MICROS_PER_BPS)?).ok()?;
    (whole && points <= 10_000).then_some(Bps(points))
}

fn moment(text: Option<&str>, field: &str) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let day = || text.parse::<NaiveDate>().map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let read = text.parse::<DateTime<Utc>>().or_else(|_no_moment| day());
    let time = read.map_err(|_neither| wrong(field, "must be a day or a moment, such as 2026-12-01"))?;
    Ok(Some(Timestamp::from_micros(time.timestamp_micros())))
}

/// A field of the body that is not acceptable.
pub(super) fn wrong(field: &str, detail: &str) -> Problem {
    Problem::invalid(vec![FieldError { field: String::from(field), detail: String::from(detail) }])
}
