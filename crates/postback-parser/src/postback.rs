//! The normalised postback: typed where the rules look, text everywhere else.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{ClickId, Currency, Micros, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    absent::looks_absent,
    amount,
    field::Field,
    json,
    note::Note,
    pairs::Pairs,
    request::Request,
    text::{fold_name, unquote},
    time,
};

/// The click id as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClickReference {
    /// None, or one of the ways of saying none.
    Absent,
    /// Something that is no UUID.
    Unreadable(String),
    /// A UUID; whether it is ours is for others to say.
    Id(ClickId),
}

impl ClickReference {
    /// The id, when there is a readable one.
    #[must_use]
    pub const fn id(&self) -> Option<ClickId> {
        match self {
            Self::Id(id) => Some(*id),
            Self::Absent | Self::Unreadable(_) => None,
        }
    }
}

/// Where the event id of a postback was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventSource {
    /// A parameter for the event id.
    EventId,
    /// There was only an event name, and it serves as the id.
    EventName,
    /// There was neither: the install template may carry none.
    InstallByDefault,
}

/// What the postback says about which event it reports.
///
/// Whether `null` is an event id or the absence of one depends on the offer ("an event id that exactly equals a
/// configured Event ID is never absent"), so the choice is made by [`EventReference::resolve`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventReference {
    /// The values of the event id parameters in the order of precedence, without the empty ones, up to the first one
    /// that no offer can take for none.
    pub candidates: Vec<String>,
    /// The event name, when there is one.
    pub name: Option<String>,
}

/// The Event ID of an install whose postback names no event.
const INSTALL: &str = "Install";

/// What the canonical form escapes: all but letters, digits and `-._~`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl EventReference {
    /// The event id, knowing which Event IDs the offer has.
    #[must_use]
    pub fn resolve(&self, is_configured: impl Fn(&str) -> bool) -> (&str, EventSource) {
        let by_id = self.candidates.iter().find(|value| !looks_absent(value) || is_configured(value));
        match (by_id, &self.name) {
            (Some(id), _) => (id, EventSource::EventId),
            (None, Some(name)) => (name, EventSource::EventName),
            (None, None) => (INSTALL, EventSource::InstallByDefault),
        }
    }
}

/// A postback, normalised. Any bytes give one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postback {
    /// The click it answers to.
    pub click: ClickReference,
    /// The event it reports.
    pub event: EventReference,
    /// The amount in its own currency.
    pub amount: Option<Micros>,
    /// The currency of the amount.
    pub currency: Option<Currency>,
    /// The amount in US dollars.
    pub amount_usd: Option<Micros>,
    /// When the event happened, not yet capped to the receipt.
    pub event_time: Option<Timestamp>,
    /// When the app was installed.
    pub install_time: Option<Timestamp>,
    /// Whether this is the attribution that counts, when stated.
    pub is_primary_attribution: Option<bool>,
    /// Whether it came from retargeting, when stated.
    pub is_retargeting: Option<bool>,
    /// Whether AppsFlyer's fraud protection rejected it, when stated.
    pub is_rejected: Option<bool>,
    /// Every known parameter that has a value, as text: event ids and numbers trimmed, all else as it came.
    pub fields: BTreeMap<Field, String>,
    /// Parameters we have no meaning for, in the order in which they came, credentials left out.
    pub unknown: Vec<(String, String)>,
    /// What was odd.
    pub notes: Vec<Note>,
}

impl Postback {
    /// Reads a request. Total: there is no request that it refuses.
    #[must_use]
    pub fn parse(request: &Request<'_>) -> Self {
        let pairs = Pairs::read(request);
        let mut notes = pairs.notes();
        let (by_field, unknown) = sort_into_fields(pairs.list);
        let candidates = by_field.get(&Field::EventId).map(candidates).unwrap_or_default();
        let fields = choose(by_field, &mut notes);
        let event = EventReference { candidates, name: fields.get(&Field::EventName).cloned() };
        let mut reader = Reader { fields: &fields, notes: &mut notes };
        let click = reader.click();
        let (amount, amount_usd) = (reader.amount(Field::Amount), reader.amount(Field::AmountUsd));
        let currency = reader.currency();
        let (event_time, install_time) = (reader.time(Field::EventTime), reader.time(Field::InstallTime));
        let is_primary_attribution = reader.flag(Field::IsPrimaryAttribution);
        let is_retargeting = reader.flag(Field::IsRetargeting);
        let is_rejected = reader.flag(Field::IsRejected);
        reader.check_event_value();
        notes.extend(event_note(&event));
        Self {
            click,
            event,
            amount,
            currency,
            amount_usd,
            event_time,
            install_time,
            is_primary_attribution,
            is_retargeting,
            is_rejected,
            fields,
            unknown,
            notes,
        }
    }

    /// The text of a known parameter, when it has a value.
    #[must_use]
    pub fn get(&self, field: Field) -> Option<&str> {
        self.fields.get(&field).map(String::as_str)
    }

    /// Whether AppsFlyer flags it as fraud: the flag is set, or there is a reason for a block that the flag does not
    /// deny.
    #[must_use]
    pub fn is_flagged(&self) -> bool {
        match self.is_rejected {
            Some(flag) => flag,
            None => self.fields.contains_key(&Field::BlockedReason),
        }
    }

    /// The effective time: the event's, never after the receipt.
    #[must_use]
    pub fn effective_time(&self, received_at: Timestamp) -> Timestamp {
        self.event_time.map_or(received_at, |at| at.min(received_at))
    }

