//! What differs between two versions, and what a change would touch.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{FindingJson, offer::OfferFieldsJson};
use crate::{
    domain::{
        diff::{Difference, differences},
        offer::OfferFields,
        records::OfferVersion,
    },
    flows::Preview,
};

/// What the catalog can not know; others do.
const NOT_COUNTED: &str = "how many open journeys and quarantined postbacks this touches is attribution's to say, and what was \
                           earned so far is payout's";

/// One difference.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Difference)]
#[schema(example = json!({
    "field": "events[1].payout",
    "eventId": "level_10",
    "before": {"model": "FlatRate", "amount": "3.00"},
    "after": {"model": "FlatRate", "amount": "3.50"},
    "applies": "NewClicks",
    "says": "for clicks from then on; earlier clicks keep what they were made under"
}))]
pub struct DifferenceJson {
    /// At its place after the change, or before when it is gone.
    #[schema(example = "events[1].payout")]
    field: String,
    /// When it is about an event.
    #[schema(example = "level_10")]
    event_id: Option<String>,
    /// As an offer shows it; null when it was not there.
    #[schema(value_type = Value)]
    before: Value,
    /// As an offer shows it; null when it is gone.
    #[schema(value_type = Value)]
    after: Value,
    /// `AtOnce`, `NewClicks` (clicks from then on) or `OpenJourneys` (at once, also for what is under way).
    #[schema(example = "NewClicks")]
    applies: &'static str,
    /// The same in words.
    says: String,
}

impl From<Difference> for DifferenceJson {
    fn from(difference: Difference) -> Self {
        Self {
            field: difference.field,
            event_id: difference.event_id,
            before: difference.before,
            after: difference.after,
            applies: difference.applies.as_str(),
            says: difference.says,
        }
    }
}

/// What differs between two versions of an offer.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = VersionDiff)]
#[schema(example = json!({
    "from": 1,
    "to": 2,
    "changes": [
        {"field": "events[1].payout", "eventId": "level_10", "before": {"model": "FlatRate", "amount": "3.00"},
         "after": {"model": "FlatRate", "amount": "3.50"}, "applies": "NewClicks", "says": "for clicks from then on; earlier clicks keep what they were made under"}
    ]
}))]
pub struct DiffJson {
    /// The version compared.
    from: u32,
    /// With this one.
    to: u32,
    /// Field by field; none when they are the same.
    changes: Vec<DifferenceJson>,
}

impl DiffJson {
    /// From one version to the other.
    ///
    /// # Errors
    /// When an offer can not be written: a bug.
    pub fn between(before: OfferVersion, after: OfferVersion) -> Result<Self, serde_json::Error> {
        let (from, to) = (before.version, after.version);
        Ok(Self { from, to, changes: changes(before.fields, after.fields)? })
    }
}

/// What a change would touch.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChangePreview)]
#[schema(example = json!({
    "version": 3,
    "changes": [
        {"field": "events[1].payout", "eventId": "level_10", "before": {"model": "FlatRate", "amount": "3.00"},
         "after": {"model": "FlatRate", "amount": "3.50"}, "applies": "NewClicks", "says": "for clicks from then on; earlier clicks keep what they were made under"}
    ],
    "findings": [
        {"code": "no_creative", "severity": "warning", "field": "creatives",
         "detail": "users see no picture, such as an App Store screenshot", "accepted": true}
    ],
    "stops": [],
    "notCounted": "how many open journeys and quarantined postbacks this touches is attribution's to say, and what was earned so far is payout's"
}))]
pub struct PreviewJson {
    /// The version that saving makes; null for a draft, which has none, and when nothing changes.
    version: Option<u32>,
    /// Field by field.
    changes: Vec<DifferenceJson>,
    /// What the linter will say of the offer.
    findings: Vec<FindingJson>,
    /// Of these, what stops saving: errors, and warnings that nobody has accepted.
    stops: Vec<FindingJson>,
    /// What is not in here.
    not_counted: &'static str,
}

impl PreviewJson {
    /// From a change that nobody has saved.
    ///
    /// # Errors
    /// When an offer can not be written: a bug.
    pub fn of(preview: Preview) -> Result<Self, serde_json::Error> {
        Ok(Self {
            version: preview.version,
            changes: changes(preview.before, preview.after)?,
            findings: preview.findings.into_iter().map(FindingJson::from).collect(),
            stops: preview.stops.into_iter().map(FindingJson::from).collect(),
            not_counted: NOT_COUNTED,
        })
    }
}

fn changes(before: OfferFields, after: OfferFields) -> Result<Vec<DifferenceJson>, serde_json::Error> {
    let before = serde_json::to_value(OfferFieldsJson::from(before))?;
    let after = serde_json::to_value(OfferFieldsJson::from(after))?;
    Ok(differences(&before, &after).into_iter().map(DifferenceJson::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        diff::{is_told, is_told_of_event},
        lint::tests::golfin,
        offer::Caps,
    };

    #[test]
    fn every_published_field_has_its_place_in_the_table_of_differences() {
        let mut offer = golfin();
        offer.caps = Caps { daily: Some(1), weekly: Some(1), monthly: Some(1), all_time: Some(1) };
        offer.events[0].caps = offer.caps;
        let shown = serde_json::to_value(OfferFieldsJson::from(offer)).unwrap();
        for field in shown.as_object().unwrap().keys() {
            assert!(is_told(field), "{field}");
        }
        for field in shown["events"][0].as_object().unwrap().keys() {
            assert!(is_told_of_event(field), "{field}");
        }
    }
}
