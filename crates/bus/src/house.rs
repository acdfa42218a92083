//! Every shared queue of the house on one page: who reads which facts.
//!
//! Every service declares all of them at every connect, also those that another service reads. So the order in which
//! services are started for the first time does not matter: what is said before its reader exists waits for it, instead
//! of being unroutable. Broadcast queues are their reader's own business, see [`Queue::broadcast`](crate::Queue).

use contracts::{
    attribution::{
        AlarmCleared, AlarmRaised, ConversionAmended, ConversionQualified, ConversionReviewRequested,
        ConversionVetoed, InputHeard, PersonErased,
    },
    catalog::{
        AdvertiserChanged, ApiTokenChanged, CredentialChanged, CredentialGenerations, OfferChanged,
        OfferVersionCreated, PublisherChanged, TenantChanged,
    },
    ingest::{CredentialUsed, PostbackReceived},
    payout::{
        BudgetRaised, BudgetStateChanged, ConversionDecidedByPerson, ConversionStatusChanged, DeliveryOutcome,
    },
    tracker::{ClickRecorded, ClickRefused},
};

use crate::topology::{Queue, Topology};

/// Which credentials are used, for the catalog to show.
pub const CATALOG_USES: &str = "offer-catalog.uses";
/// Whether budgets let clicks through, for the catalog to show.
pub const CATALOG_BUDGETS: &str = "offer-catalog.budgets";
/// Budgets that people raised while they decided on conversions, for the catalog to take over.
pub const CATALOG_RAISES: &str = "offer-catalog.raises";
/// tracker's copy of the catalog, and whether budgets let clicks through.
pub const TRACKER_CATALOG: &str = "tracker.catalog";
/// Accepted postbacks, to be decided.
pub const ATTRIBUTION_POSTBACKS: &str = "attribution.postbacks";
/// Clicks, to meet their postbacks.
pub const ATTRIBUTION_CLICKS: &str = "attribution.clicks";
/// What payout says of conversions, for the journeys they belong to.
pub const ATTRIBUTION_PAYOUT: &str = "attribution.payout";
/// attribution's copy of the catalog.
pub const ATTRIBUTION_CATALOG: &str = "attribution.catalog";
/// Verdicts, to become money.
pub const PAYOUT_CONVERSIONS: &str = "payout.conversions";
/// Persons to be forgotten, for payout.
pub const PAYOUT_PEOPLE: &str = "payout.people";
/// payout's copy of the catalog.
pub const PAYOUT_CATALOG: &str = "payout.catalog";
/// The newest of those facts that rightly may have no reader: nobody reads them yet.
pub const RECENT: &str = "gokart.recent";
/// The newest of what is said again every few seconds and heard only by those that are there. Apart from the others, which it
/// would push out within the hour.
pub const PULSES: &str = "gokart.pulses";

impl Topology {
    /// All exchanges and all shared queues of the house.
    #[must_use]
    pub fn house() -> Self {
        Self::new()
            .queue(Queue::shared(CATALOG_USES).fact::<CredentialUsed>())
            .queue(Queue::shared(CATALOG_BUDGETS).fact::<BudgetStateChanged>())
            .queue(Queue::shared(CATALOG_RAISES).fact::<BudgetRaised>())
            .queue(
                Queue::shared(TRACKER_CATALOG)
                    .fact::<TenantChanged>()
                    .fact::<OfferVersionCreated>()
                    .fact::<OfferChanged>()
                    .fact::<BudgetStateChanged>(),
            )
            .queue(Queue::shared(ATTRIBUTION_POSTBACKS).fact::<PostbackReceived>())
            .queue(Queue::shared(ATTRIBUTION_CLICKS).fact::<ClickRecorded>())
            .queue(
                Queue::shared(ATTRIBUTION_PAYOUT)
                    .fact::<ConversionDecidedByPerson>()
                    .fact::<ConversionStatusChanged>()
                    .fact::<DeliveryOutcome>(),
            )
            .queue(
                Queue::shared(ATTRIBUTION_CATALOG)
                    .fact::<TenantChanged>()
                    .fact::<ApiTokenChanged>()
                    .fact::<CredentialChanged>()
                    .fact::<OfferVersionCreated>()
                    .fact::<OfferChanged>(),
            )
            .queue(
                Queue::shared(PAYOUT_CONVERSIONS)
                    .fact::<ConversionQualified>()
                    .fact::<ConversionAmended>()
                    .fact::<ConversionVetoed>()
                    .fact::<ConversionReviewRequested>(),
            )
            .queue(Queue::shared(PAYOUT_PEOPLE).fact::<PersonErased>())
            .queue(
                Queue::shared(PAYOUT_CATALOG)
                    .fact::<TenantChanged>()
                    .fact::<ApiTokenChanged>()
                    .fact::<AdvertiserChanged>()
                    .fact::<PublisherChanged>()
                    .fact::<OfferVersionCreated>(),
            )
            .queue(Queue::window(RECENT).fact::<ClickRefused>().fact::<AlarmRaised>().fact::<AlarmCleared>())
            .queue(Queue::window(PULSES).fact::<CredentialGenerations>().fact::<InputHeard>())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_fact_of_the_contracts_is_unroutable() {
        let house = Topology::house();
        let bound: BTreeSet<(&str, &str)> = house
            .queues
            .iter()
            .flat_map(|queue| &queue.bindings)
            .map(|route| (route.exchange.as_ref(), route.routing_key.as_ref()))
            .collect();
        for (exchange, routing_key) in contracts::ROUTES {
            assert!(
                bound.contains(&(exchange, routing_key)),
                "nothing is bound to {routing_key} on {exchange}"
            );
        }
    }
}
