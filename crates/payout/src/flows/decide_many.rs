//! Decisions of people, many at a time. A rejection puts what follows it on the same click on review, in the same transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::{ClickId, IdSource, TenantId, Timestamp};
use postgres_kit::outbox;

use super::{
    counting,
    decide::Asked,
    facts,
    save::{self, Changed},
};
use crate::{
    domain::{
        conversion::{Change, Conversion, Refused, Step, on_decision, on_rejected_before},
        limits::{Desk, RateOf},
        standing::{Decision, Status},
    },
    store::{
        self,
        conversions::{self, Key, Stored},
        decisions, steps,
        steps::{ClickKey, Placed},
        tenants,
    },
};

/// Why one decision was not carried out; nothing of its conversion has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotDone {
    /// The tenant has no such conversion.
    NotFound,
    /// It has changed since the caller looked.
    Moved,
    /// The rules say no.
    Refused(Refused),
}

/// What becomes of decisions.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// One for each decision, in their order.
    pub(super) outcomes: Vec<Result<Change, NotDone>>,
    /// What goes on review by them.
    pub(super) held: Vec<Change>,
}

/// Judges decisions one after the other at one desk; each conversion is named by one of them at most. `stored` holds the
/// conversions as they stand, those of the rejected ones' clicks too, and `placed` says where these stand in their sequence.
pub(super) fn judge(
    asked: &[Asked],
    stored: &HashMap<Key, Stored>,
    placed: &[Placed],
    rate: RateOf<'_>,
    desk: &mut Desk,
    now: Timestamp,
) -> Judged {
    let outcomes: Vec<Result<Change, NotDone>> = asked
        .iter()
        .map(|asked| {
            let current = &stored.get(&asked.key()).ok_or(NotDone::NotFound)?.conversion;
            if asked.expected.is_some_and(|expected| expected != current.status_revision) {
                return Err(NotDone::Moved);
            }
            on_decision(current, asked.decision, &asked.reason, rate, desk, now).map_err(NotDone::Refused)
        })
        .collect();

    let done = || asked.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok()).map(|(asked, _)| asked);
    let decided: HashSet<Key> = done().map(Asked::key).collect();
    let rejected: HashSet<Key> =
        done().filter(|asked| asked.decision == Decision::Reject).map(Asked::key).collect();
    let mut rejected_of: HashMap<(TenantId, ClickId), Vec<&Step>> = HashMap::new();
    for one in placed.iter().filter(|one| rejected.contains(&one.key)) {
        rejected_of.entry((one.key.0, one.click)).or_default().push(&one.step);
    }
    let held = placed
        .iter()
        .filter(|one| !decided.contains(&one.key))
        .filter_map(|one| {
            let rejected = rejected_of.get(&(one.key.0, one.click))?;
            let cause = rejected.iter().find_map(|rejected| one.step.after(rejected))?;
            on_rejected_before(&stored.get(&one.key)?.conversion, cause)
        })
        .collect();
    Judged { outcomes, held }
}

/// Carries decisions of one tenant out and says what became of each, in their order.
pub(super) async fn carry_out(
    connection: &mut AsyncPgConnection,
    ids: &dyn IdSource,
    tenant: TenantId,
    asked: &[Asked],
) -> QueryResult<Vec<Result<(), NotDone>>> {
    let keys: BTreeSet<Key> = asked.iter().map(Asked::key).collect();
    let known = decisions::known(connection, &keys.iter().copied().collect::<Vec<_>>()).await?;
    let offers = known.values().map(|known| (tenant, known.offer)).collect();
    let offers = counting::lock(connection, offers).await?;
    // Whoever adds a conversion to one of these clicks locks its offer first, so from here on none comes. (While an offer is
    // not known there is nothing to lock, and all its conversions are on review.)
    let placed = steps::of_clicks(connection, &clicks_of_rejected(asked, &known)).await?;
    let successors = placed.iter().filter(|one| one.status == Status::Pending).map(|one| one.key);
    let locked: BTreeSet<Key> = known.keys().copied().chain(successors).collect();
    let stored = conversions::lock(connection, &locked.into_iter().collect::<Vec<_>>()).await?;
    let rates = tenants::rates(connection, &[tenant]).await?;
    let now = store::now(connection).await?;
    let current = || keys.iter().filter_map(|key| stored.get(key)).map(|stored| &stored.conversion);
    let subjects = current().map(|conversion| conversion.subject);
    let mut desk = counting::desk(connection, &offers, subjects, current(), now).await?;
    let rate = |from, to| rates.find(tenant, from, to);
    let Judged { outcomes, held } = judge(asked, &stored, &placed, &rate, &mut desk, now);

    let done: Vec<(&Asked, &Change)> = asked
        .iter()
        .zip(&outcomes)
        .filter_map(|(asked, outcome)| Some((asked, outcome.as_ref().ok()?)))
        .collect();
    let by_person = done.iter().map(|(asked, change)| (*change, Some(asked.token)));
    let changes: Vec<Changed<'_>> = by_person
        .chain(held.iter().map(|change| (change, None)))
        .filter_map(|(change, token)| {
            let subject = &change.conversion.subject;
            let trace = &stored.get(&(subject.tenant, subject.conversion))?.trace;
            Some(Changed { change, trace, token })
        })
        .collect();
    if changes.is_empty() {
        return Ok(outcomes.into_iter().map(|outcome| outcome.map(drop)).collect());
    }
    let rows: Vec<&Conversion> = changes.iter().map(|changed| &changed.change.conversion).collect();
    conversions::change(connection, &rows).await?;
    save::consequences(connection, ids, now, &changes).await?;
    counting::close(connection, ids, now, &offers, &desk).await?;
    let rows: Vec<decisions::Made<'_>> = done
        .iter()
        .map(|(asked, change)| decisions::Made {
            key: asked.key(),
            revision: change.conversion.status_revision,
            decision: asked.decision,
            token: asked.token,
            reason: &asked.reason,
            bulk: asked.bulk,
        })
        .collect();
    decisions::add(connection, &rows).await?;
    let said: Vec<_> = done
        .iter()
        .filter_map(|(asked, change)| {
            let by = (asked.token, asked.reason.as_str());
            let trace = &stored.get(&asked.key())?.trace;
            Some(facts::decided_by_person(ids, now, trace, &change.conversion, (asked.decision, by)))
        })
        .collect();
    outbox::add(connection, &said).await?;
    Ok(outcomes.into_iter().map(|outcome| outcome.map(drop)).collect())
}

/// The journeys in which something is to be rejected, each once.
fn clicks_of_rejected(asked: &[Asked], known: &BTreeMap<Key, decisions::Known>) -> Vec<ClickKey> {
    let rejected = asked.iter().filter(|asked| asked.decision == Decision::Reject);
    let clicks: BTreeSet<ClickKey> =
        rejected.filter_map(|asked| Some((asked.tenant, known.get(&asked.key())?.click))).collect();
    clicks.into_iter().collect()
}
