//! The desk of a transaction: offers locked and counters loaded before the decisions, what was taken and given back written
//! after them, with the budgets' states that follow from it.
//!
//! Everybody locks offers first and conversions after them, each in the order of their keys.

use std::collections::{BTreeSet, HashMap};

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::{IdSource, Timestamp};
use postgres_kit::outbox::{self, Outgoing};

use super::facts;
use crate::{
    domain::{
        conversion::{Conversion, Counted, Subject},
        limits::{self, Bounds, Counter, Desk, Left, OfferKey, Period, Usage, counters},
    },
    store::{
        offers::{self, Locked, ToldBudget},
        usage,
    },
};

/// Offers that this transaction holds.
pub(super) type Offers = HashMap<OfferKey, Locked>;

/// Locks those of `keys` that are known.
pub(super) async fn lock(connection: &AsyncPgConnection, keys: BTreeSet<OfferKey>) -> QueryResult<Offers> {
    let keys: Vec<OfferKey> = keys.into_iter().collect();
    offers::lock(connection, &keys).await
}

/// Those of `keys` that are known, for a look that changes nothing.
pub(super) async fn look(
    connection: &mut AsyncPgConnection,
    keys: BTreeSet<OfferKey>,
) -> QueryResult<Offers> {
    let keys: Vec<OfferKey> = keys.into_iter().collect();
    offers::find(connection, &keys).await
}

/// The desk for what is about to happen to `subjects`, of which `current` are there already.
pub(super) async fn desk(
    connection: &AsyncPgConnection,
    offers: &Offers,
    subjects: impl Iterator<Item = Subject>,
    current: impl Iterator<Item = &Conversion>,
    now: Timestamp,
) -> QueryResult<Desk> {
    let mut wanted: BTreeSet<Counter> = of_budgets(offers, now).collect();
    wanted.extend(subjects.flat_map(|subject| counters(&subject, now)));
    wanted.extend(current.flat_map(|conversion| match conversion.counted {
        Counted::Taken(taken) => counters(&conversion.subject, taken.at).collect(),
        Counted::Nowhere | Counted::Waiting | Counted::Unpaid(_) => Vec::new(),
    }));
    let usage = usage::load(connection, &wanted.into_iter().collect::<Vec<_>>()).await?;
    let bounds = offers.iter().map(|(key, offer)| (*key, offer.bounds())).collect();
    Ok(Desk::new(bounds, usage))
}

/// Writes what was taken and given back, and says what became of the budgets.
pub(super) async fn close(
    connection: &AsyncPgConnection,
    ids: &dyn IdSource,
    now: Timestamp,
    offers: &Offers,
    desk: &Desk,
) -> QueryResult<()> {
    let added: Vec<_> = desk.added().collect();
    usage::add(connection, &added).await?;
    say_budgets(connection, ids, now, offers, desk.usage(), &BTreeSet::new()).await
}

/// Looks at the budgets of these locked offers again and says what changed; of those in `again` it says the state in any
/// case.
pub(super) async fn review_budgets(
    connection: &mut AsyncPgConnection,
    ids: &dyn IdSource,
    now: Timestamp,
    offers: &Offers,
    again: &BTreeSet<OfferKey>,
) -> QueryResult<()> {
    let wanted: Vec<Counter> = of_budgets(offers, now).collect();
    let usage = usage::load(connection, &wanted).await?;
    say_budgets(connection, ids, now, offers, &usage, again).await
}

async fn say_budgets(
    connection: &AsyncPgConnection,
    ids: &dyn IdSource,
    now: Timestamp,
    offers: &Offers,
    usage: &Usage,
    again: &BTreeSet<OfferKey>,
) -> QueryResult<()> {
    let mut told: Vec<(OfferKey, ToldBudget)> = Vec::new();
    let mut said: Vec<Outgoing> = Vec::new();
    for (key, offer) in offers {
        let left = left(*key, &offer.bounds(), usage, now);
        let is_changed = left.state != offer.told.state;
        // Of what never took anything nobody believes anything but that it is open.
        let was_used = offer.told.version > 0 || is_used(*key, usage, now);
        let is_repeated = again.contains(key) && was_used;
        if !is_changed && !is_repeated {
            continue;
        }
        let budget = ToldBudget { version: next_version(offer.told.version, now), state: left.state };
        said.push(facts::budget_state_changed(ids, now, *key, offer.said.currency, budget, &left));
        told.push((*key, budget));
    }
    if told.is_empty() {
        return Ok(());
    }
    offers::tell_budgets(connection, &told).await?;
    outbox::add(connection, &said).await
}

/// The next number of a budget's state: no lower than the clock's microseconds, so that a payout that lost its copy of the
/// catalog, and with it what it had told, is heard by those who did not.
fn next_version(told: u64, now: Timestamp) -> u64 {
    told.saturating_add(1).max(u64::try_from(now.as_micros()).unwrap_or_default())
}

fn is_used((tenant, offer): OfferKey, usage: &Usage, now: Timestamp) -> bool {
    usage.knows(&Counter::of_offer(tenant, offer, Period::AllTime, now))
}

/// What is left of an offer's budgets.
pub(super) fn left((tenant, offer): OfferKey, bounds: &Bounds, usage: &Usage, now: Timestamp) -> Left {
    let spent = |period| usage.revenue(&Counter::of_offer(tenant, offer, period, now), bounds.currency);
    limits::left(bounds, spent(Period::AllTime), spent(Period::Day), now)
}

fn of_budgets(offers: &Offers, now: Timestamp) -> impl Iterator<Item = Counter> {
    offers.keys().flat_map(move |(tenant, offer)| {
        [Period::Day, Period::AllTime].map(|period| Counter::of_offer(*tenant, *offer, period, now))
    })
}
