//! An offer as it is entered.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use super::{
    event_body::EventBody, offer::SequenceRuleJson, terms::CapsBody, terms::EnteredAmount, ticks::read_ticks,
};
use crate::{
    domain::lint::Code,
    domain::offer::{
        APPSFLYER, Creative, DeadlineAnchor, EVENTS_MAX, Gender, LIST_MAX, OfferFields, OfferType,
        OverLimitAction, Platform, ReachedBy, SEQUENCE_GRACE_HOURS, SEQUENCE_GRACE_HOURS_MAX, SequenceRule,
        UploadedRef,
    },
    http::reading::{Field, Reader, Unknown},
};
use http_kit::Problem;

const LINE_CHARS_MAX: usize = 200;
const TEXT_CHARS_MAX: usize = 10_000;
const LINK_BYTES_MAX: usize = 4_096;

/// The words of the API and what they mean here.
pub const OFFER_TYPES: [(&str, OfferType); 2] =
    [("SingleEvent", OfferType::SingleEvent), ("MultiEvent", OfferType::MultiEvent)];
/// Platforms, without `All`, which is the empty list.
pub const PLATFORMS: [(&str, Platform); 4] = [
    ("IOS", Platform::Ios),
    ("Android", Platform::Android),
    ("MacOS", Platform::MacOs),
    ("Browser", Platform::Browser),
];
/// Genders.
pub const GENDERS: [(&str, Gender); 3] =
    [("All", Gender::All), ("Female", Gender::Female), ("Male", Gender::Male)];
/// Anchors of deadlines.
pub const ANCHORS: [(&str, DeadlineAnchor); 2] =
    [("Click", DeadlineAnchor::Click), ("Install", DeadlineAnchor::Install)];
/// What happens above a cap or budget.
pub const OVER_LIMIT: [(&str, OverLimitAction); 3] = [
    ("Reject", OverLimitAction::Reject),
    ("Review", OverLimitAction::Review),
    ("AcceptUnpaid", OverLimitAction::AcceptUnpaid),
];
/// When a number is reached.
pub const REACHED_BY: [(&str, ReachedBy); 2] = [("All", ReachedBy::All), ("Any", ReachedBy::Any)];

