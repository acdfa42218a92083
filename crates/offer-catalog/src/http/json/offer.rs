//! An offer as it is shown, and the small bodies of what is done with it.

use kernel::Currency;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    FindingJson,
    offer_body::{ANCHORS, GENDERS, OFFER_TYPES, OVER_LIMIT, PLATFORMS, REACHED_BY},
    offer_event::OfferEventJson,
    terms::CapsJson,
};
use crate::{
    domain::{
        offer::{Creative, OfferFields, SEQUENCE_GRACE_HOURS},
        records::{Offer, OfferVersion},
        status::{DisplayStatus, Share},
    },
    flows::OfferView,
    http::reading::{Field, Unknown, moments::written},
};

/// The most revenue an offer may bring.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Budget)]
pub struct BudgetJson {
    /// Over the offer's life.
    #[schema(example = "5000.00")]
    total: Option<String>,
    /// Each day (UTC).
    #[schema(example = "500.00")]
    daily: Option<String>,
}

/// A picture.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Creative)]
pub struct CreativeJson {
    /// Place in the gallery, from 1.
    order: u16,
    /// Where it is.
    #[schema(example = "https://cdn.example/golfin.png")]
    url: String,
    /// Of an uploaded one: which.
    #[serde(skip_serializing_if = "Option::is_none")]
    creative_id: Option<Uuid>,
    /// Of an uploaded one: where it is small.
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail_url: Option<String>,
}

impl From<Creative> for CreativeJson {
    fn from(creative: Creative) -> Self {
        let (creative_id, thumbnail_url) = creative
            .uploaded
            .map(|uploaded| (uploaded.creative_id.as_uuid(), uploaded.thumbnail_url))
            .unzip();
        Self { order: creative.order, url: creative.url, creative_id, thumbnail_url }
    }
}

/// When a sequence number is reached.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SequenceRule)]
pub struct SequenceRuleJson {
    /// The number.
    sequence_number: u16,
    /// All or Any of its events.
    #[schema(example = "Any")]
    reached_by: &'static str,
}

/// The one publisher of a shared offer.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Share)]
pub struct ShareJson {
    /// Whose it is, for ever.
    publisher_id: Uuid,
    /// The id in the tracking link.
    link_id: Uuid,
    /// Since when.
    shared_at: String,
    /// Where the publisher sends its users, with its own two ids filled in.
    tracking_link: Option<String>,
}

impl ShareJson {
    fn new(share: Share, tracking_link: Option<String>) -> Self {
        Self {
            publisher_id: share.publisher_id.as_uuid(),
            link_id: share.link_id.as_uuid(),
            shared_at: written(share.shared_at),
            tracking_link,
        }
    }
}

/// What was entered about an offer.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OfferFields)]
pub struct OfferFieldsJson {
    offer_type: Option<&'static str>,
    tracking_system: Option<String>,
    advertiser_id: Option<Uuid>,
    name: Option<String>,
    advertiser_campaign_name: Option<String>,
    tracking_system_link: Option<String>,
    fallback_link: Option<String>,
    app_id: Option<String>,
    featured: bool,
    headline: Option<String>,
    short_description: Option<String>,
    key_points: Vec<String>,
    offer_details: Option<String>,
    terms_and_disclaimers: Option<String>,
    categories: Vec<String>,
    creatives: Vec<CreativeJson>,
    budget: BudgetJson,
    #[schema(value_type = Option<String>, example = "USD")]
    currency: Option<Currency>,
    launch_date: Option<String>,
    expiry_date: Option<String>,
    gender: &'static str,
    /// `["All"]` for everyone, null when not decided.
    age_ranges: Option<Vec<String>>,
    /// `["All"]` for every one, null when not decided.
    platforms: Option<Vec<String>>,
    /// `["All"]` for every one, null when not decided.
    countries: Option<Vec<String>>,
    #[serde(flatten)]
    caps: CapsJson,
    over_limit_action: &'static str,
    reverse_on_fraud: bool,
    deadline_anchor: &'static str,
    sequence_grace_hours: u16,
    /// Numbers that are not reached as by default.
    sequence_rules: Vec<SequenceRuleJson>,
    events: Vec<OfferEventJson>,
}

impl From<OfferFields> for OfferFieldsJson {
    fn from(fields: OfferFields) -> Self {
        let rules = fields.sequence_rules.iter().map(|rule| SequenceRuleJson {
            sequence_number: rule.sequence_number,
            reached_by: word(&REACHED_BY, rule.reached_by),
        });
        Self {
            sequence_rules: rules.collect(),
            offer_type: fields.offer_type.map(|offer_type| word(&OFFER_TYPES, offer_type)),
            tracking_system: fields.tracking_system,
            advertiser_id: fields.advertiser_id.map(kernel::AdvertiserId::as_uuid),
            name: fields.name,
            advertiser_campaign_name: fields.advertiser_campaign_name,
            tracking_system_link: fields.tracking_system_link,
            fallback_link: fields.fallback_link,
            app_id: fields.app_id,
            featured: fields.featured,
            headline: fields.headline,
            short_description: fields.short_description,
            key_points: fields.key_points,
            offer_details: fields.offer_details,
            terms_and_disclaimers: fields.terms_and_disclaimers,
            categories: fields.categories,
            creatives: fields.creatives.into_iter().map(CreativeJson::from).collect(),
            budget: BudgetJson {
                total: fields.total_budget.map(|budget| budget.to_string()),
                daily: fields.daily_budget.map(|budget| budget.to_string()),
            },
            currency: fields.currency,
            launch_date: fields.launch_at.map(written),
            expiry_date: fields.end_at.map(written),
            gender: word(&GENDERS, fields.gender),
            age_ranges: fields.age_ranges.map(|ranges| or_all(ranges.iter().map(ToString::to_string))),
            platforms: fields.platforms.map(|platforms| {
                or_all(platforms.iter().map(|platform| word(&PLATFORMS, *platform).to_owned()))
            }),
            countries: fields.countries.map(|countries| or_all(countries.iter().map(ToString::to_string))),
            caps: fields.caps.into(),
            over_limit_action: word(&OVER_LIMIT, fields.over_limit_action),
            reverse_on_fraud: fields.reverse_on_fraud,
            deadline_anchor: word(&ANCHORS, fields.deadline_anchor),
            sequence_grace_hours: fields.sequence_grace_hours.unwrap_or(SEQUENCE_GRACE_HOURS),
            events: fields.events.into_iter().map(OfferEventJson::from).collect(),
        }
    }
}

