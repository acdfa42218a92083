//! The macros of a URL template, by the names publishers know.

use kernel::Timestamp;

use super::story::Story;

/// Highest number of `pub_sub_…`.
const PUB_SUBS: u32 = 15;

/// A macro of a URL template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Macro {
    /// `{pub_click_id}`
    PubClickId,
    /// `{pub_member_id}`
    PubMemberId,
    /// `{pub_sub_1}` … `{pub_sub_15}`
    PubSub(u32),
    /// `{gk_click_id}`
    ClickId,
    /// `{gk_offer_id}`
    OfferId,
    /// `{gk_offer_name}`
    OfferName,
    /// `{cnv_event_id}`
    EventId,
    /// `{cnv_event_name}`
    EventName,
    /// `{cnv_amount}`
    Amount,
    /// `{cnv_currency}`
    AmountCurrency,
    /// `{conversion_id}`
    ConversionId,
    /// `{status}`
    Status,
    /// `{payout}`
    Payout,
    /// `{currency}`
    Currency,
    /// `{reward}`
    Reward,
    /// `{reason}`
    Reason,
    /// `{event_time}`
    EventTime,
    /// `{delivery_id}`
    DeliveryId,
}

impl Macro {
    /// The macro of a name without its braces.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "pub_click_id" => Self::PubClickId,
            "pub_member_id" => Self::PubMemberId,
            "gk_click_id" => Self::ClickId,
            "gk_offer_id" => Self::OfferId,
            "gk_offer_name" => Self::OfferName,
            "cnv_event_id" => Self::EventId,
            "cnv_event_name" => Self::EventName,
            "cnv_amount" => Self::Amount,
            "cnv_currency" => Self::AmountCurrency,
            "conversion_id" => Self::ConversionId,
            "status" => Self::Status,
            "payout" => Self::Payout,
            "currency" => Self::Currency,
            "reward" => Self::Reward,
            "reason" => Self::Reason,
            "event_time" => Self::EventTime,
            "delivery_id" => Self::DeliveryId,
            _ => {
                let number = name.strip_prefix("pub_sub_")?;
                let canonical = !number.starts_with('0') && number.bytes().all(|byte| byte.is_ascii_digit());
                Self::PubSub(
                    number.parse().ok().filter(|number| canonical && (1..=PUB_SUBS).contains(number))?,
                )
            }
        })
    }

    /// Its value, not yet percent-encoded; what is not known is empty.
    #[must_use]
    pub fn value(self, story: &Story) -> String {
        match self {
            Self::PubClickId => story.pub_click_id.clone(),
            Self::PubMemberId => story.pub_member_id.clone(),
            Self::PubSub(number) => story.pub_subs.get(&number).cloned().unwrap_or_default(),
            Self::ClickId => story.click.to_string(),
            Self::OfferId => story.offer.to_string(),
            Self::OfferName => story.offer_name.clone(),
            Self::EventId => story.event_id.clone(),
            Self::EventName => story.event_name.clone(),
            Self::Amount => story.amount_text(),
            Self::AmountCurrency => {
                story.amount.map(|amount| amount.currency.to_string()).unwrap_or_default()
            }
            Self::ConversionId => story.conversion.to_string(),
            Self::Status => String::from(story.status),
            Self::Payout => story.payout_text(),
            Self::Currency => story.payout.map(|payout| payout.currency.to_string()).unwrap_or_default(),
            Self::Reward => story.reward_points.to_string(),
            Self::Reason => story.reason.clone(),
            Self::EventTime => iso(story.event_time),
            Self::DeliveryId => story.delivery.to_string(),
        }
    }
}

/// `2027-01-31T12:00:00.000Z`; empty for a moment beyond the calendar.
pub(super) fn iso(moment: Timestamp) -> String {
    chrono::DateTime::from_timestamp_micros(moment.as_micros())
        .map(|moment| moment.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
        .unwrap_or_default()
}
