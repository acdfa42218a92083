//! What is ordered, read.

use chrono::{DateTime, Utc};
use http_kit::{FieldError, Problem};
use kernel::{ClickId, OfferId, PublisherId, Timestamp};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    domain::{Code, Offer},
    flows::replay::{Chosen, Period, Selection},
    http::draft::{Draft, DraftBody},
};

/// Clicks that one order names at most: a longer list is a period.
const CLICKS_MAX: usize = 1_000;
/// As the catalog's.
const EVENT_ID_BYTES_MAX: usize = 100;
/// A draft's number: as the rules see it, later than every version there is.
const DRAFT_NUMBER: u32 = 0x7fff_ffff;

/// Which journeys, under which terms, and whether only to look.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "selection": {"offerId": "0194a3c0-0000-7000-8000-000000000001", "from": "2026-11-19T00:00:00Z", "to": "2026-11-26T00:00:00Z"},
    "terms": {"kind": "version", "version": 3},
    "dryRun": true
}))]
pub struct ReplayOrderBody {
    /// Which journeys.
    pub(super) selection: SelectionBody,
    /// The terms to judge them by.
    pub(super) terms: TermsBody,
    /// True writes nothing but the report. False is for real: it adds and releases, and puts on review what the chosen terms would
    /// refuse; it is not undone.
    pub(super) dry_run: bool,
}

/// The journeys of an offer of which any postback is in a period, or the journeys of named clicks.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SelectionBody {
    /// The offer. Required, but for named clicks under their own or the newest terms.
    #[serde(default)]
    offer_id: Option<Uuid>,
    /// Received from then on.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-11-19T00:00:00Z")]
    from: Option<DateTime<Utc>>,
    /// Received before then.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-11-26T00:00:00Z")]
    to: Option<DateTime<Utc>>,
    /// Of clicks of this publisher only.
    #[serde(default)]
    publisher_id: Option<Uuid>,
    /// Reported with this Event ID only, byte for byte.
    #[serde(default)]
    #[schema(example = "level-10", min_length = 1, max_length = 100)]
    event_id: Option<String>,
    /// Standing with this code only.
    #[serde(default)]
    #[schema(inline, value_type = Option<crate::http::codes::AnyCode>, example = "REJECTED_LATE")]
    code: Option<String>,
    /// These clicks instead: up to 1000, without a period.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 1000)]
    gk_click_ids: Option<Vec<Uuid>>,
}

/// The terms to judge by.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TermsBody {
    /// `recorded`: each journey's own, as it stands; nothing differs unless something is amiss. `newest`: as if the click had been
    /// made under the offer's newest version. `version`: under that version. `draft`: under one that nobody has saved, dry run only.
    #[schema(example = "version", pattern = "^(recorded|newest|version|draft)$")]
    kind: String,
    /// For `version`: its number.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 2_147_483_646, example = 3)]
    version: Option<u32>,
    /// For `draft`: the draft, in the catalog's names; its body can be pasted whole.
    #[serde(default)]
    draft: Option<DraftBody>,
}

/// A field that is wrong.
fn wrong(field: &str, detail: impl Into<String>) -> FieldError {
    FieldError { field: String::from(field), detail: detail.into() }
}

impl SelectionBody {
    /// The offer it names.
    pub(super) fn offer(&self) -> Option<OfferId> {
        self.offer_id.map(OfferId::from_uuid)
    }