/// An offer.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Offer)]
pub struct OfferJson {
    /// Its id.
    offer_id: Uuid,
    /// Draft, Ready, Paused or Ended.
    #[schema(example = "Ready")]
    status: &'static str,
    /// The status with dates, share and budget looked at: also Scheduled, Live, `BudgetSpent`, Expired.
    #[schema(example = "Live")]
    display_status: &'static str,
    /// When a spent daily budget is open again by itself; null when it is open, or waits for money.
    budget_resumes_at: Option<String>,
    /// The newest version; 0 while it is a draft.
    newest_version: u32,
    /// Counts every change; the `ETag`.
    revision: u64,
    /// The offer it was copied from.
    cloned_from: Option<Uuid>,
    /// Its publisher, once shared.
    shared_to: Option<ShareJson>,
    #[serde(flatten)]
    fields: OfferFieldsJson,
    /// What the linter says now. Errors stop creation and sharing; warnings do until they are accepted.
    findings: Vec<FindingJson>,
    created_at: String,
    updated_at: String,
}

impl OfferJson {
    /// For the `ETag`.
    pub const fn revision(&self) -> u64 {
        self.revision
    }
}

impl From<OfferView> for OfferJson {
    fn from(view: OfferView) -> Self {
        let OfferView { offer, status, budget_resumes_at, findings, tracking_link } = view;
        let findings = findings.into_iter().map(|finding| {
            let is_accepted = offer.accepted.has(&finding);
            FindingJson::new(finding, is_accepted)
        });
        let findings = findings.collect();
        Self {
            offer_id: offer.offer_id.as_uuid(),
            status: offer.state.status.as_str(),
            display_status: status.as_str(),
            budget_resumes_at: budget_resumes_at.map(written),
            newest_version: offer.state.newest_version,
            revision: offer.revision.0,
            cloned_from: offer.state.cloned_from.map(kernel::OfferId::as_uuid),
            shared_to: offer.state.share.map(|share| ShareJson::new(share, tracking_link)),
            fields: offer.fields.into(),
            findings,
            created_at: written(offer.created_at),
            updated_at: written(offer.updated_at),
        }
    }
}

/// An offer in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OfferSummary)]
pub struct OfferSummaryJson {
    offer_id: Uuid,
    name: Option<String>,
    advertiser_id: Option<Uuid>,
    offer_type: Option<&'static str>,
    status: &'static str,
    display_status: &'static str,
    newest_version: u32,
    cloned_from: Option<Uuid>,
    shared_to: Option<ShareJson>,
    created_at: String,
    updated_at: String,
}

impl OfferSummaryJson {
    /// One line of a list.
    pub fn new(offer: Offer, status: DisplayStatus, tracking_link: Option<String>) -> Self {
        Self {
            offer_id: offer.offer_id.as_uuid(),
            advertiser_id: offer.fields.advertiser_id.map(kernel::AdvertiserId::as_uuid),
            offer_type: offer.fields.offer_type.map(|offer_type| word(&OFFER_TYPES, offer_type)),
            name: offer.fields.name,
            status: offer.state.status.as_str(),
            display_status: status.as_str(),
            newest_version: offer.state.newest_version,
            cloned_from: offer.state.cloned_from.map(kernel::OfferId::as_uuid),
            shared_to: offer.state.share.map(|share| ShareJson::new(share, tracking_link)),
            created_at: written(offer.created_at),
            updated_at: written(offer.updated_at),
        }
    }
}

/// One immutable version of an offer.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OfferVersion)]
pub struct VersionJson {
    /// 1, 2, 3 …
    version: u32,
    created_at: String,
    #[serde(flatten)]
    fields: OfferFieldsJson,
}

impl From<OfferVersion> for VersionJson {
    fn from(version: OfferVersion) -> Self {
        Self {
            version: version.version,
            created_at: written(version.created_at),
            fields: version.fields.into(),
        }
    }
}

/// How an offer is paused.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PauseBody {
    /// Also stop new events of journeys under way; false when left out.
    #[schema(value_type = Option<bool>)]
    pub stop_all: Field,
    /// Must be empty.
    #[serde(flatten)]
    #[schema(ignore)]
    pub unknown: Unknown,
}

/// The word of a value.
pub(super) fn word<T: PartialEq + Copy>(words: &[(&'static str, T)], value: T) -> &'static str {
    words.iter().find(|(_word, of)| *of == value).map_or("", |(word, _of)| *word)
}

/// No entry means every one.
pub(super) fn or_all(words: impl Iterator<Item = String>) -> Vec<String> {
    let words: Vec<String> = words.collect();
    if words.is_empty() { vec![String::from("All")] } else { words }
}
