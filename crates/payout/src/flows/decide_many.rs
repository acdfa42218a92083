//! Decisions of people, many at a time. A rejection puts what follows it on the same click on review, in the same transaction;
//! a restore lets go what only that rejection held.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::{ClickId, IdSource, TenantId, Timestamp};
use postgres_kit::outbox;
use terms::Breakdown;

use super::{
    counting,
    decide::Asked,
    facts,
    price_again::price_before_deciding,
    save::{self, Changed},
};
use crate::{
    domain::{
        conversion::{
            Change, Conversion, Refused, Step, is_held, on_decision, on_rejected_before, on_restored_before,
        },
        limits::{Desk, RateOf},
        standing::Decision,
    },
    store::{
        self,
        conversions::{self, Key, Stored},
        decisions, steps,
        steps::{ClickKey, Later, Placed},
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
    /// What goes on review by them, or is let go.
    pub(super) successors: Vec<Change>,
}

/// The journeys of what is decided.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Journeys<'a> {
    /// The conversions of clicks in which something is rejected or restored, and where they stand in their sequence.
    pub(super) placed: &'a [Placed],
    /// A click of which some were decided just before, as if together with these.
    pub(super) begun: Option<ClickId>,
}

/// Of a click with very many conversions some are decided at a time, as if all were at once.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Part {
    /// Others of the click were decided before these.
    pub(super) begun: Option<ClickId>,
    /// Others will be decided after them.
    pub(super) later: Option<Later>,
}

/// Judges decisions one after the other at one desk; each conversion is named by one of them at most. `stored` holds the
/// conversions as they stand, those of the journeys too; `prices` what is known only now.
pub(super) fn judge(
    asked: &[Asked],
    (stored, prices): (&HashMap<Key, Stored>, &HashMap<Key, Breakdown>),
    journeys: Journeys<'_>,
    rate: RateOf<'_>,
    desk: &mut Desk,
    now: Timestamp,
) -> Judged {
    let outcomes: Vec<Result<Change, NotDone>> = asked
        .iter()
        .map(|asked| {
            let current = &stored.get(&asked.key()).ok_or(NotDone::NotFound)?.conversion;
            let is_begun = journeys.begun == Some(current.subject.click);
            if asked.expected.is_some_and(|expected| has_moved(current, expected, is_begun)) {
                return Err(NotDone::Moved);
            }
            let decision = (asked.decision, prices.get(&asked.key()).copied());
            on_decision(current, decision, &asked.reason, rate, desk, now).map_err(NotDone::Refused)
        })
        .collect();

    let successors = successors(asked, &outcomes, stored, journeys);
    Judged { outcomes, successors }
}

/// Whether it is not as the caller saw it. Of a click that is decided in parts, what an earlier part rejected may have come back as
/// attribution's verdict on the rest: that is no news to whoever asked for both.
fn has_moved(current: &Conversion, expected: u64, is_begun: bool) -> bool {
    let is_echo = is_begun && is_held(current) && expected.checked_add(1) == Some(current.status_revision);
    expected != current.status_revision && !is_echo
}

/// The rejections of a click.
#[derive(Debug, Default)]
struct Rejections<'a> {
    /// Made now.
    new: Vec<&'a Step>,
    /// That stand by a person's word, when all is done.
    standing: Vec<&'a Step>,
    /// One was taken back.
    is_restored: bool,
}

/// What becomes of conversions that nothing was decided about.
fn successors(
    asked: &[Asked],
    outcomes: &[Result<Change, NotDone>],
    stored: &HashMap<Key, Stored>,
    Journeys { placed, begun }: Journeys<'_>,
) -> Vec<Change> {
    let done = || asked.iter().zip(outcomes).filter(|(_, outcome)| outcome.is_ok()).map(|(asked, _)| asked);
    let decided: HashMap<Key, Decision> = done().map(|asked| (asked.key(), asked.decision)).collect();
    let mut rejections: HashMap<ClickId, Rejections<'_>> = HashMap::new();
    for one in placed {
        let of_click = rejections.entry(one.click).or_default();
        match decided.get(&one.key) {
            Some(Decision::Reject) => {
                of_click.new.push(&one.step);
                of_click.standing.push(&one.step);
            }
            Some(_) => of_click.is_restored |= one.is_rejected_by_person(),
            None if one.is_rejected_by_person() => of_click.standing.push(&one.step),
            None => {}
        }
    }
    // What was to be decided together with rejections of an earlier part, and was not, follows them like everything else.
    let named: HashSet<Key> = asked.iter().map(Asked::key).collect();
    let follows_earlier = |one: &Placed| begun == Some(one.click) && named.contains(&one.key);
    placed
        .iter()
        .filter(|one| !decided.contains_key(&one.key))
        .filter_map(|one| {
            let of_click = rejections.get(&one.click)?;
            let current = &stored.get(&one.key)?.conversion;
            let standing = || one.step.after_any(of_click.standing.iter().copied());
            let cause = one.step.after_any(of_click.new.iter().copied());
            let cause = cause.or_else(|| standing().filter(|_| follows_earlier(one)));
            let held = cause.and_then(|cause| on_rejected_before(current, cause));
            let let_go = || on_restored_before(current, one.is_qualified, standing());
            held.or_else(|| if of_click.is_restored { let_go() } else { None })
        })
        .collect()
}

