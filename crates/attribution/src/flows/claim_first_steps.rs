//! Rule 15 across journeys: who of a member's clicks was first. Journeys are judged by what is known; what they did first
//! is then claimed in the same transaction, and who finds that another one was faster is judged again, knowing it.
//!
//! A claim that another replica is just writing is waited for: it commits before us or is undone. Journeys were locked
//! before, by everyone, and claims are taken in the order of their keys, so nobody waits in a circle.

use std::collections::{BTreeMap, BTreeSet};

use contracts::tracker::ClickRecorded;
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::{ClickId, OfferEventId, ReceiptId, Timestamp};

use super::judge_journeys::{Files, Judged};
use crate::{
    domain::Click,
    store::{
        JourneyKey,
        first_steps::{self, FirstClicks, Member},
    },
};

type Clicks = BTreeMap<JourneyKey, (Click, ClickRecorded)>;

fn member((tenant, _): JourneyKey, click: &Click) -> Option<Member<'_>> {
    Some((tenant, click.offer, click.member.as_deref()?))
}

/// What the members of these clicks have done, by journey.
pub(super) async fn load(
    connection: &AsyncPgConnection,
    clicks: &Clicks,
) -> QueryResult<BTreeMap<JourneyKey, FirstClicks>> {
    load_of(connection, clicks.iter().map(|(key, (click, _))| (*key, click))).await
}

async fn load_of<'a>(
    connection: &AsyncPgConnection,
    clicks: impl Iterator<Item = (JourneyKey, &'a Click)>,
) -> QueryResult<BTreeMap<JourneyKey, FirstClicks>> {
    let (keys, members): (Vec<JourneyKey>, Vec<Member<'a>>) =
        clicks.filter_map(|(key, click)| Some((key, member(key, click)?))).unzip();
    let found = first_steps::load(connection, &members).await?;
    Ok(keys.into_iter().zip(found).collect())
}

/// Claims what was done first; those that were not the first after all. What is known of them in `files` then says who
/// was.
pub(super) async fn claim(
    connection: &AsyncPgConnection,
    files: &mut Files,
    judged: &[Judged],
) -> QueryResult<BTreeSet<JourneyKey>> {
    let Files { clicks, first_clicks, .. } = files;
    let claimants: BTreeMap<JourneyKey, &Click> = judged
        .iter()
        .filter(|one| !one.verdict.first_steps.is_empty())
        .filter_map(|one| Some((one.key, &clicks.get(&one.key)?.0)))
        .collect();
    let mut wanted: BTreeMap<(Member<'_>, OfferEventId), (Timestamp, ReceiptId, ClickId)> = BTreeMap::new();
    let mut contested = false;
    for one in judged {
        let member = claimants.get(&one.key).and_then(|click| member(one.key, click));
        let Some(member) = member else { continue };
        for step in &one.verdict.first_steps {
            let claim = (step.received_at, step.receipt, one.key.1);
            let first = wanted.entry((member, step.event)).or_insert(claim);
            contested |= *first != claim;
            // Of several in one batch: the one that was received first.
            *first = claim.min(*first);
        }
    }
    let steps = wanted.into_iter().map(|(step, (_, _, click))| (step, click)).collect();
    if first_steps::claim(connection, &steps).await? && !contested {
        return Ok(BTreeSet::new());
    }
    let known = load_of(connection, claimants.into_iter()).await?;
    let was_late = |one: &&Judged| {
        let known = known.get(&one.key);
        let mut firsts = one.verdict.first_steps.iter().filter_map(|step| known?.get(&step.event));
        firsts.any(|click| *click != one.key.1)
    };
    let late = judged.iter().filter(was_late).map(|one| one.key).collect();
    first_clicks.extend(known);
    Ok(late)
}
