//! What people enter about an offer. One shape serves the draft and every version: a draft may lack anything, a version
//! lacks nothing that [`lint`](super::lint) requires.
//!
//! `Serialize` is the stored form (tables, audit log), not the API's: renaming a field here needs a migration, and a
//! test holds the form.

use kernel::{AdvertiserId, CreativeId, Currency, Micros, Timestamp};
use serde::{Deserialize, Serialize};

use super::{age_range::AgeRange, country::Country, event::OfferEvent};

/// The integration system whose links and rules we know best.
pub const APPSFLYER: &str = "AppsFlyer";
/// The most events of an offer: a journey keeps one occurrence list for each.
pub const EVENTS_MAX: usize = 100;
/// The most entries of any other list.
pub const LIST_MAX: usize = 300;
/// How long an event out of order waits for its predecessors, unless the offer says otherwise.
pub const SEQUENCE_GRACE_HOURS: u16 = 72;
/// The longest such wait: 90 days.
pub const SEQUENCE_GRACE_HOURS_MAX: u16 = 2_160;

/// One event or a chain of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OfferType {
    /// Exactly one event.
    SingleEvent,
    /// Events in a sequence, and independent ones.
    MultiEvent,
}

impl OfferType {
    /// The word in tables and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SingleEvent => "SingleEvent",
            Self::MultiEvent => "MultiEvent",
        }
    }
}

/// Devices an offer is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Platform {
    /// iPhone and iPad.
    #[serde(rename = "IOS")]
    Ios,
    /// Android.
    Android,
    /// Mac.
    #[serde(rename = "MacOS")]
    MacOs,
    /// Any desktop or mobile browser.
    Browser,
}

/// Whom an offer is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Gender {
    /// Everybody.
    #[default]
    All,
    /// Women.
    Female,
    /// Men.
    Male,
}

/// From when a deadline counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum DeadlineAnchor {
    /// From the click.
    #[default]
    Click,
    /// From the install time that the postback carries, else from the click.
    Install,
}

/// What happens to a conversion above a cap or budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum OverLimitAction {
    /// Refused with a code.
    #[default]
    Reject,
    /// A person decides.
    Review,
    /// Counted, without money.
    AcceptUnpaid,
}

/// When a sequence number counts as reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReachedBy {
    /// All of its events happened.
    All,
    /// One of its events happened.
    Any,
}

/// What the offer says about one of its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SequenceRule {
    /// The number, from 1.
    pub sequence_number: u16,
    /// When it is reached.
    pub reached_by: ReachedBy,
}

/// How many conversions count in a period (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Caps {
    /// Each day.
    pub daily: Option<u64>,
    /// Each week from Monday.
    pub weekly: Option<u64>,
    /// Each calendar month.
    pub monthly: Option<u64>,
    /// Ever.
    pub all_time: Option<u64>,
}

impl Caps {
    /// The caps that are set, each with its published name.
    pub fn set(&self) -> impl Iterator<Item = (&'static str, u64)> {
        [
            ("dailyCap", self.daily),
            ("weeklyCap", self.weekly),
            ("monthlyCap", self.monthly),
            ("allTimeCap", self.all_time),
        ]
        .into_iter()
        .filter_map(|(name, cap)| Some((name, cap?)))
    }
}

/// A picture, by reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Creative {
    /// Place in the gallery, from 1.
    pub order: u16,
    /// Where it is. Of an uploaded one the address under which it was known when the offer was saved: a version says what
    /// was told with it.
    pub url: String,
    /// What we know of it when it was uploaded here; `None` when somebody else serves it.
    #[serde(flatten)]
    pub uploaded: Option<UploadedRef>,
}

/// An uploaded picture of the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UploadedRef {
    /// Which.
    pub creative_id: CreativeId,
    /// Where it is small.
    pub thumbnail_url: String,
}

