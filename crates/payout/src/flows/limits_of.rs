//! An offer's limits as people see them.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Currency, Micros, PublisherId, Timestamp};
use postgres_kit::{DbError, Pool, Snapshot, transact};

use super::counting;
use crate::{
    domain::limits::{BudgetState, Cap, CapOf, Counter, OfferKey, OverLimit, Period, Raises, Usage},
    store::{
        self,
        budget_raises::{self, Raiser},
        offers::{self, Locked},
        usage,
    },
};

/// The limits of an offer at one moment.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The version that sets them.
    pub version: u32,
    /// Of the budgets.
    pub currency: Currency,
    /// What becomes of what is above them.
    pub action: OverLimit,
    /// Whether clicks go on.
    pub state: BudgetState,
    /// The budgets that are set.
    pub budgets: Vec<BudgetLine>,
    /// The caps that are set.
    pub caps: Vec<CapLine>,
}

/// A budget.
#[derive(Debug, Clone)]
pub struct BudgetLine {
    /// For which period.
    pub period: Period,
    /// What may be taken.
    pub bound: Micros,
    /// What was taken.
    pub taken: Micros,
    /// When the period ends.
    pub ends_at: Option<Timestamp>,
    /// The raise that the catalog does not have yet.
    pub raise: Option<RaiseLine>,
}

/// A budget that was raised here.
#[derive(Debug, Clone)]
pub struct RaiseLine {
    /// What the catalog says.
    pub catalog: Micros,
    /// Who raised it, and why.
    pub by: Raiser,
}

/// A cap, for one publisher when it counts by publisher and one has taken something.
#[derive(Debug, Clone, Copy)]
pub struct CapLine {
    /// The cap.
    pub cap: Cap,
    /// Whose count this is.
    pub publisher: Option<PublisherId>,
    /// How many count.
    pub taken: i64,
    /// When the period ends.
    pub ends_at: Option<Timestamp>,
}

/// The limits of an offer; `None` while it is not known here.
///
/// # Errors
/// [`DbError`] when the database can not say.
pub async fn limits(pool: &Pool, key: OfferKey) -> Result<Option<Limits>, DbError> {
    transact(pool, Snapshot, async |connection| {
        let Some(offer) = offers::find(connection, &[key]).await?.remove(&key) else {
            return Ok::<_, DbError>(None);
        };
        let now = store::now(connection).await?;
        let usage = usage::present(connection, key, now).await?;
        let numbers = outstanding(offer.raises);
        let raisers = if numbers.is_empty() {
            BTreeMap::new()
        } else {
            budget_raises::raisers(connection, key, &numbers).await?
        };
        Ok(Some(lines(key, &offer, &raisers, &usage, now)))
    })
    .await
}

/// The numbers of the raises that the catalog does not have.
fn outstanding(raises: Raises) -> Vec<u64> {
    let last = [raises.total, raises.daily];
    last.into_iter().filter(|raised| raised.bound.is_some()).map(|raised| raised.number).collect()
}

fn lines(
    key: OfferKey,
    locked: &Locked,
    raisers: &BTreeMap<u64, Raiser>,
    usage: &Usage,
    now: Timestamp,
) -> Limits {
    let (tenant, offer) = key;
    let bounds = &locked.bounds();
    let said: BTreeMap<Period, Micros> = locked.said.budgets().collect();
    let raise = |period: Period| {
        let raised = locked.raises.of(period);
        let by = raised.bound.and_then(|_bound| raisers.get(&raised.number))?;
        Some(RaiseLine { catalog: *said.get(&period)?, by: by.clone() })
    };
    let budgets = bounds.budgets().map(|(period, bound)| BudgetLine {
        raise: raise(period),
        period,
        bound,
        taken: usage.revenue(&Counter::of_offer(tenant, offer, period, now), bounds.currency),
        ends_at: period.ends(now),
    });
    Limits {
        version: bounds.version,
        currency: bounds.currency,
        action: bounds.action,
        state: counting::left(key, bounds, usage, now).state,
        budgets: budgets.collect(),
        caps: bounds.caps.iter().flat_map(|cap| of_cap(key, *cap, usage, now)).collect(),
    }
}

fn of_cap((tenant, offer): OfferKey, cap: Cap, usage: &Usage, now: Timestamp) -> Vec<CapLine> {
    let publishers: BTreeSet<Option<PublisherId>> = match cap.of {
        CapOf::Offer | CapOf::Event(_) => BTreeSet::from([None]),
        CapOf::EventByPublisher(event) => usage
            .iter()
            .filter(|(counter, _)| counter.event == Some(event) && counter.period == cap.period)
            .filter_map(|(counter, _)| counter.publisher.map(Some))
            .collect(),
    };
    let publishers = if publishers.is_empty() { BTreeSet::from([None]) } else { publishers };
    let line = |publisher| {
        let counter =
            Counter { event: cap.of.event(), publisher, ..Counter::of_offer(tenant, offer, cap.period, now) };
        let is_nobodys = publisher.is_none() && matches!(cap.of, CapOf::EventByPublisher(_));
        let taken = if is_nobodys { 0 } else { usage.conversions(&counter) };
        CapLine { cap, publisher, taken, ends_at: cap.period.ends(now) }
    };
    publishers.into_iter().map(line).collect()
}
