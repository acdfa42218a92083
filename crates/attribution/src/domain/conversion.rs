//! The verdict on one conversion: always whole, so that a reader who missed every earlier one ends right.

use kernel::{ConversionId, Currency, Micros, Money, Occurrence, OfferEventId, ReceiptId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{offer::EventTerms, postback::Claims};

/// One occurrence of one offer event on the click.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    /// The event.
    pub event: OfferEventId,
    /// Which repeat.
    pub occurrence: Occurrence,
}

/// Where attribution stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Earned.
    Qualified,
    /// Earned, but a person must look.
    OnReview,
    /// Refused.
    Vetoed,
}

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VerdictCode {
    /// Every rule passed.
    Qualified,
    /// A person approved, restored or cleared it.
    AcceptedByPerson,
    /// AppsFlyer's fraud protection rejected it.
    RejectedFraud,
    /// A person rejected it.
    RejectedByPerson,
    /// The member did the event through another click first.
    RejectedMemberRepeat,
    /// The click's install is vetoed.
    ReviewTainted,
    /// An earlier step is vetoed.
    ReviewVetoedStep,
    /// A refund refers to it.
    ReviewRefund,
    /// The terms it was replayed under would refuse it.
    ReviewReplay,
}

impl VerdictCode {
    /// The stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Qualified => "QUALIFIED",
            Self::AcceptedByPerson => "ACCEPTED_BY_PERSON",
            Self::RejectedFraud => "REJECTED_FRAUD",
            Self::RejectedByPerson => "REJECTED_BY_PERSON",
            Self::RejectedMemberRepeat => "REJECTED_MEMBER_REPEAT",
            Self::ReviewTainted => "REVIEW_TAINTED",
            Self::ReviewVetoedStep => "REVIEW_VETOED_STEP",
            Self::ReviewRefund => "REVIEW_REFUND",
            Self::ReviewReplay => "REVIEW_REPLAY",
        }
    }

    /// Whether it is what a person said.
    pub(crate) const fn is_a_persons(self) -> bool {
        matches!(self, Self::AcceptedByPerson | Self::RejectedByPerson)
    }

    /// One sentence for a person.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Qualified => "Accepted.",
            Self::AcceptedByPerson => "A person looked at it and accepted it.",
            Self::RejectedFraud => "AppsFlyer's fraud protection rejected it.",
            Self::RejectedByPerson => "A person rejected it.",
            Self::RejectedMemberRepeat => {
                "The same member has already done this event of the offer through another click."
            }
            Self::ReviewTainted => "The click's install was rejected; everything on this click needs a look.",
            Self::ReviewVetoedStep => "An earlier step of this click was rejected.",
            Self::ReviewRefund => "The advertiser reported a refund for it.",
            Self::ReviewReplay => {
                "It was accepted, and the terms that its journey was replayed under would refuse it."
            }
        }
    }
}

/// Which version's terms are the conversion's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsSource {
    /// The version whose terms these are.
    pub version: u32,
    /// The event was introduced after the click; these are its terms at introduction.
    pub introduced_later: bool,
}

/// What AppsFlyer reported of the user's money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Reported {
    /// The amount that counts: in its currency, else the offer's; US dollars when only those were given.
    pub money: Option<Money>,
    /// In US dollars, when given.
    pub usd: Option<Micros>,
    /// The currency was not stated and is the offer's.
    pub currency_assumed: bool,
}

impl Reported {
    pub(crate) fn of(claims: &Claims, terms: &EventTerms) -> Self {
        let stated =
            claims.amount.map(|amount| Money::new(amount, claims.currency.unwrap_or(terms.currency)));
        let money = stated.or_else(|| claims.amount_usd.map(|usd| Money::new(usd, Currency::USD)));
        Self {
            money,
            usd: claims.amount_usd,
            currency_assumed: stated.is_some() && claims.currency.is_none(),
        }
    }
}

/// A conversion's whole current verdict. Stored as it is: fields are only added, with a default, and those that a reader
/// does not know it passes over. What can be looked up by what is named here (the terms' money, the click, the
/// holder's texts) is added when the message is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversion {
    /// Computed from tenant, click, event and occurrence.
    pub id: ConversionId,
    /// The event.
    pub event: OfferEventId,
    /// The occurrence's key.
    pub occurrence: String,
    /// Where attribution stands.
    pub verdict: Verdict,
    /// Why.
    pub code: VerdictCode,
    /// The postback that holds the occurrence; a flagged one only while there is no other.
    pub holder: ReceiptId,
    /// When the holder was received.
    pub received_at: Timestamp,
    /// The holder's effective time.
    pub effective_at: Timestamp,
    /// The holder's own time.
    #[serde(default)]
    pub event_time: Option<Timestamp>,
    /// The postback whose amount counts.
    #[serde(default)]
    pub amount_from: Option<ReceiptId>,
    /// That amount.
    #[serde(default)]
    pub reported: Reported,
    /// A fraud flag stands against the occurrence.
    pub flagged_fraud: bool,
    /// Which terms apply.
    pub terms: TermsSource,
    /// The offer's name, as the newest version has it.
    pub offer_name: String,
    /// The Event ID, as the newest version has it.
    pub event_id: String,
    /// The event's name for users, as the newest version has it.
    pub event_name: String,
    /// Its place in the sequence, as the newest version has it.
    #[serde(default)]
    pub number: Option<u32>,
}

impl Conversion {
    /// The slot this conversion stands for; none when the stored occurrence is no occurrence.
    #[must_use]
    pub fn slot(&self) -> Option<Slot> {
        Some(Slot { event: self.event, occurrence: parse_occurrence(&self.occurrence)? })
    }
}

/// Reads [`Occurrence::key`] back.
pub(crate) fn parse_occurrence(key: &str) -> Option<Occurrence> {
    if key == "once" {
        return Some(Occurrence::Once);
    }
    if let Some(id) = key.strip_prefix("id:") {
        return Some(Occurrence::ById(String::from(id)));
    }
    key.strip_prefix("at:")?.parse().ok().map(Occurrence::AtMillis)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the first release wrote it, with a field of some later one.
    const STORED: &str = r#"{
        "id": "00000000-0000-0000-0000-000000000001", "event": "00000000-0000-0000-0000-000000000002",
        "occurrence": "once", "verdict": "vetoed", "code": "REJECTED_FRAUD",
        "holder": "00000000-0000-0000-0000-000000000003", "received_at": 2000000, "effective_at": 1000000,
        "reported": {"usd": 4990000, "of_a_later_release": 1}, "flagged_fraud": true,
        "terms": {"version": 2, "introduced_later": false, "of_a_later_release": 1},
        "offer_name": "Golfin iOS", "event_id": "Install", "event_name": "Install", "of_a_later_release": {"a": []}
    }"#;

    #[test]
    fn a_stored_verdict_of_another_release_is_read() {
        let read: Conversion = serde_json::from_str(STORED).unwrap();
        assert_eq!((read.verdict, read.code), (Verdict::Vetoed, VerdictCode::RejectedFraud));
        assert_eq!(read.reported, Reported { usd: Some(Micros(4_990_000)), ..Reported::default() });
        assert_eq!((read.terms.version, read.number, read.amount_from), (2, None, None));
        assert_eq!(read.slot().map(|slot| slot.occurrence), Some(Occurrence::Once));
        let again = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Conversion>(&again).unwrap(), read);
    }
}