    /// Reads it.
    pub(super) fn read(self) -> Result<Selection, Vec<FieldError>> {
        if let Some(clicks) = self.gk_click_ids {
            let said = [
                ("from", self.from.is_some()),
                ("to", self.to.is_some()),
                ("publisherId", self.publisher_id.is_some()),
                ("eventId", self.event_id.is_some()),
                ("code", self.code.is_some()),
            ];
            let beside: Vec<&str> =
                said.into_iter().filter(|(_, is_said)| *is_said).map(|(name, _)| name).collect();
            if !beside.is_empty() {
                let detail = format!("goes without {}: it names the journeys itself", beside.join(", "));
                return Err(vec![wrong("selection.gkClickIds", detail)]);
            }
            if clicks.is_empty() || clicks.len() > CLICKS_MAX {
                return Err(vec![wrong("selection.gkClickIds", format!("must be 1 to {CLICKS_MAX} clicks"))]);
            }
            let clicks = clicks.into_iter().map(ClickId::from_uuid).collect();
            return Ok(Selection::Clicks(clicks, self.offer_id.map(OfferId::from_uuid)));
        }
        let mut errors = Vec::new();
        let moment = |time: DateTime<Utc>| Timestamp::from_micros(time.timestamp_micros());
        for (field, is_said) in
            [("offerId", self.offer_id.is_some()), ("from", self.from.is_some()), ("to", self.to.is_some())]
        {
            if !is_said {
                errors.push(wrong(
                    &format!("selection.{field}"),
                    "is missing: give offerId, from and to, or gkClickIds",
                ));
            }
        }
        if self.from.zip(self.to).is_some_and(|(from, to)| to <= from) {
            errors.push(wrong("selection.to", "must be later than from"));
        }
        let is_event_id =
            |text: &String| !text.is_empty() && text.len() <= EVENT_ID_BYTES_MAX && !text.contains('\0');
        if self.event_id.as_ref().is_some_and(|text| !is_event_id(text)) {
            errors
                .push(wrong("selection.eventId", format!("must be 1 to {EVENT_ID_BYTES_MAX} bytes of text")));
        }
        let code = self.code.as_deref().map(|text| (text, Code::parse(text)));
        if let Some((text, None)) = code {
            errors.push(wrong("selection.code", format!("{:?} is no code of a decision", short(text))));
        }
        match (self.offer_id, self.from, self.to) {
            (Some(offer), Some(from), Some(to)) if errors.is_empty() => Ok(Selection::Period(Period {
                offer: OfferId::from_uuid(offer),
                from: moment(from),
                until: moment(to),
                publisher: self.publisher_id.map(PublisherId::from_uuid),
                event_id: self.event_id,
                code: code.and_then(|(_, code)| code),
            })),
            _ => Err(errors),
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

impl TermsBody {
    /// Reads them. `offer` is the offer they are about, as it is saved.
    pub(super) fn read(self, dry_run: bool, offer: Option<&Offer>) -> Result<Chosen, Problem> {
        let refuse = |field: &str, detail: &str| Err(Problem::invalid(vec![wrong(field, detail)]));
        let Self { kind, version, draft } = self;
        if version.is_some() && kind != "version" {
            return refuse("terms.version", "goes with the kind version only");
        }
        if draft.is_some() && kind != "draft" {
            return refuse("terms.draft", "goes with the kind draft only");
        }
        match (kind.as_str(), version, draft) {
            ("recorded", _, _) => Ok(Chosen::Recorded),
            ("newest", _, _) => Ok(Chosen::Newest),
            ("version" | "draft", _, _) if offer.is_none() => {
                refuse("selection.offerId", "is missing: a version and a draft are of one offer")
            }
            ("version", Some(number), _) if (1..DRAFT_NUMBER).contains(&number) => {
                Ok(Chosen::Version(number))
            }
            ("version", _, _) => refuse("terms.version", "must be the number of a version of the offer"),
            ("draft", _, None) => refuse("terms.draft", "is missing"),
            ("draft", _, Some(_)) if !dry_run => {
                refuse("dryRun", "must be true: a draft is dry run only; save it, then replay its version")
            }
            ("draft", _, Some(draft)) => {
                let Draft { version, money } = draft.read("terms.draft", offer, DRAFT_NUMBER)?;
                Ok(Chosen::Draft(Box::new(version), money))
            }
            _ => refuse("terms.kind", "must be recorded, newest, version or draft"),
        }
    }
}
