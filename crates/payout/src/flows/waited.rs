//! Conversions that waited for something that has come: decided under their locks in the order of receipt, and saved with all
//! that follows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::{IdSource, OfferId, TenantId, Timestamp};

use super::{
    counting::{self, Offers},
    save::{self, Changed},
};
use crate::{
    domain::{
        conversion::{Change, Conversion},
        limits::{Desk, RateOf},
    },
    store::{
        self,
        conversions::{self, Key, Stored},
        tenants,
    },
};

/// What this transaction holds: the offers, and of the conversions those that are there.
pub(super) struct Held {
    offers: Offers,
    /// What waits, each once.
    pub(super) keys: Vec<Key>,
    /// The conversions as they are.
    pub(super) stored: HashMap<Key, Stored>,
}

/// What a decision needs besides its conversion.
pub(super) struct Means<'a> {
    /// The tenant's rates.
    pub(super) rate: RateOf<'a>,
    /// Where it is counted.
    pub(super) desk: &'a mut Desk,
    /// The database's clock.
    pub(super) now: Timestamp,
    /// Time has released what was over by then.
    pub(super) released_until: Timestamp,
}

/// Locks what waits, with its offers.
pub(super) async fn hold(
    connection: &AsyncPgConnection,
    waiting: impl Iterator<Item = (Key, OfferId)> + Clone,
) -> QueryResult<Held> {
    let offers = waiting.clone().map(|((tenant, _), offer)| (tenant, offer)).collect();
    let offers = counting::lock(connection, offers).await?;
    let keys: BTreeSet<Key> = waiting.map(|(key, _)| key).collect();
    let keys: Vec<Key> = keys.into_iter().collect();
    let stored = conversions::lock(connection, &keys).await?;
    Ok(Held { offers, keys, stored })
}

/// Decides about each, what came first first, saves what changed, and returns how many that were. Time releases of them only what has
/// been over for `patience_seconds`.
pub(super) async fn decide(
    connection: &mut AsyncPgConnection,
    ids: &dyn IdSource,
    patience_seconds: i64,
    held: &Held,
    decide: impl Fn(Key, &Conversion, Means<'_>) -> Option<Change>,
) -> QueryResult<usize> {
    let Held { offers, keys, stored } = held;
    let tenants: BTreeSet<TenantId> = keys.iter().map(|(tenant, _)| *tenant).collect();
    let rates = tenants::rates(connection, &tenants.into_iter().collect::<Vec<_>>()).await?;
    let now = store::now(connection).await?;
    let released_until = now.saturating_add_seconds(patience_seconds.saturating_neg());
    let current = || stored.values().map(|stored| &stored.conversion);
    let subjects = current().map(|conversion| conversion.subject);
    let mut desk = counting::desk(connection, offers, subjects, current(), now).await?;

    // What came first is counted first.
    let in_order: BTreeMap<_, &Stored> =
        stored.iter().map(|(key, stored)| ((stored.conversion.occasion.received_at, *key), stored)).collect();
    let decided: Vec<(Change, &Stored)> = in_order
        .into_iter()
        .filter_map(|((_, key), stored)| {
            let rate = |from, to| rates.find(key.0, from, to);
            let means = Means { rate: &rate, desk: &mut desk, now, released_until };
            Some((decide(key, &stored.conversion, means)?, stored))
        })
        .collect();
    let rows: Vec<&Conversion> = decided.iter().map(|(change, _)| &change.conversion).collect();
    conversions::change(connection, &rows).await?;
    let changes: Vec<Changed<'_>> = decided
        .iter()
        .map(|(change, stored)| Changed { change, trace: &stored.trace, token: None })
        .collect();
    save::consequences(connection, ids, now, &changes).await?;
    counting::close(connection, ids, now, offers, &desk).await?;
    Ok(decided.len())
}