/// Carries decisions of one tenant out and says what became of each, in their order.
pub(super) async fn carry_out(
    connection: &mut AsyncPgConnection,
    ids: &dyn IdSource,
    tenant: TenantId,
    asked: &[Asked],
) -> QueryResult<Vec<Result<(), NotDone>>> {
    carry_out_part(connection, ids, tenant, asked, Part::default()).await
}

/// The same with decisions that are a part of more on the same click.
pub(super) async fn carry_out_part(
    connection: &mut AsyncPgConnection,
    ids: &dyn IdSource,
    tenant: TenantId,
    asked: &[Asked],
    part: Part,
) -> QueryResult<Vec<Result<(), NotDone>>> {
    let keys: BTreeSet<Key> = asked.iter().map(Asked::key).collect();
    let known = decisions::known(connection, &keys.iter().copied().collect::<Vec<_>>()).await?;
    let offers = known.values().map(|known| (tenant, known.offer)).collect();
    let offers = counting::lock(connection, offers).await?;
    // Whoever adds a conversion to one of these clicks locks its offer first, so from here on none comes. (While an offer is
    // not known there is nothing to lock, and all its conversions are on review.)
    let clicks = clicks_with_rejections(asked, &known, part.begun);
    let placed = steps::of_clicks(connection, &clicks, part.later).await?;
    let successors = placed.iter().filter(|one| one.can_follow()).map(|one| one.key);
    let locked: BTreeSet<Key> = known.keys().copied().chain(successors).collect();
    let stored = conversions::lock(connection, &locked.into_iter().collect::<Vec<_>>()).await?;
    let rates = tenants::rates(connection, &[tenant]).await?;
    let prices = price_before_deciding(connection, asked, &stored, &rates).await?;
    let now = store::now(connection).await?;
    let current = || keys.iter().filter_map(|key| stored.get(key)).map(|stored| &stored.conversion);
    let subjects = current().map(|conversion| conversion.subject);
    let mut desk = counting::desk(connection, &offers, subjects, current(), now).await?;
    let rate = |from, to| rates.find(tenant, from, to);
    let journeys = Journeys { placed: &placed, begun: part.begun };
    let Judged { outcomes, successors } = judge(asked, (&stored, &prices), journeys, &rate, &mut desk, now);

    let done: Vec<(&Asked, &Change)> = asked
        .iter()
        .zip(&outcomes)
        .filter_map(|(asked, outcome)| Some((asked, outcome.as_ref().ok()?)))
        .collect();
    let by_person = done.iter().map(|(asked, change)| (*change, Some(asked.token)));
    let changes: Vec<Changed<'_>> = by_person
        .chain(successors.iter().map(|change| (change, None)))
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

/// The journeys in which something is to be rejected or restored, or was just before, each once.
fn clicks_with_rejections(
    asked: &[Asked],
    known: &BTreeMap<Key, decisions::Known>,
    begun: Option<ClickId>,
) -> Vec<ClickKey> {
    let of = |asked: &Asked| known.get(&asked.key()).map(|known| (asked.tenant, known.click));
    let moved = asked.iter().filter_map(|asked| {
        let (tenant, click) = of(asked)?;
        (moves_successors(asked.decision) || begun == Some(click)).then_some((tenant, click))
    });
    let clicks: BTreeSet<ClickKey> = moved.collect();
    clicks.into_iter().collect()
}

/// Whether a decision of this kind may hold what follows, or let it go.
pub(super) const fn moves_successors(decision: Decision) -> bool {
    matches!(decision, Decision::Reject | Decision::Restore)
}
