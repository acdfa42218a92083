//! A draft as the fact that would be said of it if it were saved: so what reads versions reads drafts, too.

use std::collections::BTreeMap;

use contracts::{
    catalog::{
        DeadlineAnchor as AnchorCode, EventTerms as EventTermsMessage, OfferEvent as OfferEventMessage,
        OfferVersionCreated, Platform as PlatformCode, ReachedBy as ReachedByCode, SequenceNumberRule,
    },
    common::{MoneyTerms, PayoutTerms, RevenueTerms, payout_terms, revenue_terms},
};
use kernel::{OfferEventId, OfferId, TenantId};
use terms::{Payout, Revenue, Terms};

use crate::domain::{DeadlineAnchor, EventTerms, OfferEvent, Platform, ReachedBy, Version};

/// Seconds of an hour.
const HOUR: i64 = 3_600;

/// Writes a draft, with the money of the events that have some.
#[must_use]
pub fn as_version(
    (tenant, offer): (TenantId, OfferId),
    draft: &Version,
    money: &BTreeMap<OfferEventId, Terms>,
) -> OfferVersionCreated {
    let grace = draft.grace_seconds.checked_div(HOUR).unwrap_or_default();
    OfferVersionCreated {
        tenant_id: tenant.to_vec(),
        offer_id: offer.to_vec(),
        version: draft.number,
        advertiser_id: draft.advertiser.to_vec(),
        name: draft.name.clone(),
        app_id: draft.app_id.clone(),
        launch_at_micros: draft.dates.from.as_micros(),
        end_at_micros: draft.dates.until.map(kernel::Timestamp::as_micros),
        countries: draft.countries.clone(),
        platforms: draft.platforms.iter().map(|one| platform(*one).into()).collect(),
        events: draft.events.iter().map(|one| event(one, money.get(&one.id))).collect(),
        number_rules: draft
            .reached_by
            .iter()
            .map(|(number, by)| SequenceNumberRule {
                sequence_number: *number,
                reached_by: match by {
                    ReachedBy::All => ReachedByCode::All.into(),
                    ReachedBy::Any => ReachedByCode::Any.into(),
                },
            })
            .collect(),
        sequence_grace_hours: u32::try_from(grace).unwrap_or_default(),
        ..OfferVersionCreated::default()
    }
}

const fn platform(platform: Platform) -> PlatformCode {
    match platform {
        Platform::Ios => PlatformCode::Ios,
        Platform::Android => PlatformCode::Android,
        Platform::MacOs => PlatformCode::Macos,
        Platform::Browser => PlatformCode::Browser,
    }
}

fn event(event: &OfferEvent, money: Option<&Terms>) -> OfferEventMessage {
    OfferEventMessage {
        offer_event_id: event.id.to_vec(),
        event_id: event.event_id.clone(),
        name: event.name.clone(),
        sequence_number: event.number,
        terms: Some(terms_of(&event.terms, money)),
        introduced_in_version: event.introduced_in,
        introduced_terms: Some(terms_of(&event.introduced_terms, money)),
        ..OfferEventMessage::default()
    }
}

fn terms_of(terms: &EventTerms, money: Option<&Terms>) -> EventTermsMessage {
    EventTermsMessage {
        money: Some(MoneyTerms {
            currency: String::from(terms.currency.code()),
            revenue: money.map(|money| RevenueTerms {
                model: Some(match money.revenue {
                    Revenue::Flat(micros) => revenue_terms::Model::FlatMicros(micros.0),
                    Revenue::PercentOfAmount(share) => revenue_terms::Model::PercentOfAmountBps(share.0),
                }),
            }),
            payout: money.map(|money| PayoutTerms {
                model: Some(match money.payout {
                    Payout::Flat(micros) => payout_terms::Model::FlatMicros(micros.0),
                    Payout::PercentOfAmount(share) => payout_terms::Model::PercentOfAmountBps(share.0),
                    Payout::ShareOfRevenue(share) => payout_terms::Model::ShareOfRevenueBps(share.0),
                }),
            }),
            reward_points: money.map_or(0, |money| money.reward_points),
            ..MoneyTerms::default()
        }),
        deadline_days: terms.deadline_days.map(u32::from),
        deadline_anchor: match terms.deadline_anchor {
            DeadlineAnchor::Click => AnchorCode::Click.into(),
            DeadlineAnchor::Install => AnchorCode::Install.into(),
        },
        min_time_seconds: terms.min_time_seconds.and_then(|seconds| u64::try_from(seconds).ok()),
        repetitions_allowed: terms.repetitions_allowed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::samples::{guide, terms},
        facts::{money_terms, offer_version},
    };

    #[test]
    fn a_draft_reads_back_as_it_was_written() {
        let mut draft = guide();
        draft.number = 7;
        draft.app_id = Some(String::from("id1"));
        draft.countries = vec![String::from("DE")];
        draft.platforms = vec![Platform::Ios, Platform::MacOs];
        draft.reached_by = BTreeMap::from([(1, ReachedBy::Any)]);
        draft.events[0].terms = EventTerms {
            deadline_days: Some(3),
            deadline_anchor: DeadlineAnchor::Install,
            min_time_seconds: Some(60),
            repetitions_allowed: true,
            ..terms()
        };
        let money = Terms {
            currency: kernel::Currency::USD,
            revenue: Revenue::PercentOfAmount(kernel::Bps(5_000)),
            payout: Payout::ShareOfRevenue(kernel::Bps(6_000)),
            reward_points: 5,
        };
        let nobody = uuid::Uuid::nil();
        let key = (TenantId::from_uuid(nobody), OfferId::from_uuid(nobody));
        let message = as_version(key, &draft, &BTreeMap::from([(draft.events[0].id, money)]));
        assert_eq!(offer_version(&message).unwrap(), draft);
        let of = |place: usize| {
            message.events[place].terms.as_ref().and_then(|terms| terms.money.as_ref()).unwrap()
        };
        assert_eq!(money_terms(of(0)), Some(money));
        assert_eq!(money_terms(of(1)), None);
    }
}
