//! What payout hears. A consumer reads its items into the domain's values, calls one flow, and maps the outcome.

mod catalog;
mod failure;
mod on_catalog_fact;
mod on_conversion_verdict;
mod sink;
mod verdict;

use ::bus::{Queue, Topology};
use contracts::{
    attribution::{ConversionAmended, ConversionQualified, ConversionReviewRequested, ConversionVetoed},
    catalog::{ApiTokenChanged, PublisherChanged, TenantChanged},
};

pub use self::{on_catalog_fact::OnCatalogFact, on_conversion_verdict::OnConversionVerdict, sink::BusSink};

/// Attribution's verdicts.
pub const CONVERSIONS_QUEUE: &str = "payout.conversions";
/// The catalog's facts.
pub const CATALOG_QUEUE: &str = "payout.catalog";

/// The queues of this service.
#[must_use]
pub fn topology() -> Topology {
    Topology::new()
        .queue(
            Queue::shared(CONVERSIONS_QUEUE)
                .fact::<ConversionQualified>()
                .fact::<ConversionAmended>()
                .fact::<ConversionVetoed>()
                .fact::<ConversionReviewRequested>(),
        )
        .queue(
            Queue::shared(CATALOG_QUEUE)
                .fact::<TenantChanged>()
                .fact::<ApiTokenChanged>()
                .fact::<PublisherChanged>(),
        )
}