/// What a person enters about an offer. A draft may lack anything; creation says what is missing. A PUT replaces all:
/// what is left out is cleared.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "offerType": "MultiEvent",
    "trackingSystem": "AppsFlyer",
    "advertiserId": "0193a1f0-0000-7000-8000-000000000001",
    "name": "Golfin iOS",
    "trackingSystemLink": "https://app.appsflyer.com/id123456789?pid=gokart_int",
    "headline": "Play golf, earn coins",
    "shortDescription": "Install Golfin, reach level 10.",
    "categories": ["Golf", "Sports"],
    "budget": {"total": "5000.00"},
    "currency": "USD",
    "launchDate": "2026-12-01",
    "ageRanges": ["18+"],
    "platforms": ["IOS"],
    "countries": ["US", "ZA", "AU"],
    "events": [
        {"eventId": "Install", "name": "Install", "sequenceNumber": 1, "pendingTime": 0, "revenue": "2.00", "payout": "1.00"},
        {"eventId": "level_10", "name": "Reach Level 10", "sequenceNumber": 2, "pendingTime": 0, "revenue": "5.00", "payout": "3.00"},
        {"eventId": "af_purchase", "name": "Purchase", "sequenceNumber": null, "pendingTime": 7,
         "revenue": {"model": "Percent", "percent": "20"}, "payout": {"model": "RevenueShare", "percent": "70"}}
    ]
}))]
pub struct OfferBody {
    /// `SingleEvent` or `MultiEvent`.
    #[schema(value_type = Option<String>)]
    offer_type: Field,
    /// AppsFlyer, Adjust, Singular, …: an open list. AppsFlyer when left out.
    #[schema(value_type = Option<String>, max_length = 200)]
    tracking_system: Field,
    /// Who pays.
    #[schema(value_type = Option<uuid::Uuid>)]
    advertiser_id: Field,
    /// What partners see.
    #[schema(value_type = Option<String>, max_length = 200)]
    name: Field,
    /// The advertiser's own name for the campaign.
    #[schema(value_type = Option<String>, max_length = 200)]
    advertiser_campaign_name: Field,
    /// The tracking link copied from AppsFlyer.
    #[schema(value_type = Option<String>, max_length = 4_096)]
    tracking_system_link: Field,
    /// Where clicks go that this offer can not take.
    #[schema(value_type = Option<String>, max_length = 4_096)]
    fallback_link: Field,
    /// The app's id at AppsFlyer, such as id123456789: postbacks about another app are refused.
    #[schema(value_type = Option<String>, max_length = 200)]
    app_id: Field,
    /// Shown first.
    #[schema(value_type = Option<bool>)]
    featured: Field,
    /// What end users see first.
    #[schema(value_type = Option<String>, max_length = 200)]
    headline: Field,
    /// What end users read.
    #[schema(value_type = Option<String>, max_length = 10_000)]
    short_description: Field,
    /// In short.
    #[schema(value_type = Option<Vec<String>>, max_items = 300)]
    key_points: Field,
    /// At length.
    #[schema(value_type = Option<String>, max_length = 10_000)]
    offer_details: Field,
    /// The small print.
    #[schema(value_type = Option<String>, max_length = 10_000)]
    terms_and_disclaimers: Field,
    /// At least one to create.
    #[schema(value_type = Option<Vec<String>>, max_items = 300)]
    categories: Field,
    /// Pictures: uploaded ones by their `creativeId`, others by their `url`.
    #[schema(value_type = Option<Vec<CreativeBody>>, max_items = 300)]
    creatives: Field,
    /// The most revenue it may bring.
    #[schema(value_type = Option<BudgetBody>)]
    budget: Field,
    /// ISO 4217; of budget and flat amounts.
    #[schema(value_type = Option<String>)]
    currency: Field,
    /// First moment, or a day (midnight UTC).
    #[schema(value_type = Option<String>)]
    launch_date: Field,
    /// First moment after.
    #[schema(value_type = Option<String>)]
    expiry_date: Field,
    /// All, Female or Male; All when left out.
    #[schema(value_type = Option<String>)]
    gender: Field,
    /// Such as 18+ or 25-34, or All alone.
    #[schema(value_type = Option<Vec<String>>, max_items = 300)]
    age_ranges: Field,
    /// IOS, Android, `MacOS`, Browser, or All alone.
    #[schema(value_type = Option<Vec<String>>, max_items = 300)]
    platforms: Field,
    /// ISO 3166-1 alpha-2 codes, or All alone.
    #[schema(value_type = Option<Vec<String>>, max_items = 300)]
    countries: Field,
    /// Conversions that count each day; only on `SingleEvent` offers.
    #[schema(value_type = Option<u64>, maximum = 4_294_967_295_u64)]
    daily_cap: Field,
    /// Each week.
    #[schema(value_type = Option<u64>, maximum = 4_294_967_295_u64)]
    weekly_cap: Field,
    /// Each month.
    #[schema(value_type = Option<u64>, maximum = 4_294_967_295_u64)]
    monthly_cap: Field,
    /// Ever.
    #[schema(value_type = Option<u64>, maximum = 4_294_967_295_u64)]
    all_time_cap: Field,
    /// Reject, Review or `AcceptUnpaid`; Reject when left out.
    #[schema(value_type = Option<String>)]
    over_limit_action: Field,
    /// Whether fraud reported after release takes the money back; false when left out.
    #[schema(value_type = Option<bool>)]
    reverse_on_fraud: Field,
    /// Click or Install: from when deadlines count; Click when left out.
    #[schema(value_type = Option<String>)]
    deadline_anchor: Field,
    /// Hours an event out of order waits for its predecessors; 72 when left out.
    #[schema(value_type = Option<u16>, maximum = 2_160)]
    sequence_grace_hours: Field,
    /// Numbers that are not reached as by default (any event of number 1, all events of the others).
    #[schema(value_type = Option<Vec<SequenceRuleJson>>, max_items = 300)]
    sequence_rules: Field,
    /// The events.
    #[schema(value_type = Option<Vec<EventBody>>, max_items = 100)]
    events: Field,
    /// Codes of the linter's warnings that are meant: saving a created offer, creating and sharing ask for them once.
    #[schema(value_type = Option<Vec<String>>)]
    accepted_warnings: Field,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// The most revenue an offer may bring, as it is entered.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = EnteredBudget, example = json!({"total": "5000.00"}))]
struct BudgetBody {
    /// Over the offer's life.
    #[schema(value_type = Option<EnteredAmount>)]
    total: Field,
    /// Each day (UTC).
    #[schema(value_type = Option<EnteredAmount>)]
    daily: Field,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// A picture: an uploaded one, or one that somebody else serves.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreativeBody, example = json!({"order": 1, "creativeId": "0193a1f0-0000-7000-8000-000000000002"}))]
pub struct CreativeBody {
    /// Place in the gallery, from 1; 1 when left out.
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 65_535)]
    order: Field,
    /// An uploaded picture of the tenant.
    #[schema(value_type = Option<uuid::Uuid>)]
    creative_id: Field,
    /// Where the picture is, when it was not uploaded. Beside `creativeId` it may come back as it was shown, and is not
    /// looked at.
    #[schema(value_type = Option<String>)]
    url: Field,
    /// Only beside `creativeId`: may come back as it was shown, and is not looked at.
    #[schema(value_type = Option<String>)]
    thumbnail_url: Field,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuleBody {
    sequence_number: Field,
    reached_by: Field,
    #[serde(flatten)]
    unknown: Unknown,
}

impl OfferBody {
    /// Reads the offer, and which warnings are meant.
    ///
    /// # Errors
    /// 422 with every field that can not be what it should be.
    pub fn read(self) -> Result<(OfferFields, BTreeSet<Code>), Problem> {
        let mut reader = Reader::new();
        let read = self.read_with(&mut reader);
        reader.finish(Some(read))
    }

