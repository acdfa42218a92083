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
#[schema(example = json!({
    "order": 1,
    "url": "https://creatives.example.com/api/v1/creatives/files/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08.png",
    "creativeId": "0193a1f0-0000-7000-8000-000000000007",
    "thumbnailUrl": "https://creatives.example.com/api/v1/creatives/files/60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752.jpg"
}))]
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
#[schema(example = json!({
    "sequenceNumber": 2,
    "reachedBy": "Any"
}))]
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
#[schema(example = json!({
    "publisherId": "0193a1f0-0000-7000-8000-000000000002",
    "linkId": "01939b4e-5c00-7000-8000-000000000000",
    "sharedAt": "2026-11-26T09:30:00Z",
    "trackingLink": "https://api.brownboots.getgokart.ai/api/v1/offer-link/redirect/01939b4e-5c00-7000-8000-000000000000?pub_click_id={pub_click_id}&pub_member_id={pub_member_id}"
}))]
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
#[schema(example = json!({
    "offerType": "MultiEvent",
    "trackingSystem": "AppsFlyer",
    "advertiserId": "0193a1f0-0000-7000-8000-000000000001",
    "advertiserCampaignName": null,
    "trackingSystemLink": "https://app.appsflyer.com/id123456789?pid=gokart_int",
    "fallbackLink": null,
    "appId": "id123456789",
    "name": "Golfin iOS",
    "featured": false,
    "headline": "Play golf, earn coins",
    "shortDescription": "Install Golfin and reach level 10.",
    "keyPoints": [],
    "offerDetails": null,
    "termsAndDisclaimers": null,
    "categories": ["Golf", "Sports"],
    "creatives": [
        {"order": 1,
         "url": "https://creatives.example.com/api/v1/creatives/files/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08.png",
         "creativeId": "0193a1f0-0000-7000-8000-000000000007",
         "thumbnailUrl": "https://creatives.example.com/api/v1/creatives/files/60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752.jpg"}
    ],
    "currency": "USD",
    "launchDate": "2026-12-01T00:00:00Z",
    "expiryDate": null,
    "gender": "All",
    "ageRanges": ["18+"],
    "platforms": ["IOS"],
    "countries": ["US", "ZA", "AU"],
    "deadlineAnchor": "Click",
    "budget": {"total": "5000.00", "daily": null},
    "overLimitAction": "Reject",
    "reverseOnFraud": false,
    "sequenceGraceHours": 72,
    "sequenceRules": [],
    "events": [
        {"offerEventId": "0194a3c0-0000-7000-8000-0000000000e1", "eventId": "Install", "name": "Install",
         "sequenceNumber": 1, "pendingTime": 0, "revenue": {"model": "FlatRate", "amount": "2.00"},
         "payout": {"model": "FlatRate", "amount": "1.00"}, "reward": 0, "displayOrder": 1, "showOnOfferWall": true,
         "deadlineDays": null, "minTimeFromPreviousEvent": null, "allowRepetitions": false, "publisherCaps": {}},
        {"offerEventId": "0194a3c0-0000-7000-8000-0000000000e2", "eventId": "level_10", "name": "Reach Level 10",
         "sequenceNumber": 2, "pendingTime": 0, "revenue": {"model": "FlatRate", "amount": "5.00"},
         "payout": {"model": "FlatRate", "amount": "3.00"}, "reward": 500, "displayOrder": 2,
         "showOnOfferWall": true, "deadlineDays": null, "minTimeFromPreviousEvent": null, "allowRepetitions": false,
         "publisherCaps": {}},
        {"offerEventId": "0194a3c0-0000-7000-8000-0000000000e3", "eventId": "af_purchase", "name": "Purchase",
         "sequenceNumber": null, "pendingTime": 7, "revenue": {"model": "Percent", "percent": "20"},
         "payout": {"model": "RevenueShare", "percent": "70"}, "reward": 0, "displayOrder": 3,
         "showOnOfferWall": true, "deadlineDays": null, "minTimeFromPreviousEvent": null, "allowRepetitions": false,
         "publisherCaps": {}}
    ]
}))]
pub struct OfferFieldsJson {
    /// `SingleEvent` or `MultiEvent`.
    offer_type: Option<&'static str>,
    /// Who tracks it, such as `AppsFlyer`.
    tracking_system: Option<String>,
    /// Who pays.
    advertiser_id: Option<Uuid>,
    /// What partners see.
    name: Option<String>,
    /// The advertiser's own name for the campaign.
    advertiser_campaign_name: Option<String>,
    /// Where clicks go.
    tracking_system_link: Option<String>,
    /// Where clicks go that this offer can not take.
    fallback_link: Option<String>,
    /// The app's id at AppsFlyer: postbacks about another app are refused.
    app_id: Option<String>,
    /// Shown first.
    featured: bool,
    /// What end users see first.
    headline: Option<String>,
    /// What end users read.
    short_description: Option<String>,
    /// In short.
    key_points: Vec<String>,
    /// At length.
    offer_details: Option<String>,
    /// The small print.
    terms_and_disclaimers: Option<String>,
    /// What it is about.
    categories: Vec<String>,
    /// Pictures.
    creatives: Vec<CreativeJson>,
    /// The most revenue it may bring.
    budget: BudgetJson,
    /// ISO 4217; of budget and flat amounts.
    #[schema(value_type = Option<String>, example = "USD")]
    currency: Option<Currency>,
    /// First moment.
    launch_date: Option<String>,
    /// First moment after.
    expiry_date: Option<String>,
    /// All, Female or Male.
    gender: &'static str,
    /// `["All"]` for everyone, null when not decided.
    age_ranges: Option<Vec<String>>,
    /// `["All"]` for every one, null when not decided.
    platforms: Option<Vec<String>>,
    /// `["All"]` for every one, null when not decided.
    countries: Option<Vec<String>>,
    #[serde(flatten)]
    caps: CapsJson,
    /// What becomes of conversions above a cap or budget: Reject, Review or `AcceptUnpaid`.
    over_limit_action: &'static str,
    /// Whether a Success is taken back when fraud is reported later.
    reverse_on_fraud: bool,
    /// From when deadlines count: Click or Install.
    deadline_anchor: &'static str,
    /// Hours for which an event waits for the numbers before it.
    sequence_grace_hours: u16,
    /// Numbers that are not reached as by default.
    sequence_rules: Vec<SequenceRuleJson>,
    /// What may be earned.
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
    #[schema(example = "0194a3c0-0000-7000-8000-000000000001")]
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
    #[schema(example = 2)]
    newest_version: u32,
    /// Counts every change; the `ETag`.
    #[schema(example = 3)]
    revision: u64,
    /// The offer it was copied from.
    cloned_from: Option<Uuid>,
    /// Its publisher, once shared.
    shared_to: Option<ShareJson>,
    #[serde(flatten)]
    fields: OfferFieldsJson,
    /// What the linter says now. Errors stop creation and sharing; warnings do until they are accepted.
    findings: Vec<FindingJson>,
    /// When it was begun.
    #[schema(example = "2026-11-25T14:00:00Z")]
    created_at: String,
    /// When it changed last.
    #[schema(example = "2026-11-26T09:30:00Z")]
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
#[schema(example = json!({
    "offerId": "0194a3c0-0000-7000-8000-000000000001",
    "name": "Golfin iOS",
    "advertiserId": "0193a1f0-0000-7000-8000-000000000001",
    "offerType": "MultiEvent",
    "status": "Ready",
    "displayStatus": "Live",
    "newestVersion": 2,
    "clonedFrom": null,
    "sharedTo": {"publisherId": "0193a1f0-0000-7000-8000-000000000002", "linkId": "01939b4e-5c00-7000-8000-000000000000",
     "sharedAt": "2026-11-26T09:30:00Z",
     "trackingLink": "https://api.brownboots.getgokart.ai/api/v1/offer-link/redirect/01939b4e-5c00-7000-8000-000000000000?pub_click_id={pub_click_id}&pub_member_id={pub_member_id}"},
    "createdAt": "2026-11-25T14:00:00Z",
    "updatedAt": "2026-11-26T09:30:00Z"
}))]
pub struct OfferSummaryJson {
    /// Its id.
    offer_id: Uuid,
    /// What partners see.
    name: Option<String>,
    /// Who pays.
    advertiser_id: Option<Uuid>,
    /// `SingleEvent` or `MultiEvent`.
    offer_type: Option<&'static str>,
    /// Draft, Ready, Paused or Ended.
    status: &'static str,
    /// The status with dates and share looked at: also Scheduled, Live, Expired.
    display_status: &'static str,
    /// The newest version; 0 while it is a draft.
    newest_version: u32,
    /// The offer it was copied from.
    cloned_from: Option<Uuid>,
    /// Its publisher, once shared.
    shared_to: Option<ShareJson>,
    /// When it was begun.
    created_at: String,
    /// When it changed last.
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
    #[schema(example = 2)]
    version: u32,
    /// Since when it holds.
    #[schema(example = "2026-11-26T09:30:00Z")]
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
#[schema(example = json!({
    "stopAll": false
}))]
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