/// Everything a person enters about an offer, in the order of the form.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OfferFields {
    // Type & integration
    /// One event or several.
    pub offer_type: Option<OfferType>,
    /// `AppsFlyer` or another one: an open list.
    pub tracking_system: Option<String>,

    // Offer details
    /// Who pays.
    pub advertiser_id: Option<AdvertiserId>,
    /// What partners see.
    pub name: Option<String>,
    /// The advertiser's own name for the campaign.
    pub advertiser_campaign_name: Option<String>,
    /// Where a click goes; may hold macros.
    pub tracking_system_link: Option<String>,
    /// Where a click goes that this offer can not take.
    pub fallback_link: Option<String>,
    /// The app's id at AppsFlyer: a postback about another app is refused.
    pub app_id: Option<String>,
    /// Shown first.
    pub featured: bool,

    // Description & creative
    /// What end users see first.
    pub headline: Option<String>,
    /// What end users read.
    pub short_description: Option<String>,
    /// In short.
    pub key_points: Vec<String>,
    /// At length.
    pub offer_details: Option<String>,
    /// The small print.
    pub terms_and_disclaimers: Option<String>,
    /// At least one to create.
    pub categories: Vec<String>,
    /// Pictures.
    pub creatives: Vec<Creative>,

    // Targeting & budget
    /// In revenue, over the offer's life.
    pub total_budget: Option<Micros>,
    /// In revenue, each day (UTC).
    pub daily_budget: Option<Micros>,
    /// Of budgets, flat revenue and flat payout.
    pub currency: Option<Currency>,
    /// First moment.
    pub launch_at: Option<Timestamp>,
    /// First moment after.
    pub end_at: Option<Timestamp>,
    /// For whom.
    pub gender: Gender,
    /// `None`: not decided. Empty: every age.
    pub age_ranges: Option<Vec<AgeRange>>,
    /// `None`: not decided. Empty: every platform.
    pub platforms: Option<Vec<Platform>>,
    /// `None`: not decided. Empty: every country.
    pub countries: Option<Vec<Country>>,
    /// Only on single-event offers; multi-event offers cap their events.
    pub caps: Caps,
    /// Above a cap or budget.
    pub over_limit_action: OverLimitAction,
    /// Whether fraud reported after release takes the money back.
    pub reverse_on_fraud: bool,

    // Event mapping
    /// From when deadlines count.
    pub deadline_anchor: DeadlineAnchor,
    /// How long an event out of order waits for its predecessors.
    pub sequence_grace_hours: Option<u16>,
    /// Numbers that differ from the default; see [`OfferFields::reached_by`].
    pub sequence_rules: Vec<SequenceRule>,
    /// The events.
    pub events: Vec<OfferEvent>,
}

impl OfferFields {
    /// Whether this is a multi-event offer tracked by AppsFlyer: the guide's case, with the strictest rules.
    #[must_use]
    pub fn is_multi_event_on_appsflyer(&self) -> bool {
        self.offer_type == Some(OfferType::MultiEvent) && self.is_on_appsflyer()
    }

    /// Whether AppsFlyer tracks it.
    #[must_use]
    pub fn is_on_appsflyer(&self) -> bool {
        self.tracking_system.as_deref() == Some(APPSFLYER)
    }

    /// The sequence numbers in use, ascending, each once.
    #[must_use]
    pub fn sequence_numbers(&self) -> Vec<u16> {
        let mut numbers: Vec<u16> = self.events.iter().filter_map(|event| event.sequence_number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// When `number` is reached: as the offer says, else `any` for number 1 when it holds more than one event (Install,
    /// App Open, FTUE are ways to say the same), else `all`.
    #[must_use]
    pub fn reached_by(&self, number: u16) -> ReachedBy {
        if let Some(rule) = self.sequence_rules.iter().find(|rule| rule.sequence_number == number) {
            return rule.reached_by;
        }
        let events = self.events.iter().filter(|event| event.sequence_number == Some(number)).count();
        if number == 1 && events > 1 { ReachedBy::Any } else { ReachedBy::All }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::domain::event::tests::event;

    #[rstest]
    #[case(&[1], 1, ReachedBy::All)]
    #[case(&[1, 1], 1, ReachedBy::Any)]
    #[case(&[1, 2, 2], 2, ReachedBy::All)]
    fn a_number_has_a_default(#[case] numbers: &[u16], #[case] asked: u16, #[case] expected: ReachedBy) {
        let events = numbers.iter().enumerate().map(|(at, number)| event(&format!("e{at}"), Some(*number)));
        let offer = OfferFields { events: events.collect(), ..OfferFields::default() };
        assert_eq!(offer.reached_by(asked), expected);
    }

    #[test]
    fn the_offer_may_say_otherwise() {
        let offer = OfferFields {
            events: vec![event("a", Some(1)), event("b", Some(1))],
            sequence_rules: vec![SequenceRule { sequence_number: 1, reached_by: ReachedBy::All }],
            ..OfferFields::default()
        };
        assert_eq!(offer.reached_by(1), ReachedBy::All);
    }

    #[test]
    fn creatives_are_stored_flat_and_those_from_before_uploads_read_back() {
        let theirs = r#"{"order":1,"url":"https://cdn.example/1.png"}"#;
        let ours = r#"{"order":2,"url":"https://x.example/a.png","creativeId":"00000000-0000-0000-0000-000000000007","thumbnailUrl":"https://x.example/b.jpg"}"#;
        for stored in [theirs, ours] {
            let creative: Creative = serde_json::from_str(stored).unwrap();
            assert_eq!(creative.uploaded.is_some(), stored == ours);
            assert_eq!(serde_json::to_string(&creative).unwrap(), stored);
        }
    }

    #[test]
    fn the_stored_form_of_an_empty_draft_reads_back() {
        assert_eq!(serde_json::from_str::<OfferFields>("{}").unwrap(), OfferFields::default());
    }
}
