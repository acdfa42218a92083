//! An offer as its publisher sees it. Never in here: what the advertiser pays, its budgets and caps, who it is, and where its
//! links go; a field is shown only because it is named here.

use kernel::Currency;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    offer::{CreativeJson, or_all, word},
    offer_body::{ANCHORS, GENDERS, OFFER_TYPES, PLATFORMS},
    terms::CapsJson,
};
use crate::{
    domain::{
        event::OfferEvent,
        partner_feed::{FeedRequest, PartnerPayout},
    },
    flows::{FeedPage, PartnerOfferView},
    http::{feed_cursor, reading::moments::written},
};

/// What one conversion earns: `{"model": "FlatRate", "amount": "3.00"}` in the offer's currency, or `{"model": "Percent",
/// "percent": "14"}` of the amount that the user spends.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PartnerPayout, example = json!({"model": "FlatRate", "amount": "3.00"}))]
pub struct PartnerPayoutJson {
    /// `FlatRate` or Percent.
    model: &'static str,
    /// For `FlatRate`, in the offer's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "3.00")]
    amount: Option<String>,
    /// For Percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "14")]
    percent: Option<String>,
}

impl From<PartnerPayout> for PartnerPayoutJson {
    fn from(payout: PartnerPayout) -> Self {
        match payout {
            PartnerPayout::Flat(amount) => {
                Self { model: "FlatRate", amount: Some(amount.to_string()), percent: None }
            }
            PartnerPayout::Percent { millionths } => {
                Self { model: "Percent", amount: None, percent: Some(written_millionths(millionths)) }
            }
        }
    }
}

/// An event that earns something.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PartnerOfferEvent)]
#[schema(example = json!({
    "offerEventId": "0194a3c0-0000-7000-8000-0000000000e2",
    "eventId": "level_10",
    "name": "Reach Level 10",
    "sequenceNumber": 2,
    "pendingTime": 0,
    "payout": {"model": "FlatRate", "amount": "3.00"},
    "reward": 500,
    "displayOrder": 2,
    "showOnOfferWall": true,
    "deadlineDays": null,
    "minTimeFromPreviousEvent": null,
    "allowRepetitions": false,
    "caps": {}
}))]
pub struct PartnerEventJson {
    /// Lasting: the event keeps it when it is renamed.
    offer_event_id: Option<Uuid>,
    /// In postbacks, `{cnv_event_id}`.
    #[schema(example = "level_10")]
    event_id: String,
    /// What a user reads.
    #[schema(example = "Reach Level 10")]
    name: Option<String>,
    /// What one conversion earns.
    payout: Option<PartnerPayoutJson>,
    /// Points for the user.
    #[schema(example = 500)]
    reward: i64,
    /// Place in the list, from 1; presentation only.
    #[schema(example = 2)]
    display_order: u16,
    /// Whether users should see it.
    show_on_offer_wall: bool,
    /// 1, 2, …: lower numbers come first; null is Independent.
    #[schema(example = 2)]
    sequence_number: Option<u16>,
    /// Seconds that must pass after the number before was reached.
    min_time_from_previous_event: Option<u64>,
    /// Days after click or install (deadlineAnchor) in which it counts.
    deadline_days: Option<u16>,
    /// Whole days until its postback is sent.
    #[schema(example = 0)]
    pending_time: Option<u16>,
    /// Whether it may happen more than once on a click.
    allow_repetitions: bool,
    /// How many conversions of yours count in a period.
    caps: CapsJson,
}

impl From<OfferEvent> for PartnerEventJson {
    fn from(event: OfferEvent) -> Self {
        let payout = event.payout.and_then(|payout| PartnerPayout::of(event.revenue, payout));
        Self {
            offer_event_id: event.offer_event_id.map(kernel::OfferEventId::as_uuid),
            event_id: event.event_id,
            name: event.name,
            payout: payout.map(PartnerPayoutJson::from),
            reward: event.reward,
            display_order: event.display_order,
            show_on_offer_wall: event.show_on_offer_wall,
            sequence_number: event.sequence_number,
            min_time_from_previous_event: event.min_time_seconds,
            deadline_days: event.deadline_days.map(|days| days.0),
            pending_time: event.pending_time.map(|days| days.0),
            allow_repetitions: event.allow_repetitions,
            // Those of the whole offer are the advertiser's.
            caps: event.publisher_caps.into(),
        }
    }
}

