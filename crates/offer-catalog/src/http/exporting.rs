//! How offers are written out: the shape of an import, or lines of CSV.

use http_kit::csv::cell;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::json::OfferFieldsJson;
use crate::flows::Exported;

/// Columns that are the same on every line of an offer: name, and where the value stands.
const OFFER_COLUMNS: &[(&str, &str)] = &[
    ("offerId", "/offerId"),
    ("externalId", "/externalId"),
    ("status", "/status"),
    ("offerType", "/offerType"),
    ("trackingSystem", "/trackingSystem"),
    ("advertiserId", "/advertiserId"),
    ("name", "/name"),
    ("advertiserCampaignName", "/advertiserCampaignName"),
    ("trackingSystemLink", "/trackingSystemLink"),
    ("fallbackLink", "/fallbackLink"),
    ("appId", "/appId"),
    ("featured", "/featured"),
    ("headline", "/headline"),
    ("shortDescription", "/shortDescription"),
    ("keyPoints", "/keyPoints"),
    ("offerDetails", "/offerDetails"),
    ("termsAndDisclaimers", "/termsAndDisclaimers"),
    ("categories", "/categories"),
    ("creatives", "/creatives"),
    ("totalBudget", "/budget/total"),
    ("dailyBudget", "/budget/daily"),
    ("currency", "/currency"),
    ("launchDate", "/launchDate"),
    ("expiryDate", "/expiryDate"),
    ("gender", "/gender"),
    ("ageRanges", "/ageRanges"),
    ("platforms", "/platforms"),
    ("countries", "/countries"),
    ("offerDailyCap", "/dailyCap"),
    ("offerWeeklyCap", "/weeklyCap"),
    ("offerMonthlyCap", "/monthlyCap"),
    ("offerAllTimeCap", "/allTimeCap"),
    ("overLimitAction", "/overLimitAction"),
    ("reverseOnFraud", "/reverseOnFraud"),
    ("deadlineAnchor", "/deadlineAnchor"),
    ("sequenceGraceHours", "/sequenceGraceHours"),
    ("sequenceRules", "/sequenceRules"),
];
/// Columns of the line's event.
const EVENT_COLUMNS: &[(&str, &str)] = &[
    ("offerEventId", "/offerEventId"),
    ("eventId", "/eventId"),
    ("eventName", "/name"),
    ("sequenceNumber", "/sequenceNumber"),
    ("pendingTime", "/pendingTime"),
    ("revenueModel", "/revenue/model"),
    ("revenueAmount", "/revenue/amount"),
    ("revenuePercent", "/revenue/percent"),
    ("payoutModel", "/payout/model"),
    ("payoutAmount", "/payout/amount"),
    ("payoutPercent", "/payout/percent"),
    ("reward", "/reward"),
    ("displayOrder", "/displayOrder"),
    ("showOnOfferWall", "/showOnOfferWall"),
    ("deadlineDays", "/deadlineDays"),
    ("minTimeFromPreviousEvent", "/minTimeFromPreviousEvent"),
    ("allowRepetitions", "/allowRepetitions"),
    ("dailyCap", "/dailyCap"),
    ("weeklyCap", "/weeklyCap"),
    ("monthlyCap", "/monthlyCap"),
    ("allTimeCap", "/allTimeCap"),
    ("publisherDailyCap", "/publisherCaps/dailyCap"),
    ("publisherWeeklyCap", "/publisherCaps/weeklyCap"),
    ("publisherMonthlyCap", "/publisherCaps/monthlyCap"),
    ("publisherAllTimeCap", "/publisherCaps/allTimeCap"),
];

/// In which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// As it is imported.
    Json,
    /// For spreadsheets.
    Csv,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    external_id: Option<String>,
    offer_id: Uuid,
    #[serde(flatten)]
    fields: OfferFieldsJson,
}

impl Format {
    /// The words of the parameter.
    pub const WORDS: [(&str, Self); 2] = [("json", Self::Json), ("csv", Self::Csv)];

    /// For the header.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    /// A browser saves it.
    pub const fn disposition(self) -> &'static str {
        match self {
            Self::Json => "attachment; filename=\"offers.json\"",
            Self::Csv => "attachment; filename=\"offers.csv\"",
        }
    }

    /// What comes before the first offer. `id` makes the JSON an import of its own.
    pub fn opening(self, provider: &str, id: Uuid) -> String {
        match self {
            Self::Json => {
                let provider = Value::from(provider);
                format!(
                    "{{\"concurrencyRequestId\":\"export-{id}\",\"operation\":\"Insert\",\"provider\":{provider},\"offers\":["
                )
            }
            Self::Csv => {
                let names = OFFER_COLUMNS.iter().chain(EVENT_COLUMNS).map(|(name, _)| *name);
                format!("{}\r\n", names.collect::<Vec<_>>().join(","))
            }
        }
    }

    /// What comes after the last one.
    pub const fn closing(self) -> &'static str {
        match self {
            Self::Json => "]}",
            Self::Csv => "",
        }
    }

    /// Writes one offer.
    pub fn write(
        self,
        out: &mut String,
        exported: Exported,
        is_first: bool,
    ) -> Result<(), serde_json::Error> {
        let Exported { offer, external_id } = exported;
        let status = offer.state.status.as_str();
        let row = Row { external_id, offer_id: offer.offer_id.as_uuid(), fields: offer.fields.into() };
        match self {
            Self::Json => {
                if !is_first {
                    out.push(',');
                }
                out.push_str(&serde_json::to_string(&row)?);
            }
            Self::Csv => {
                let mut row = serde_json::to_value(row)?;
                if let Value::Object(row) = &mut row {
                    row.insert(String::from("status"), Value::from(status));
                }
                lines(out, &row);
            }
        }
        Ok(())
    }
}

fn lines(out: &mut String, row: &Value) {
    let cells = |of: &Value, columns: &[(&str, &str)]| {
        let texts = columns.iter().map(|(_, pointer)| cell(&text(of.pointer(pointer))));
        texts.collect::<Vec<_>>().join(",")
    };
    let offer = cells(row, OFFER_COLUMNS);
    for event in row.get("events").and_then(Value::as_array).into_iter().flatten() {
        out.extend([offer.as_str(), ",", cells(event, EVENT_COLUMNS).as_str(), "\r\n"]);
    }
}

/// A value for a cell: lists of words with `|` between them, what has fields as JSON.
fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("|")
        }
        Some(other) => other.to_string(),
    }
}
