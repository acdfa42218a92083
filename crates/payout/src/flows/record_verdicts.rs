//! Attribution's verdicts become conversions, ledger entries and deliveries: one transaction for a batch, no round trip for
//! an event of it.
//!
//! Of several verdicts on one conversion in a batch only the newest is looked at: each is whole. A conversion that is new is
//! inserted, not locked; when another replica inserts it at the same moment, this batch finds out at its insert, rolls back
//! and decides again with that row before its eyes.
//!
//! The offers of the batch are locked before its conversions: what is taken from their limits is taken in this transaction.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use diesel_async::AsyncPgConnection;
use futures_util::join;
use kernel::{FactId, IdSource, TenantId};
use postgres_kit::{DbError, Failure, Pool, Retries, all, inbox, transact};
use telemetry::TraceContext;

use super::{
    counting, forget_people,
    save::{self, Changed},
};
use crate::{
    domain::{
        conversion::{Change, Conversion, Settlement, Step, Verdict, on_verdict},
        standing::Word,
    },
    failpoints,
    store::{
        self,
        conversions::{self, Key, Write},
        steps::{self, ClickKey},
        tenants,
    },
};

/// The name this consumer claims facts under.
pub const CONSUMER: &str = "payout.conversions";
/// How often a batch is decided again because another replica was first with one of its conversions.
const RACES: u8 = 8;

/// A verdict as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    /// By which a redelivery is recognised.
    pub fact: FactId,
    /// What it says.
    pub verdict: Verdict,
    /// The encoded `ConversionVerdict`, for the publishers' postbacks.
    pub encoded: Vec<u8>,
    /// Of the postback behind it.
    pub trace: TraceContext,
}

