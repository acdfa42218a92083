//! What was counted. Twelve counters know a conversion: of its offer, its event, and its event by its publisher, each for the
//! day, the week, the month and all time.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use kernel::{Currency, Micros, OfferEventId, OfferId, PublisherId, TenantId, Timestamp};

use super::{bounds::CapOf, period::Period};
use crate::domain::conversion::Subject;

/// Names one counter. The order is that in which rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Counter {
    /// Whose.
    pub tenant: TenantId,
    /// Of which offer.
    pub offer: OfferId,
    /// Of one event of it only.
    pub event: Option<OfferEventId>,
    /// Of one publisher only.
    pub publisher: Option<PublisherId>,
    /// In which kind of period.
    pub period: Period,
    /// The first day of that period.
    pub begins: NaiveDate,
}

/// What a counter says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Count {
    /// How many conversions.
    pub conversions: i64,
    /// How much revenue, by the currency of the offer's budget at that time.
    pub revenue: BTreeMap<Currency, i64>,
}

/// What is added to a counter; negative when it is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delta {
    /// Conversions.
    pub conversions: i64,
    /// Revenue.
    pub revenue: i64,
}

/// Counters by their names; one that is missing says 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage(BTreeMap<Counter, Count>);

/// The counters that know a conversion which is counted at `at`.
pub fn counters(subject: &Subject, at: Timestamp) -> impl Iterator<Item = Counter> + use<> {
    let Subject { tenant, offer, offer_event, publisher, .. } = *subject;
    let whose = [(None, None), (Some(offer_event), None), (Some(offer_event), Some(publisher))];
    whose.into_iter().flat_map(move |(event, publisher)| {
        Period::ALL.into_iter().map(move |period| Counter {
            tenant,
            offer,
            event,
            publisher,
            period,
            begins: period.begins(at),
        })
    })
}

impl Counter {
    /// The counter of an offer's whole revenue, for a budget.
    #[must_use]
    pub fn of_offer(tenant: TenantId, offer: OfferId, period: Period, at: Timestamp) -> Self {
        Self { tenant, offer, event: None, publisher: None, period, begins: period.begins(at) }
    }

    /// The counter that a cap looks at.
    #[must_use]
    pub fn of_cap(subject: &Subject, of: CapOf, period: Period, at: Timestamp) -> Self {
        let publisher = match of {
            CapOf::EventByPublisher(_) => Some(subject.publisher),
            CapOf::Offer | CapOf::Event(_) => None,
        };
        Self { event: of.event(), publisher, ..Self::of_offer(subject.tenant, subject.offer, period, at) }
    }
}

impl Usage {
    /// How many conversions a counter knows.
    #[must_use]
    pub fn conversions(&self, counter: &Counter) -> i64 {
        self.0.get(counter).map_or(0, |count| count.conversions)
    }

    /// How much revenue of one currency a counter knows.
    #[must_use]
    pub fn revenue(&self, counter: &Counter, currency: Currency) -> Micros {
        Micros(self.0.get(counter).and_then(|count| count.revenue.get(&currency)).copied().unwrap_or(0))
    }

    /// Whether anything was ever counted there.
    #[must_use]
    pub fn knows(&self, counter: &Counter) -> bool {
        self.0.contains_key(counter)
    }

    /// Every counter that says something, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Counter, &Count)> {
        self.0.iter()
    }

    /// Adds to a counter.
    pub fn add(&mut self, counter: Counter, currency: Currency, delta: Delta) {
        let count = self.0.entry(counter).or_default();
        count.conversions = count.conversions.saturating_add(delta.conversions);
        let revenue = count.revenue.entry(currency).or_default();
        *revenue = revenue.saturating_add(delta.revenue);
    }
}