    /// The postback as a query with canonical names, known parameters first: the same meaning gives the same text,
    /// however the parameters were spelled, ordered or carried.
    ///
    /// Parsing it gives the same postback again, with `unknown` sorted and without the notes on how the values came,
    /// unless it is longer than [`MAX_INPUT_BYTES`](crate::MAX_INPUT_BYTES).
    #[must_use]
    pub fn canonical_query(&self) -> String {
        // An event id that looks absent is no value, but an offer may know it: it stays in the canonical form.
        let event_ids =
            self.event.candidates.iter().map(|value| (Field::EventId.canonical(), value.as_str()));
        let known = self.fields.iter().filter(|(field, _)| **field != Field::EventId);
        let known = known.map(|(field, value)| (field.canonical(), value.as_str()));
        let mut unknown: Vec<(&str, &str)> =
            self.unknown.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        unknown.sort_unstable();
        let encode = |text| utf8_percent_encode(text, ESCAPED);
        let parts: Vec<String> = event_ids
            .chain(known)
            .chain(unknown)
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        parts.join("&")
    }
}

/// The values of one field: rank of the name, position in the request, value.
type Values = Vec<(usize, String)>;

/// Parameters by their names.
type Named = Vec<(String, String)>;

fn sort_into_fields(list: Named) -> (BTreeMap<Field, Values>, Named) {
    let mut by_field: BTreeMap<Field, Values> = BTreeMap::new();
    let mut unknown = Vec::new();
    for (name, value) in list {
        match Field::of_folded(&fold_name(&name)) {
            Some((field, rank)) => by_field.entry(field).or_default().push((rank, value)),
            None => unknown.push((name, value)),
        }
    }
    for values in by_field.values_mut() {
        // Stable: among equal names the one that came first stays first.
        values.sort_by_key(|(rank, _)| *rank);
    }
    (by_field, unknown)
}

fn candidates(values: &Values) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    for value in values.iter().map(|(_, value)| value.trim()).filter(|value| !value.is_empty()) {
        if seen.insert(value) {
            found.push(String::from(value));
        }
        if !looks_absent(value) {
            break;
        }
    }
    found
}

fn event_note(event: &EventReference) -> Option<Note> {
    match event.resolve(|_configured| false).1 {
        EventSource::EventId => None,
        EventSource::EventName => Some(Note::EventNameAsId),
        EventSource::InstallByDefault => Some(Note::InstallByDefault),
    }
}

fn choose(by_field: BTreeMap<Field, Values>, notes: &mut Vec<Note>) -> BTreeMap<Field, String> {
    let mut fields = BTreeMap::new();
    for (field, values) in by_field {
        let mut present = values.into_iter().map(|(_, value)| value).filter(|value| !looks_absent(value));
        let Some(first) = present.next() else { continue };
        let first = if is_free_text(field) { first } else { String::from(first.trim()) };
        if present.any(|other| other.trim() != first.trim()) {
            notes.push(Note::Disagreement(field));
        }
        fields.insert(field, first);
    }
    fields
}

/// Ids and numbers are trimmed; what people or apps wrote is not.
const fn is_free_text(field: Field) -> bool {
    matches!(field, Field::EventValue | Field::Sub1 | Field::Sub2 | Field::Sub3 | Field::Sub4 | Field::Sub5)
}

/// Reads typed values and notes what can not be read.
struct Reader<'a> {
    fields: &'a BTreeMap<Field, String>,
    notes: &'a mut Vec<Note>,
}

impl Reader<'_> {
    fn click(&mut self) -> ClickReference {
        let Some(text) = self.fields.get(&Field::ClickId) else { return ClickReference::Absent };
        let text = unquote(text);
        let inside = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(text);
        inside.parse().map_or_else(
            |_no_uuid| {
                self.notes.push(Note::UnreadableClickId);
                ClickReference::Unreadable(String::from(text))
            },
            ClickReference::Id,
        )
    }

    fn amount(&mut self, field: Field) -> Option<Micros> {
        let text = self.fields.get(&field)?;
        let Some(amount) = amount::parse(text) else {
            self.notes.push(Note::UnreadableAmount(field));
            return None;
        };
        if amount.rounded {
            self.notes.push(Note::AmountRounded(field));
        }
        Some(amount.micros)
    }

    fn currency(&mut self) -> Option<Currency> {
        let text = self.fields.get(&Field::Currency)?;
        let currency = unquote(text).parse().ok();
        if currency.is_none() {
            self.notes.push(Note::UnreadableCurrency);
        }
        currency
    }

    fn time(&mut self, field: Field) -> Option<Timestamp> {
        let text = self.fields.get(&field)?;
        let time = time::parse(text);
        if time.is_none() {
            self.notes.push(Note::UnreadableTime(field));
        }
        time
    }

    fn flag(&mut self, field: Field) -> Option<bool> {
        let text = unquote(self.fields.get(&field)?);
        let is = |words: [&str; 3]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
        if is(["true", "1", "yes"]) {
            Some(true)
        } else if is(["false", "0", "no"]) {
            Some(false)
        } else {
            self.notes.push(Note::UnreadableFlag(field));
            None
        }
    }

    fn check_event_value(&mut self) {
        let Some(text) = self.fields.get(&Field::EventValue) else { return };
        if !json::is_valid(text) {
            self.notes.push(Note::EventValueNotJson);
        }
    }
}