/// An offer that is shared with you.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PartnerOffer)]
#[schema(example = json!({
    "offerId": "0194a3c0-0000-7000-8000-000000000001",
    "status": "Live",
    "trackingLink": "https://api.brownboots.getgokart.ai/api/v1/offer-link/redirect/01939b4e-5c00-7000-8000-000000000000?pub_click_id={pub_click_id}&pub_member_id={pub_member_id}",
    "offerType": "MultiEvent",
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
    "events": [
        {"offerEventId": "0194a3c0-0000-7000-8000-0000000000e1", "eventId": "Install", "name": "Install",
         "sequenceNumber": 1, "pendingTime": 0, "payout": {"model": "FlatRate", "amount": "1.00"}, "reward": 0,
         "displayOrder": 1, "showOnOfferWall": true, "deadlineDays": null, "minTimeFromPreviousEvent": null,
         "allowRepetitions": false, "caps": {}},
        {"offerEventId": "0194a3c0-0000-7000-8000-0000000000e2", "eventId": "level_10", "name": "Reach Level 10",
         "sequenceNumber": 2, "pendingTime": 0, "payout": {"model": "FlatRate", "amount": "3.00"}, "reward": 500,
         "displayOrder": 2, "showOnOfferWall": true, "deadlineDays": null, "minTimeFromPreviousEvent": null,
         "allowRepetitions": false, "caps": {}},
        {"offerEventId": "0194a3c0-0000-7000-8000-0000000000e3", "eventId": "af_purchase", "name": "Purchase",
         "sequenceNumber": null, "pendingTime": 7, "payout": {"model": "Percent", "percent": "14"}, "reward": 0,
         "displayOrder": 3, "showOnOfferWall": true, "deadlineDays": null, "minTimeFromPreviousEvent": null,
         "allowRepetitions": false, "caps": {}}
    ],
    "sharedAt": "2026-11-26T09:30:00Z",
    "updatedAt": "2026-11-26T09:30:00Z"
}))]
pub struct PartnerOfferJson {
    /// Its id.
    offer_id: Uuid,
    /// Live: show it. Scheduled: it launches on launchDate. Paused (its budget may be spent): hide it, it may come back. Ended: take it away.
    #[schema(example = "Live")]
    status: &'static str,
    /// Where you send users, with your two ids filled in; both are required.
    #[schema(
        example = "https://api.brownboots.getgokart.ai/api/v1/offer-link/redirect/01939b4e-5c00-7000-8000-000000000000?pub_click_id={pub_click_id}&pub_member_id={pub_member_id}"
    )]
    tracking_link: String,
    /// `SingleEvent` or `MultiEvent`.
    #[schema(example = "MultiEvent")]
    offer_type: Option<&'static str>,
    /// The offer's name.
    #[schema(example = "Golfin iOS")]
    name: Option<String>,
    /// Shown first.
    featured: bool,
    /// What users see first.
    #[schema(example = "Play golf, earn coins")]
    headline: Option<String>,
    /// What users read.
    #[schema(example = "Install Golfin and reach level 10.")]
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
    /// Of flat payouts.
    #[schema(value_type = Option<String>, example = "USD")]
    currency: Option<Currency>,
    /// First moment.
    launch_date: Option<String>,
    /// First moment after.
    expiry_date: Option<String>,
    /// All, Female or Male.
    #[schema(example = "All")]
    gender: &'static str,
    /// `["All"]` for everyone.
    age_ranges: Option<Vec<String>>,
    /// `["All"]` for every one.
    platforms: Option<Vec<String>>,
    /// `["All"]` for every one.
    countries: Option<Vec<String>>,
    /// From when deadlines count: Click or Install.
    deadline_anchor: &'static str,
    /// In the order in which users should see them.
    events: Vec<PartnerEventJson>,
    /// Since when it is shared with you.
    shared_at: String,
    /// When something of the above changed last.
    updated_at: String,
}

