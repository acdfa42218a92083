//! What differs between two versions, and for whom each difference counts: the table of `SEMANTICS.md`, field by field.
//!
//! Compared is the published form, so a difference names its field as the API does. A field that is missing in the table here
//! would be lost in silence; a test walks the published form and asks for each of its fields.

use std::collections::BTreeSet;

use serde_json::Value;

/// For whom a change counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applies {
    /// For everything that happens from now on, whatever click it belongs to.
    AtOnce,
    /// For clicks made from then on.
    NewClicks,
    /// For journeys under way and for quarantined postbacks too.
    OpenJourneys,
}

impl Applies {
    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AtOnce => "AtOnce",
            Self::NewClicks => "NewClicks",
            Self::OpenJourneys => "OpenJourneys",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::AtOnce => "at once",
            Self::NewClicks => "for clicks from then on; earlier clicks keep what they were made under",
            Self::OpenJourneys => {
                "at once, also for open journeys and quarantined postbacks: it may release what waits, and takes nothing back"
            }
        }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// By its published name: `events[1].payout`, at its place after the change, or before when it is gone.
    pub field: String,
    /// The Event ID, when it is about an event.
    pub event_id: Option<String>,
    /// What was there.
    pub before: Value,
    /// What is there then.
    pub after: Value,
    /// For whom.
    pub applies: Applies,
    /// The same in words.
    pub says: String,
}

use Applies::{AtOnce, NewClicks, OpenJourneys};

/// The fields of an offer but those that have a rule of their own.
const OFFER: &[(&str, Applies)] = &[
    ("offerType", AtOnce),
    ("trackingSystem", AtOnce),
    ("advertiserId", AtOnce),
    ("name", AtOnce),
    ("advertiserCampaignName", AtOnce),
    ("trackingSystemLink", AtOnce),
    ("fallbackLink", AtOnce),
    ("appId", AtOnce),
    ("featured", AtOnce),
    ("headline", AtOnce),
    ("shortDescription", AtOnce),
    ("keyPoints", AtOnce),
    ("offerDetails", AtOnce),
    ("termsAndDisclaimers", AtOnce),
    ("categories", AtOnce),
    ("creatives", AtOnce),
    ("budget.total", AtOnce),
    ("budget.daily", AtOnce),
    ("currency", NewClicks),
    ("launchDate", AtOnce),
    ("expiryDate", AtOnce),
    // Only a click is ever asked for these.
    ("gender", NewClicks),
    ("ageRanges", NewClicks),
    ("dailyCap", AtOnce),
    ("weeklyCap", AtOnce),
    ("monthlyCap", AtOnce),
    ("allTimeCap", AtOnce),
    ("overLimitAction", AtOnce),
    ("reverseOnFraud", NewClicks),
    ("deadlineAnchor", NewClicks),
    ("sequenceGraceHours", OpenJourneys),
    ("sequenceRules", OpenJourneys),
];

/// Widening counts for what was refused too, narrowing only for new clicks.
const TARGETS: &[&str] = &["countries", "platforms"];

/// The fields of an event.
const EVENT: &[(&str, Applies)] = &[
    ("eventId", OpenJourneys),
    ("name", OpenJourneys),
    ("sequenceNumber", OpenJourneys),
    ("pendingTime", NewClicks),
    ("revenue", NewClicks),
    ("payout", NewClicks),
    ("reward", NewClicks),
    ("displayOrder", AtOnce),
    ("showOnOfferWall", AtOnce),
    ("deadlineDays", NewClicks),
    ("minTimeFromPreviousEvent", NewClicks),
    ("allowRepetitions", NewClicks),
    ("dailyCap", AtOnce),
    ("weeklyCap", AtOnce),
    ("monthlyCap", AtOnce),
    ("allTimeCap", AtOnce),
    ("publisherCaps", AtOnce),
];

/// Every difference between two published offers, in the order of the form.
#[must_use]
pub fn differences(before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(OFFER, (before, after), "", None, &mut found);
    for field in TARGETS {
        compare_targets(field, at(before, field), at(after, field), &mut found);
    }
    compare_events(events(before), events(after), &mut found);
    found
}

fn compare(
    fields: &[(&str, Applies)],
    (before, after): (&Value, &Value),
    path: &str,
    event_id: Option<&str>,
    found: &mut Vec<Difference>,
) {
    for (field, applies) in fields {
        let (was, is) = (at(before, field), at(after, field));
        if was != is {
            found.push(Difference {
                field: format!("{path}{field}"),
                event_id: event_id.map(str::to_owned),
                before: was.clone(),
                after: is.clone(),
                applies: *applies,
                says: applies.sentence().to_owned(),
            });
        }
    }
}

fn compare_targets(field: &str, before: &Value, after: &Value, found: &mut Vec<Difference>) {
    let (was, is) = (words(before), words(after));
    let names = |of: &BTreeSet<&str>| of.iter().copied().collect::<Vec<_>>().join(", ");
    let mut push = |applies, says| {
        let (before, after) = (before.clone(), after.clone());
        found.push(Difference { field: field.to_owned(), event_id: None, before, after, applies, says });
    };
    let added: BTreeSet<&str> = is.difference(&was).copied().collect();
    if !added.is_empty() && !was.contains(ALL) {
        push(OpenJourneys, format!("{} is added: at once, also for what was refused", names(&added)));
    }
    let removed: BTreeSet<&str> = was.difference(&is).copied().collect();
    if !removed.is_empty() && !is.contains(ALL) {
        let left = if removed.contains(ALL) {
            format!("only {} is left", names(&is))
        } else {
            format!("{} is removed", names(&removed))
        };
        push(NewClicks, format!("{left}: for clicks from then on"));
    }
}

