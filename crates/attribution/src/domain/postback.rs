//! A stamped postback: what it claims, and when and under which credential it came.

use std::{collections::BTreeMap, sync::Arc};

use kernel::{CredentialId, Currency, Micros, ReceiptId, Timestamp};
use postback_parser::{EventReference, Field, Postback};
use serde::{Deserialize, Serialize};

use super::inputs::Settled;

/// An accepted postback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// Its receipt.
    pub receipt: ReceiptId,
    /// When ingest accepted it.
    pub received_at: Timestamp,
    /// The credential it came in under.
    pub credential: CredentialId,
    /// The credential's generation.
    pub generation: u32,
    /// What it says. Shared: a journey is judged again with each of its postbacks.
    pub claims: Arc<Claims>,
    /// What was settled when its rules first ran.
    pub settled: Settled,
}

impl Stamped {
    /// The effective time: the event's, never after the receipt.
    #[must_use]
    pub fn effective_at(&self) -> Timestamp {
        self.claims.event_time.map_or(self.received_at, |at| at.min(self.received_at))
    }

    /// What it says, to be changed.
    pub fn claims_mut(&mut self) -> &mut Claims {
        Arc::make_mut(&mut self.claims)
    }
}

/// What a postback says, as far as the rules and the publisher's callback need it. Stored with the journey, so that a
/// journey can be judged again without parsing anything again. Replicas of two releases run side by side: each reads what
/// the other wrote, so fields are only added, and those that are not known are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Claims {
    /// Values of the event id parameters, the most important first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub event_ids: Vec<String>,
    /// The event's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_name: Option<String>,
    /// The amount in its own currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Micros>,
    /// That currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// The amount in US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount_usd: Option<Micros>,
    /// What tells repeats apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversion_id: Option<String>,
    /// The event's time, not capped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_time: Option<Timestamp>,
    /// The install's time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install_time: Option<Timestamp>,
    /// Whether it is the attribution that counts, when stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_primary: Option<bool>,
    /// `re-engagement` or `re-attribution`, when stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retargeting_type: Option<String>,
    /// Whether AppsFlyer rejected it, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked: Option<String>,
    /// The app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// The user's country, upper case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The device's platform, as AppsFlyer says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// AppsFlyer's id of the installation; people search by it, no rule reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appsflyer_id: Option<String>,
    /// What only the publisher's callback repeats.
    pub told: Told,
}

/// What the publisher's callback repeats; personal fields are for that use only.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    /// The amount as text, exactly as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// Its currency as text, exactly as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The amount in US dollars as text, exactly as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount_usd: Option<String>,
    /// The user's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    /// The user's e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The advertiser's id of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// `cnv_sub_1` … `cnv_sub_5` by number.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub subs: BTreeMap<u32, String>,
}

/// The reason of a flag that names none.
const FLAGGED: &str = "is_rejected";

impl Claims {
    /// Takes from a parsed postback what attribution needs.
    #[must_use]
    pub fn of(postback: &Postback) -> Self {
        let text = |field: Field| postback.get(field).map(String::from);
        let blocked = postback
            .is_flagged()
            .then(|| text(Field::BlockedReason).unwrap_or_else(|| String::from(FLAGGED)));
        let subs = [(1, Field::Sub1), (2, Field::Sub2), (3, Field::Sub3), (4, Field::Sub4), (5, Field::Sub5)];
        Self {
            event_ids: postback.event.candidates.clone(),
            event_name: postback.event.name.clone(),
            amount: postback.amount,
            currency: postback.currency,
            amount_usd: postback.amount_usd,
            conversion_id: text(Field::ConversionId),
            event_time: postback.event_time,
            install_time: postback.install_time,
            is_primary: postback.is_primary_attribution,
            retargeting_type: text(Field::RetargetingConversionType),
            blocked,
            app_id: text(Field::AppId),
            country: postback.get(Field::CountryCode).map(str::to_ascii_uppercase),
            platform: text(Field::Platform),
            appsflyer_id: text(Field::AppsflyerId),
            told: Told {
                amount: text(Field::Amount),
                currency: text(Field::Currency),
                amount_usd: text(Field::AmountUsd),
                ip_address: text(Field::IpAddress),
                email: text(Field::Email),
                user_id: text(Field::UserId),
                subs: subs.into_iter().filter_map(|(number, field)| Some((number, text(field)?))).collect(),
            },
        }
    }

    /// The event id, knowing which Event IDs are configured.
    #[must_use]
    pub fn event_id(&self, is_configured: impl Fn(&str) -> bool) -> String {
        let reference = EventReference { candidates: self.event_ids.clone(), name: self.event_name.clone() };
        String::from(reference.resolve(is_configured).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_claims_of_another_release_are_read() {
        let stored = r#"{
            "event_ids": ["Install"], "amount": 4990000, "currency": "USD", "event_time": 1000000,
            "told": {"amount": "4.99", "subs": {"1": "x"}, "of_a_later_release": "y"}, "of_a_later_release": [1]
        }"#;
        let read: Claims = serde_json::from_str(stored).unwrap();
        assert_eq!(read.event_ids, ["Install"]);
        assert_eq!((read.amount, read.currency), (Some(Micros(4_990_000)), Some(Currency::USD)));
        assert_eq!(read.told.amount.as_deref(), Some("4.99"));
        assert_eq!(read.told.subs[&1], "x");
        assert_eq!(serde_json::from_str::<Claims>("{}").unwrap(), Claims::default());
    }
}
