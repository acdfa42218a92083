//! Offers: what applies at once, and complete versions.

use contracts::{
    catalog::{self, EventStop, OfferChanged, OfferEvent, OfferVersionCreated, SequenceNumberRule},
    common::{Money, MoneyTerms, PayoutTerms, RevenueTerms, payout_terms, revenue_terms},
};
use kernel::{Currency, Micros, OfferId, Timestamp};

use crate::domain::{
    budget_raise::RaisesTaken,
    event::{self, Payout, Revenue},
    offer::{
        Caps, Creative, DeadlineAnchor, Gender, OfferFields, OfferType, OverLimitAction, Platform, ReachedBy,
        SEQUENCE_GRACE_HOURS,
    },
    records::{Offer, OfferVersion},
    status::OfferStatus,
    version::{EventTerms, Introductions},
};

/// A version that lacks what the linter requires of it: a bug, never a caller's mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a version lacks {0}")]
pub struct FactError(pub &'static str);

/// What of the offer applies at once.
#[must_use]
pub fn offer_changed(offer: &Offer) -> OfferChanged {
    let status = match offer.state.status {
        OfferStatus::Draft => catalog::OfferStatus::Draft,
        OfferStatus::Ready => catalog::OfferStatus::Ready,
        OfferStatus::Paused => catalog::OfferStatus::Paused,
        OfferStatus::Ended => catalog::OfferStatus::Ended,
    };
    let stops = offer.state.event_stops.iter().map(|stop| EventStop {
        from_at_micros: stop.from.as_micros(),
        until_at_micros: stop.until.map(Timestamp::as_micros),
    });
    OfferChanged {
        tenant_id: offer.tenant_id.to_vec(),
        offer_id: offer.offer_id.to_vec(),
        revision: offer.revision.0,
        status: status.into(),
        newest_version: offer.state.newest_version,
        publisher_id: offer.state.share.map(|share| share.publisher_id.to_vec()),
        link_id: offer.state.share.map(|share| share.link_id.to_vec()),
        shared_at_micros: offer.state.share.map(|share| share.shared_at.as_micros()),
        event_stops: stops.collect(),
        cloned_from: offer.state.cloned_from.map(OfferId::to_vec),
    }
}

/// One version, complete, with where each of its events was introduced. `raises` are those of the offer when it is the newest.
///
/// # Errors
/// [`FactError`] when something required is missing.
pub fn offer_version_created(
    version: &OfferVersion,
    introductions: &Introductions,
    raises: RaisesTaken,
) -> Result<OfferVersionCreated, FactError> {
    let fields = &version.fields;
    let currency = fields.currency.ok_or(FactError("currency"))?;
    let events = fields.events.iter().map(|event| offer_event(fields, event, introductions));
    let rules = fields.sequence_numbers().into_iter().map(|number| SequenceNumberRule {
        sequence_number: u32::from(number),
        reached_by: match fields.reached_by(number) {
            ReachedBy::All => catalog::ReachedBy::All,
            ReachedBy::Any => catalog::ReachedBy::Any,
        }
        .into(),
    });
    Ok(OfferVersionCreated {
        tenant_id: version.tenant_id.to_vec(),
        offer_id: version.offer_id.to_vec(),
        version: version.version,
        created_at_micros: version.created_at.as_micros(),
        advertiser_id: fields.advertiser_id.ok_or(FactError("advertiserId"))?.to_vec(),
        offer_type: match fields.offer_type.ok_or(FactError("offerType"))? {
            OfferType::SingleEvent => catalog::OfferType::SingleEvent,
            OfferType::MultiEvent => catalog::OfferType::MultiEvent,
        }
        .into(),
        tracking_system: fields.tracking_system.clone().ok_or(FactError("trackingSystem"))?,
        name: fields.name.clone().ok_or(FactError("name"))?,
        offer_link: fields.tracking_system_link.clone().ok_or(FactError("trackingSystemLink"))?,
        fallback_link: fields.fallback_link.clone(),
        app_id: fields.app_id.clone(),
        launch_at_micros: fields.launch_at.ok_or(FactError("launchDate"))?.as_micros(),
        end_at_micros: fields.end_at.map(Timestamp::as_micros),
        countries: fields.countries.iter().flatten().map(|country| String::from(country.code())).collect(),
        platforms: fields
            .platforms
            .iter()
            .flatten()
            .map(|platform| i32::from(to_platform(*platform)))
            .collect(),
        genders: match fields.gender {
            Gender::All => Vec::new(),
            Gender::Female => vec![i32::from(catalog::Gender::Female)],
            Gender::Male => vec![i32::from(catalog::Gender::Male)],
        },
        ages: fields
            .age_ranges
            .iter()
            .flatten()
            .map(|range| catalog::AgeRange { from: u32::from(range.min), to: range.max.map(u32::from) })
            .collect(),
        events: events.collect::<Result<_, _>>()?,
        number_rules: rules.collect(),
        total_budget: Some(money(fields.total_budget.ok_or(FactError("budget.total"))?, currency)),
        daily_budget: fields.daily_budget.map(|budget| money(budget, currency)),
        over_limit_action: match fields.over_limit_action {
            OverLimitAction::Reject => catalog::OverLimitAction::Reject,
            OverLimitAction::Review => catalog::OverLimitAction::Review,
            OverLimitAction::AcceptUnpaid => catalog::OverLimitAction::AcceptUnpaid,
        }
        .into(),
        caps: Some(to_caps(fields.caps)),
        currency: String::from(currency.code()),
        sequence_grace_hours: u32::from(fields.sequence_grace_hours.unwrap_or(SEQUENCE_GRACE_HOURS)),
        headline: fields.headline.clone().ok_or(FactError("headline"))?,
        description: fields.short_description.clone().ok_or(FactError("shortDescription"))?,
        categories: fields.categories.clone(),
        creatives: fields.creatives.iter().map(creative).collect(),
        total_budget_raise: raises.total,
        daily_budget_raise: raises.daily,
    })
}

fn offer_event(
    fields: &OfferFields,
    event: &event::OfferEvent,
    introductions: &Introductions,
) -> Result<OfferEvent, FactError> {
    let id = event.offer_event_id.ok_or(FactError("events.offerEventId"))?;
    let introduction = introductions.get(&id).ok_or(FactError("the introduction of an event"))?;
    Ok(OfferEvent {
        offer_event_id: id.to_vec(),
        event_id: event.event_id.clone(),
        name: event.name.clone().ok_or(FactError("events.name"))?,
        sequence_number: event.sequence_number.map(u32::from),
        terms: Some(event_terms(&EventTerms::of(fields, event))?),
        introduced_in_version: introduction.in_version,
        introduced_terms: Some(event_terms(&introduction.terms)?),
        caps: Some(to_caps(event.caps)),
        publisher_caps: Some(to_caps(event.publisher_caps)),
        display_order: u32::from(event.display_order),
        show_on_wall: event.show_on_offer_wall,
    })
}

fn event_terms(terms: &EventTerms) -> Result<catalog::EventTerms, FactError> {
    let revenue = match terms.revenue.ok_or(FactError("events.revenue"))? {
        Revenue::Flat(micros) => revenue_terms::Model::FlatMicros(micros.0),
        Revenue::PercentOfAmount(share) => revenue_terms::Model::PercentOfAmountBps(share.0),
    };
    let payout = match terms.payout.ok_or(FactError("events.payout"))? {
        Payout::Flat(micros) => payout_terms::Model::FlatMicros(micros.0),
        Payout::PercentOfAmount(share) => payout_terms::Model::PercentOfAmountBps(share.0),
        Payout::ShareOfRevenue(share) => payout_terms::Model::ShareOfRevenueBps(share.0),
    };
    Ok(catalog::EventTerms {
        money: Some(MoneyTerms {
            currency: String::from(terms.currency.ok_or(FactError("currency"))?.code()),
            revenue: Some(RevenueTerms { model: Some(revenue) }),
            payout: Some(PayoutTerms { model: Some(payout) }),
            reward_points: terms.reward,
            pending_days: u32::from(terms.pending_time.ok_or(FactError("events.pendingTime"))?.0),
            reverse_on_fraud: terms.reverse_on_fraud,
        }),
        deadline_days: terms.deadline_days.map(|days| u32::from(days.0)),
        deadline_anchor: match terms.deadline_anchor {
            DeadlineAnchor::Click => catalog::DeadlineAnchor::Click,
            DeadlineAnchor::Install => catalog::DeadlineAnchor::Install,
        }
        .into(),
        min_time_seconds: terms.min_time_seconds,
        repetitions_allowed: terms.allow_repetitions,
    })
}

fn creative(creative: &Creative) -> catalog::Creative {
    catalog::Creative { order: u32::from(creative.order), url: creative.url.clone() }
}

const fn to_caps(caps: Caps) -> catalog::Caps {
    catalog::Caps { daily: caps.daily, weekly: caps.weekly, monthly: caps.monthly, all_time: caps.all_time }
}

const fn to_platform(platform: Platform) -> catalog::Platform {
    match platform {
        Platform::Ios => catalog::Platform::Ios,
        Platform::Android => catalog::Platform::Android,
        Platform::MacOs => catalog::Platform::Macos,
        Platform::Browser => catalog::Platform::Browser,
    }
}

fn money(amount: Micros, currency: Currency) -> Money {
    contracts::read::to_money(kernel::Money::new(amount, currency))
}

#[cfg(test)]
mod tests {
    use contracts::catalog::ReachedBy as Told;
    use kernel::{OfferEventId, TenantId};
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;
    use crate::domain::{lint::tests::golfin, offer::SequenceRule, version::introduce};

    fn version() -> OfferVersion {
        let mut fields = golfin();
        for (number, event) in (1..).zip(&mut fields.events) {
            event.offer_event_id = Some(OfferEventId::from_uuid(Uuid::from_u128(number)));
        }
        OfferVersion {
            tenant_id: TenantId::from_uuid(Uuid::from_u128(1)),
            offer_id: OfferId::from_uuid(Uuid::from_u128(2)),
            version: 1,
            fields,
            created_at: Timestamp::from_micros(5),
        }
    }

    #[test]
    fn a_version_is_told_complete() {
        let version = version();
        let introductions = introduce(1, &version.fields, &Introductions::new());
        let fact = offer_version_created(&version, &introductions, RaisesTaken::default()).unwrap();
        assert_eq!(fact.events.len(), 3);
        for event in &fact.events {
            assert_eq!(event.introduced_in_version, 1);
            assert_eq!(event.terms, event.introduced_terms);
            assert_ne!(event.terms.as_ref().unwrap().deadline_anchor, 0);
        }
        assert_eq!(fact.sequence_grace_hours, 72);
        assert_eq!((fact.headline.as_str(), fact.description.as_str()), ("Golf", "Play golf"));
        assert_eq!(fact.categories, ["Golf"]);
        assert_eq!(
            fact.creatives,
            [catalog::Creative { order: 1, url: String::from("https://cdn.example/1.png") }]
        );
    }

    /// Readers need no defaults of their own.
    #[rstest]
    #[case::one_event_each(&[Some(1), Some(2), None], &[], &[(1, Told::All), (2, Told::All)])]
    #[case::ways_to_begin(&[Some(1), Some(1), None], &[], &[(1, Told::Any)])]
    #[case::later_ones_in_any_order(&[Some(2), Some(2), Some(1)], &[], &[(1, Told::All), (2, Told::All)])]
    #[case::chosen(
        &[Some(1), Some(1), Some(2)],
        &[(1, ReachedBy::All), (2, ReachedBy::Any)],
        &[(1, Told::All), (2, Told::Any)]
    )]
    #[case::nothing_in_sequence(&[None, None, None], &[], &[])]
    fn every_number_in_use_is_told_with_how_it_is_reached(
        #[case] numbers: &[Option<u16>],
        #[case] chosen: &[(u16, ReachedBy)],
        #[case] expected: &[(u32, Told)],
    ) {
        let mut version = version();
        for (event, number) in version.fields.events.iter_mut().zip(numbers) {
            event.sequence_number = *number;
        }
        let rule = |(sequence_number, reached_by): &(u16, ReachedBy)| SequenceRule {
            sequence_number: *sequence_number,
            reached_by: *reached_by,
        };
        version.fields.sequence_rules = chosen.iter().map(rule).collect();
        let introductions = introduce(1, &version.fields, &Introductions::new());
        let fact = offer_version_created(&version, &introductions, RaisesTaken::default()).unwrap();
        let told: Vec<_> =
            fact.number_rules.iter().map(|rule| (rule.sequence_number, rule.reached_by())).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn what_the_linter_requires_is_an_error_here_and_never_a_default() {
        let mut version = version();
        let introductions = introduce(1, &version.fields, &Introductions::new());
        version.fields.events[1].payout = None;
        assert_eq!(
            offer_version_created(&version, &introductions, RaisesTaken::default()),
            Err(FactError("events.payout"))
        );
    }
}