impl From<PartnerOfferView> for PartnerOfferJson {
    fn from(view: PartnerOfferView) -> Self {
        let PartnerOfferView { offer: shown, tracking_link } = view;
        let updated_at = written(shown.updated_at());
        let fields = shown.offer.fields;
        let mut events = fields.events;
        events.sort_by_key(|event| event.display_order);
        Self {
            offer_id: shown.offer.offer_id.as_uuid(),
            status: shown.status.as_str(),
            tracking_link,
            offer_type: fields.offer_type.map(|offer_type| word(&OFFER_TYPES, offer_type)),
            name: fields.name,
            featured: fields.featured,
            headline: fields.headline,
            short_description: fields.short_description,
            key_points: fields.key_points,
            offer_details: fields.offer_details,
            terms_and_disclaimers: fields.terms_and_disclaimers,
            categories: fields.categories,
            creatives: fields.creatives.into_iter().map(CreativeJson::from).collect(),
            currency: fields.currency,
            launch_date: fields.launch_at.map(written),
            expiry_date: fields.end_at.map(written),
            gender: word(&GENDERS, fields.gender),
            age_ranges: fields.age_ranges.map(|ranges| or_all(ranges.iter().map(ToString::to_string))),
            platforms: fields.platforms.map(|platforms| {
                or_all(platforms.iter().map(|platform| word(&PLATFORMS, *platform).to_owned()))
            }),
            countries: fields.countries.map(|countries| or_all(countries.iter().map(ToString::to_string))),
            deadline_anchor: word(&ANCHORS, fields.deadline_anchor),
            events: events.into_iter().map(PartnerEventJson::from).collect(),
            shared_at: written(shown.shared_at),
            updated_at,
        }
    }
}

/// A page of the partner feed.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PartnerFeed)]
pub struct PartnerFeedJson {
    /// The offers of this page, in the order in which they were shared.
    items: Vec<PartnerOfferJson>,
    /// The page, counted from 0; null when a cursor said where it begins.
    #[schema(example = 0)]
    page: Option<i64>,
    /// Offers on a page at most.
    #[schema(example = 10)]
    page_size: i64,
    /// Offers on all pages together.
    #[schema(example = 1)]
    total: u64,
    /// Give it as cursor to get the next page; null on the last one.
    next_cursor: Option<String>,
    /// Keep the one of a walk's first page and give it as changedSince to hear only of what is new.
    #[schema(example = "1796083200000000-1796000000000000")]
    feed_version: String,
}

impl PartnerFeedJson {
    /// Writes a page.
    pub fn new(found: FeedPage, request: &FeedRequest, page: Option<i64>, feed_version: String) -> Self {
        let last = found.offers.last().filter(|_offer| found.has_more);
        let next_cursor = last.map(|view| feed_cursor::write(view.offer.place(), request));
        Self {
            items: found.offers.into_iter().map(PartnerOfferJson::from).collect(),
            page,
            page_size: request.limit,
            total: found.total,
            next_cursor,
            feed_version,
        }
    }
}

/// Millionths of a percent as a percentage is written: `12.5`, `4.112922`.
fn written_millionths(millionths: u64) -> String {
    let whole = millionths.checked_div(1_000_000).unwrap_or_default();
    let rest = millionths.checked_rem(1_000_000).unwrap_or_default();
    let text = format!("{whole}.{rest:06}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "0")]
    #[case(14_000_000, "14")]
    #[case(12_500_000, "12.5")]
    #[case(4_112_922, "4.112922")]
    #[case(100_000_000, "100")]
    fn a_percentage_is_written_without_idle_digits(#[case] millionths: u64, #[case] expected: &str) {
        assert_eq!(written_millionths(millionths), expected);
    }
}