/// Records a batch.
///
/// # Errors
/// [`DbError`] when nothing was committed, or, after a failed commit of class `Pause`, perhaps everything.
pub async fn record_verdicts(
    pool: &Pool,
    ids: &Arc<dyn IdSource>,
    batch: &[Received],
) -> Result<(), DbError> {
    let mut races_left = RACES;
    loop {
        let recorded =
            transact(pool, Retries::default(), async |connection| record(connection, ids, batch).await).await;
        match recorded {
            Ok(()) => {
                failpoints::committed();
                return Ok(());
            }
            Err(RecordError::Store(error)) => return Err(error),
            Err(RecordError::LostRace) if races_left > 0 => races_left = races_left.saturating_sub(1),
            // Not the items' fault: whoever hands them in again will find the rows.
            Err(RecordError::LostRace) => {
                return Err(DbError::from(diesel::result::Error::DatabaseError(
                    diesel::result::DatabaseErrorKind::SerializationFailure,
                    Box::new(String::from("another replica was always first with the same new conversions")),
                )));
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum RecordError {
    #[error("another replica was first with a new conversion")]
    LostRace,
    #[error(transparent)]
    Store(#[from] DbError),
}

impl From<diesel::result::Error> for RecordError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Failure for RecordError {
    fn database(&self) -> Option<&DbError> {
        match self {
            Self::Store(error) => Some(error),
            Self::LostRace => None,
        }
    }
}

async fn record(
    connection: &mut AsyncPgConnection,
    ids: &Arc<dyn IdSource>,
    batch: &[Received],
) -> Result<(), RecordError> {
    // What needs no other's answer is sent together.
    let connection: &AsyncPgConnection = connection;
    let facts: Vec<FactId> = batch.iter().map(|received| received.fact).collect();
    let offers = batch.iter().map(|received| received.verdict.subject);
    let offers = offers.map(|subject| (subject.tenant, subject.offer)).collect();
    let (first_seen, offers) =
        all(join!(inbox::claim(connection, CONSUMER, &facts), counting::lock(connection, offers)))?;
    let newest = newest(batch.iter().filter(|received| first_seen.contains(&received.fact)));
    if newest.is_empty() {
        return Ok(());
    }
    let keys: Vec<Key> = newest.keys().copied().collect();
    let tenants: BTreeSet<TenantId> = keys.iter().map(|(tenant, _)| *tenant).collect();
    let tenants: Vec<TenantId> = tenants.into_iter().collect();
    let subjects = || newest.values().map(|received| received.verdict.subject);
    // Under the locks of the offers: whoever rejects one of these clicks' conversions holds them too.
    let clicks: BTreeSet<ClickKey> =
        newest.values().filter(|received| may_have_missed(&received.verdict)).map(|one| click(one)).collect();
    let clicks: Vec<ClickKey> = clicks.into_iter().collect();
    let (now, known, rates, people) = all(join!(
        store::now(connection),
        conversions::lock(connection, &keys),
        tenants::rates(connection, &tenants),
        steps::people_said(connection, &clicks),
    ))?;
    let current = known.values().map(|stored| &stored.conversion);
    let mut desk = counting::desk(connection, &offers, subjects(), current, now).await?;

    let mut decided = Decided::default();
    for (key, received) in in_order(newest) {
        let current = known.get(&key).map(|stored| &stored.conversion);
        let rate = |from, to| rates.find(key.0, from, to);
        let verdict = &received.verdict;
        let unheard = people.get(&click(received)).and_then(|said| {
            let step = Step { event_id: verdict.occasion.event_id.clone(), number: verdict.number };
            said.unheard(&step, verdict.decisions_heard)
        });
        let settlement = on_verdict(current, verdict, unheard, &rate, &mut desk, now);
        decided.take(received, current.is_none(), settlement);
    }

    if !decided.new.is_empty() {
        let rows: Vec<Write<'_>> = decided.new.iter().map(Decision::row).collect();
        if conversions::insert(connection, &rows).await? < rows.len() {
            return Err(RecordError::LostRace);
        }
    }
    if !decided.known.is_empty() {
        let rows: Vec<Write<'_>> = decided.known.iter().map(Decision::row).collect();
        conversions::update(connection, &rows).await?;
        let changed: Vec<&Conversion> = decided
            .known
            .iter()
            .filter(|decision| decision.is_change)
            .map(|decision| &decision.change.conversion)
            .collect();
        conversions::change(connection, &changed).await?;
    }
    let changes: Vec<Changed<'_>> = decided
        .new
        .iter()
        .chain(&decided.known)
        .filter(|decision| decision.is_change)
        .map(|decision| Changed { change: &decision.change, trace: &decision.received.trace, token: None })
        .collect();
    let clicks: BTreeSet<ClickKey> = batch.iter().map(click).collect();
    let clicks: Vec<ClickKey> = clicks.into_iter().collect();
    let ((), (), ()) = all(join!(
        save::consequences(connection, ids.as_ref(), now, &changes),
        counting::close(connection, ids.as_ref(), now, &offers, &desk),
        forget_people::strip(connection, &clicks),
    ))?;
    Ok(())
}

const fn click(received: &Received) -> ClickKey {
    (received.verdict.subject.tenant, received.verdict.subject.click)
}

/// Only what qualifies would be released too early, and only a sender that says what it has heard of may have missed something.
fn may_have_missed(verdict: &Verdict) -> bool {
    verdict.word == Word::Qualified && verdict.decisions_heard.is_some()
}

/// The newest verdict on each conversion, in the order of the keys.
fn newest<'a>(batch: impl Iterator<Item = &'a Received>) -> BTreeMap<Key, &'a Received> {
    let mut newest: BTreeMap<Key, &Received> = BTreeMap::new();
    for received in batch {
        let subject = &received.verdict.subject;
        let kept = newest.entry((subject.tenant, subject.conversion)).or_insert(received);
        if kept.verdict.revision < received.verdict.revision {
            *kept = received;
        }
    }
    newest
}

/// What gives room back goes first, then what was received first: of one batch all is committed at once, and the limits are
/// fair within it.
fn in_order(newest: BTreeMap<Key, &Received>) -> Vec<(Key, &Received)> {
    let mut ordered: Vec<(Key, &Received)> = newest.into_iter().collect();
    ordered.sort_by_key(|(key, received)| {
        let verdict = &received.verdict;
        (verdict.word == Word::Qualified, verdict.occasion.received_at, *key)
    });
    ordered
}

struct Decision<'a> {
    received: &'a Received,
    change: Change,
    is_change: bool,
}

impl Decision<'_> {
    fn row(&self) -> Write<'_> {
        Write {
            conversion: &self.change.conversion,
            verdict: &self.received.encoded,
            trace: &self.received.trace,
        }
    }
}

#[derive(Default)]
struct Decided<'a> {
    new: Vec<Decision<'a>>,
    known: Vec<Decision<'a>>,
}

impl<'a> Decided<'a> {
    fn take(&mut self, received: &'a Received, is_new: bool, settlement: Settlement) {
        let (change, is_change) = match settlement {
            Settlement::Stale => return,
            Settlement::Silent(conversion) => {
                (Change { conversion, transfers: Vec::new(), is_told: false }, false)
            }
            Settlement::Changed(change) => (change, true),
        };
        let decision = Decision { received, change, is_change };
        if is_new { self.new.push(decision) } else { self.known.push(decision) }
    }
}

#[cfg(test)]
mod tests;