/// The word for every country or platform.
const ALL: &str = "All";

fn compare_events(before: &[Value], after: &[Value], found: &mut Vec<Difference>) {
    let same = |event: &Value, of: &[Value]| {
        let id = at(event, "offerEventId");
        of.iter().position(|other| !id.is_null() && at(other, "offerEventId") == id)
    };
    for (place, event) in after.iter().enumerate() {
        let event_id = at(event, "eventId").as_str();
        match same(event, before).and_then(|place| before.get(place)) {
            Some(was) => compare(EVENT, (was, event), &format!("events[{place}]."), event_id, found),
            None => found.push(Difference {
                field: format!("events[{place}]"),
                event_id: event_id.map(str::to_owned),
                before: Value::Null,
                after: event.clone(),
                applies: OpenJourneys,
                says: String::from(
                    "at once, also for open journeys and quarantined postbacks; earlier clicks get its terms as they were \
                     when it was introduced",
                ),
            }),
        }
    }
    for (place, event) in before.iter().enumerate() {
        if same(event, after).is_none() {
            found.push(Difference {
                field: format!("events[{place}]"),
                event_id: at(event, "eventId").as_str().map(str::to_owned),
                before: event.clone(),
                after: Value::Null,
                applies: NewClicks,
                says: String::from("for clicks from then on; earlier clicks keep the event"),
            });
        }
    }
}

/// The value of a published name; `null` when it is left out.
fn at<'a>(of: &'a Value, field: &str) -> &'a Value {
    const NOTHING: &Value = &Value::Null;
    field.split('.').try_fold(of, |value, name| value.get(name)).unwrap_or(NOTHING)
}

fn events(of: &Value) -> &[Value] {
    at(of, "events").as_array().map(Vec::as_slice).unwrap_or_default()
}

fn words(of: &Value) -> BTreeSet<&str> {
    of.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Whether a difference of a published field of an offer is told.
#[cfg(test)]
pub fn is_told(field: &str) -> bool {
    OFFER.iter().any(|(known, _)| *known == field || known.split('.').next() == Some(field))
        || TARGETS.contains(&field)
        || field == "events"
}

/// Whether a difference of a published field of an event is told, or never is one.
#[cfg(test)]
pub fn is_told_of_event(field: &str) -> bool {
    EVENT.iter().any(|(known, _)| *known == field) || field == "offerEventId"
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn told(before: &Value, after: &Value) -> Vec<(String, &'static str)> {
        differences(before, after).into_iter().map(|found| (found.field, found.applies.as_str())).collect()
    }

    #[test]
    fn the_same_is_no_difference() {
        let offer =
            json!({"name": "x", "events": [{"offerEventId": "1", "eventId": "a"}], "countries": ["US"]});
        assert_eq!(told(&offer, &offer), []);
    }

    #[test]
    fn events_are_followed_by_their_lasting_id() {
        let before = json!({"events": [
            {"offerEventId": "1", "eventId": "Install", "payout": "1"},
            {"offerEventId": "2", "eventId": "level_1"},
        ]});
        let after = json!({"events": [
            {"offerEventId": "3", "eventId": "new"},
            {"offerEventId": "1", "eventId": "install_2", "payout": "2"},
        ]});
        assert_eq!(
            told(&before, &after),
            [
                ("events[0]".to_owned(), "OpenJourneys"),
                ("events[1].eventId".to_owned(), "OpenJourneys"),
                ("events[1].payout".to_owned(), "NewClicks"),
                ("events[1]".to_owned(), "NewClicks"),
            ]
        );
        assert_eq!(differences(&before, &after)[2].event_id.as_deref(), Some("install_2"));
    }

    #[rstest]
    #[case(json!(["US"]), json!(["US", "ZA"]), &["ZA is added"])]
    #[case(json!(["US", "ZA"]), json!(["US"]), &["ZA is removed"])]
    #[case(json!(["US"]), json!(["AU"]), &["AU is added", "US is removed"])]
    #[case(json!(["US"]), json!(["All"]), &["All is added"])]
    #[case(json!(["All"]), json!(["US"]), &["only US is left"])]
    #[case(json!(["US", "ZA"]), json!(["ZA", "US"]), &[])]
    fn widening_and_narrowing_are_told_apart(
        #[case] before: Value,
        #[case] after: Value,
        #[case] expected: &[&str],
    ) {
        let found = differences(&json!({"countries": before}), &json!({"countries": after}));
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (difference, says) in found.iter().zip(expected) {
            assert!(difference.says.starts_with(says), "{difference:?}");
            assert_eq!(difference.applies == OpenJourneys, says.ends_with("added"));
        }
    }

    #[test]
    fn what_is_left_out_is_nothing() {
        let found = differences(&json!({}), &json!({"dailyCap": 5, "budget": {"daily": "1"}}));
        let fields: Vec<_> = found.iter().map(|difference| difference.field.as_str()).collect();
        assert_eq!(fields, ["budget.daily", "dailyCap"]);
        assert_eq!(found[0].before, Value::Null);
    }
}