    /// The same as a part of something else.
    pub fn read_with(mut self, reader: &mut Reader) -> (OfferFields, BTreeSet<Code>) {
        let codes = read_ticks(reader, std::mem::take(&mut self.accepted_warnings));
        (self.fields(reader), codes)
    }

    fn fields(self, r: &mut Reader) -> OfferFields {
        r.refuse_unknown(&self.unknown);
        let caps = CapsBody::beside(self.daily_cap, self.weekly_cap, self.monthly_cap, self.all_time_cap);
        let (total_budget, daily_budget) = read_budget(r, self.budget);
        let line = |r: &mut Reader, item| r.text("", item, LINE_CHARS_MAX);
        OfferFields {
            offer_type: r.word("offerType", self.offer_type, &OFFER_TYPES),
            tracking_system: r
                .text("trackingSystem", self.tracking_system, LINE_CHARS_MAX)
                .or_else(|| Some(APPSFLYER.to_owned())),
            advertiser_id: r.id("advertiserId", self.advertiser_id),
            name: r.text("name", self.name, LINE_CHARS_MAX),
            advertiser_campaign_name: r.text(
                "advertiserCampaignName",
                self.advertiser_campaign_name,
                LINE_CHARS_MAX,
            ),
            tracking_system_link: read_link(r, "trackingSystemLink", self.tracking_system_link),
            fallback_link: read_link(r, "fallbackLink", self.fallback_link),
            app_id: r.text("appId", self.app_id, LINE_CHARS_MAX),
            featured: r.flag("featured", self.featured).unwrap_or_default(),
            headline: r.text("headline", self.headline, LINE_CHARS_MAX),
            short_description: r.text("shortDescription", self.short_description, TEXT_CHARS_MAX),
            key_points: r.list("keyPoints", self.key_points, LIST_MAX, line).unwrap_or_default(),
            offer_details: r.text("offerDetails", self.offer_details, TEXT_CHARS_MAX),
            terms_and_disclaimers: r.text("termsAndDisclaimers", self.terms_and_disclaimers, TEXT_CHARS_MAX),
            categories: r.list("categories", self.categories, LIST_MAX, line).unwrap_or_default(),
            creatives: r.list("creatives", self.creatives, LIST_MAX, read_creative).unwrap_or_default(),
            total_budget,
            daily_budget,
            currency: r.parsed("currency", self.currency, str::parse),
            launch_at: r.moment("launchDate", self.launch_date),
            end_at: r.moment("expiryDate", self.expiry_date),
            gender: r.word("gender", self.gender, &GENDERS).unwrap_or_default(),
            age_ranges: r.words_or_all("ageRanges", self.age_ranges, LIST_MAX, str::parse),
            platforms: r.words_or_all("platforms", self.platforms, LIST_MAX, platform),
            countries: r.words_or_all("countries", self.countries, LIST_MAX, str::parse),
            caps: caps.read(r),
            over_limit_action: r
                .word("overLimitAction", self.over_limit_action, &OVER_LIMIT)
                .unwrap_or_default(),
            reverse_on_fraud: r.flag("reverseOnFraud", self.reverse_on_fraud).unwrap_or_default(),
            deadline_anchor: r.word("deadlineAnchor", self.deadline_anchor, &ANCHORS).unwrap_or_default(),
            sequence_grace_hours: r
                .whole("sequenceGraceHours", self.sequence_grace_hours, &(0..=SEQUENCE_GRACE_HOURS_MAX))
                .or(Some(SEQUENCE_GRACE_HOURS)),
            sequence_rules: r
                .list("sequenceRules", self.sequence_rules, LIST_MAX, read_rule)
                .unwrap_or_default(),
            events: read_events(r, self.events),
        }
    }
}

fn read_budget(r: &mut Reader, field: Field) -> (Option<kernel::Micros>, Option<kernel::Micros>) {
    let read = r.object("budget", field, |r, body: BudgetBody| {
        r.refuse_unknown(&body.unknown);
        Some((r.amount("total", body.total), r.amount("daily", body.daily)))
    });
    read.unwrap_or_default()
}

/// Not yet whether it is https and leads to AppsFlyer: that is the linter's.
fn read_link(r: &mut Reader, name: &str, field: Field) -> Option<String> {
    let link = r.text(name, field, LINK_BYTES_MAX)?;
    if Url::parse(&link).is_err() {
        r.wrong(name, "must be a link such as https://app.appsflyer.com/id123456789?pid=gokart_int");
        return None;
    }
    Some(link)
}

fn read_creative(r: &mut Reader, item: Field) -> Option<Creative> {
    r.object("", item, |r, body: CreativeBody| {
        r.refuse_unknown(&body.unknown);
        let order = r.whole("order", body.order, &(1..=u16::MAX)).unwrap_or(1);
        if body.creative_id.is_there() {
            // Where it is is looked up when the offer is saved.
            let creative_id = r.id("creativeId", body.creative_id)?;
            let uploaded = UploadedRef { creative_id, thumbnail_url: String::new() };
            return Some(Creative { order, url: String::new(), uploaded: Some(uploaded) });
        }
        if body.thumbnail_url.is_there() {
            r.wrong("thumbnailUrl", "is made for uploaded pictures only: name one by its creativeId");
        }
        let url = read_link(r, "url", body.url);
        let url = r.required("url", url, "where the picture is, unless creativeId names an uploaded one")?;
        Some(Creative { order, url, uploaded: None })
    })
}

fn read_rule(r: &mut Reader, item: Field) -> Option<SequenceRule> {
    r.object("", item, |r, body: RuleBody| {
        r.refuse_unknown(&body.unknown);
        let number = r.whole("sequenceNumber", body.sequence_number, &(1..=u16::MAX));
        let number = r.required("sequenceNumber", number, "which number");
        let reached_by = r.word("reachedBy", body.reached_by, &REACHED_BY);
        let reached_by = r.required("reachedBy", reached_by, "All or Any");
        Some(SequenceRule { sequence_number: number?, reached_by: reached_by? })
    })
}

fn read_events(r: &mut Reader, field: Field) -> Vec<crate::domain::event::OfferEvent> {
    let mut order = 0_u16;
    let events = r.list("events", field, EVENTS_MAX, |r, item| {
        order = order.saturating_add(1);
        r.object("", item, |r, body: EventBody| body.read(r, order))
    });
    events.unwrap_or_default()
}

fn platform(text: &str) -> Result<Platform, String> {
    let found = PLATFORMS.iter().find(|(word, _platform)| word.eq_ignore_ascii_case(text));
    found
        .map(|(_word, platform)| *platform)
        .ok_or_else(|| format!("must be one of IOS, Android, MacOS, Browser, or All alone; is `{text}`"))
}
