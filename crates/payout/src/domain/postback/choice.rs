//! Which endpoints hear of a status: the most specific configuration wins; an offer's or event's may ask for the global one
//! as well.

use kernel::{EndpointId, OfferEventId, OfferId};

use super::super::standing::Told;

/// What an endpoint was configured for, least specific first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everything of the publisher.
    Global,
    /// One offer.
    Offer(OfferId),
    /// One event of an offer.
    Event(OfferId, OfferEventId),
}

impl Scope {
    fn covers(self, offer: OfferId, event: OfferEventId) -> bool {
        match self {
            Self::Global => true,
            Self::Offer(own) => own == offer,
            Self::Event(own, own_event) => own == offer && own_event == event,
        }
    }

    const fn level(self) -> u8 {
        match self {
            Self::Global => 0,
            Self::Offer(_) => 1,
            Self::Event(..) => 2,
        }
    }
}

/// One place a publisher wants to hear at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// What it was configured for.
    pub scope: Scope,
    /// The statuses it hears.
    pub statuses: Vec<Told>,
    /// Fire the global one as well.
    pub also_global: bool,
}

/// The endpoints, of a publisher's active ones, that hear `told` of an event of an offer.
///
/// Which level counts is decided before the statuses are looked at: who configured an offer for Success only does not want
/// its Pending at the global place.
#[must_use]
pub fn endpoints_to_tell(
    active: &[Endpoint],
    offer: OfferId,
    event: OfferEventId,
    told: Told,
) -> Vec<EndpointId> {
    let covering = || active.iter().filter(|endpoint| endpoint.scope.covers(offer, event));
    let Some(level) = covering().map(|endpoint| endpoint.scope.level()).max() else { return Vec::new() };
    let also_global = covering().any(|endpoint| endpoint.scope.level() == level && endpoint.also_global);
    covering()
        .filter(|endpoint| {
            let own = endpoint.scope.level();
            own == level || also_global && own == Scope::Global.level()
        })
        .filter(|endpoint| endpoint.statuses.contains(&told))
        .map(|endpoint| endpoint.id)
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;

    const OFFER: OfferId = OfferId::from_uuid(Uuid::from_u128(1));
    const EVENT: OfferEventId = OfferEventId::from_uuid(Uuid::from_u128(2));
    const OTHER: OfferEventId = OfferEventId::from_uuid(Uuid::from_u128(3));

    fn endpoint(id: u128, scope: Scope, statuses: &[Told], also_global: bool) -> Endpoint {
        Endpoint {
            id: EndpointId::from_uuid(Uuid::from_u128(id)),
            scope,
            statuses: statuses.to_vec(),
            also_global,
        }
    }

    #[rstest]
    #[case::event_wins(EVENT, Told::Success, &[3])]
    #[case::status_is_asked_after_the_level(EVENT, Told::Pending, &[])]
    #[case::offer_and_its_also_global(OTHER, Told::Success, &[2, 1])]
    #[case::only_who_opted_in(OTHER, Told::Pending, &[1])]
    fn the_most_specific_wins(#[case] event: OfferEventId, #[case] told: Told, #[case] expected: &[u128]) {
        let endpoints = [
            endpoint(3, Scope::Event(OFFER, EVENT), &[Told::Success], false),
            endpoint(2, Scope::Offer(OFFER), &[Told::Success], true),
            endpoint(1, Scope::Global, &[Told::Success, Told::Pending], false),
        ];
        let ids: Vec<u128> = endpoints_to_tell(&endpoints, OFFER, event, told)
            .iter()
            .map(|id| id.as_uuid().as_u128())
            .collect();
        assert_eq!(ids, expected);
    }

    #[test]
    fn without_endpoints_nobody_is_told() {
        assert!(endpoints_to_tell(&[], OFFER, EVENT, Told::Success).is_empty());
    }
}
