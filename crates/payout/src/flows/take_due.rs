//! Which of what is due is sent now: by publisher its room and its rate, by endpoint its breaker and its pause.
//!
//! What may not be sent stays as it is: it is due, it is not read, and its attempts are not counted. What waits for an endpoint
//! that is switched off ends here, without a call: it takes no token of its publisher's rate and nobody's slot. So does what has been due
//! for as long as a whole schedule takes while its endpoint is left alone: probes would use up few deliveries' attempts, and a month
//! of them would fall on whoever comes back.

use std::collections::{BTreeMap, HashMap, HashSet};

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use futures_util::join;
use kernel::{IdSource, Timestamp};
use postgres_kit::{all, outbox, wake_ups};
use uuid::Uuid;

use super::{
    deliver::{Bounds, Room},
    facts,
};
use crate::{
    domain::delivery::{Bucket, Rate, SPAN_SECONDS, Share},
    store::{
        DELIVERIES,
        deliveries::{self, Claim, Claimed, EndpointKey, EndpointShare, Leased, PublisherKey, Unreadable},
        endpoint_conditions::{self, Probe},
        publisher_traffic::{self, DueEndpoint, DuePublisher},
        unsent::{self, Why},
    },
};

/// Deliveries that end with one claim, and without a call: a few milliseconds, for which nobody else's wait.
const ENDED_AT_ONCE: u16 = 500;
/// So many times what may be taken is looked at, because some have less due than their share.
const SPARE: usize = 2;

/// What one claim is for.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Names it.
    pub(super) lease: Uuid,
    /// Deliveries in all, and whether they are for few.
    pub(super) room: Room,
    /// How many are under way already in this process, by publisher.
    pub(super) busy: &'a HashMap<PublisherKey, i32>,
    /// The settings.
    pub(super) bounds: Bounds,
    /// Names facts.
    pub(super) ids: &'a dyn IdSource,
}

/// What may go to one publisher.
struct Allowance {
    rate: Rate,
    bucket: Bucket,
    under_way: i32,
    place: i32,
    room: i32,
    now: Timestamp,
}

/// What one claim came to.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// What is ours now.
    pub(super) claimed: Vec<Result<Claimed, Box<Unreadable>>>,
    /// Whether something was left that is due, for want of room: who has room again should ask again. What waits for a time, such as
    /// the end of a pause, is not meant.
    pub(super) is_more: bool,
    /// How many have ended untold because their endpoint was left alone for as long as a schedule takes.
    pub(super) given_up: usize,
}

/// Takes what may be sent now. Five statements, whatever is due; one when nothing is; a few more when something has to end or a
/// breaker is probed.
///
/// # Errors
/// diesel's, when a statement fails.
pub(super) async fn take_due(connection: &mut AsyncPgConnection, asked: Asked<'_>) -> QueryResult<Taken> {
    let connection: &AsyncPgConnection = connection;
    let mut due = publisher_traffic::lock_due(connection).await?;
    let keys: Vec<PublisherKey> = due.iter().map(|publisher| publisher.key).collect();
    let Some(now) = due.first().map(|publisher| publisher.now) else { return Ok(Taken::default()) };
    let endpoints = publisher_traffic::endpoints_of(connection, &keys, SPAN_SECONDS).await?;
    let given_up = end_unsent(connection, &endpoints, asked.ids, now).await?;
    // Whoever was sent something longest ago comes first: with one free slot it is everybody's turn all the same.
    due.sort_by_key(|publisher| publisher.bucket.empty_at);
    let allowances: BTreeMap<PublisherKey, Allowance> = (0_i32..)
        .zip(&due)
        .map(|(place, publisher)| (publisher.key, allowance(publisher, place, &asked)))
        .filter(|(_, allowance)| allowance.room > 0)
        .collect();
    let is_more = allowances.len() < due.len();
    if allowances.is_empty() {
        return Ok(Taken { claimed: Vec::new(), is_more, given_up });
    }
    let shares: Vec<EndpointShare> = endpoints
        .iter()
        .filter_map(|endpoint| share(endpoint, allowances.get(&endpoint.publisher)?))
        .collect();
    let shares = bounded(shares, asked.room.deliveries);
    let claim = Claim {
        lease: asked.lease,
        lease_seconds: asked.bounds.lease_seconds,
        limit: asked.room.deliveries,
        shares: &shares,
    };
    let leased = deliveries::claim(connection, &claim).await?;
    let taken: Vec<(PublisherKey, EndpointKey)> = leased.iter().map(Leased::whose).collect();
    let claimed = if leased.is_empty() {
        Vec::new()
    } else {
        let emptied = emptied(&allowances, &taken);
        let probes = probes(&endpoints, &allowances, &taken, asked.bounds.lease_seconds);
        let (claimed, (), ()) = all(join!(
            deliveries::claimed(connection, leased),
            publisher_traffic::save_buckets(connection, &emptied),
            endpoint_conditions::begin_probes(connection, &probes),
        ))?;
        claimed
    };
    let is_more = is_more || taken.len() >= asked.room.deliveries || has_left(&shares, &taken);
    Ok(Taken { claimed, is_more, given_up })
}

/// Whether anybody took as much as it might: then it may have more.
fn has_left(shares: &[EndpointShare], taken: &[(PublisherKey, EndpointKey)]) -> bool {
    let (mut of_publishers, mut of_endpoints) = (HashMap::<PublisherKey, i32>::new(), HashMap::new());
    for (publisher, endpoint) in taken {
        let counts =
            [of_publishers.entry(*publisher).or_default(), of_endpoints.entry(*endpoint).or_default()];
        for count in counts {
            *count = count.saturating_add(1_i32);
        }
    }
    shares.iter().any(|share| {
        let endpoint = (share.publisher.0, share.endpoint);
        of_publishers.get(&share.publisher).is_some_and(|count| *count >= share.room)
            || of_endpoints.get(&endpoint).is_some_and(|count| *count >= share.take)
    })
}

fn allowance(publisher: &DuePublisher, place: i32, asked: &Asked<'_>) -> Allowance {
    let own = publisher.max_per_second.and_then(|count| u32::try_from(count).ok());
    let rate = Rate::per_second(own.unwrap_or(asked.bounds.per_publisher_per_second));
    let under_way = asked.busy.get(&publisher.key).copied().unwrap_or_default();
    let slots = publisher.max_concurrency.unwrap_or(asked.bounds.per_publisher).saturating_sub(under_way);
    let tokens = i32::try_from(publisher.bucket.left(rate, publisher.now)).unwrap_or(i32::MAX);
    let in_all = if asked.room.is_scarce {
        i32::from(under_way == 0)
    } else {
        i32::try_from(asked.room.deliveries).unwrap_or(i32::MAX)
    };
    let room = slots.min(tokens).min(in_all);
    Allowance { rate, bucket: publisher.bucket, under_way, place, room, now: publisher.now }
}

/// Ends what is due at endpoints that are switched off, and what has been due for too long at those that are left alone; what is
/// left of it with the next claim, which follows at once. How many were of the second kind.
async fn end_unsent(
    connection: &AsyncPgConnection,
    endpoints: &[DueEndpoint],
    ids: &dyn IdSource,
    now: Timestamp,
) -> QueryResult<usize> {
    let off = |endpoint: &DueEndpoint| endpoint.is_ending;
    let alone = |endpoint: &DueEndpoint| {
        endpoint.active && endpoint.is_overdue && endpoint.condition.is_given_up(now)
    };
    end_those(connection, endpoints.iter().filter(|one| off(one)), Why::SwitchedOff, (ids, now)).await?;
    let why = Why::LeftAlone(SPAN_SECONDS);
    end_those(connection, endpoints.iter().filter(|one| alone(one)), why, (ids, now)).await
}

async fn end_those(
    connection: &AsyncPgConnection,
    endpoints: impl Iterator<Item = &DueEndpoint>,
    why: Why,
    (ids, now): (&dyn IdSource, Timestamp),
) -> QueryResult<usize> {
    let endpoints: Vec<EndpointKey> =
        endpoints.map(|endpoint| (endpoint.publisher.0, endpoint.endpoint)).collect();
    if endpoints.is_empty() {
        return Ok(0);
    }
    let ended = unsent::end(connection, &endpoints, why, ENDED_AT_ONCE).await?;
    if let (Why::LeftAlone(_), Some((first, _))) = (why, ended.first()) {
        tracing::error!(
            tenant.id = %first.tenant, publisher.id = %first.publisher, deliveries = ended.len(),
            "publishers could not be told: their endpoints have not answered for as long as a whole schedule takes"
        );
    }
    let said: Vec<_> =
        ended.iter().map(|(ended, trace)| facts::delivery_outcome(ids, now, Some(trace), ended)).collect();
    outbox::add(connection, &said).await?;
    if ended.len() >= usize::from(ENDED_AT_ONCE) {
        wake_ups::after_commit(DELIVERIES);
    }
    Ok(ended.len())
}

fn share(endpoint: &DueEndpoint, allowance: &Allowance) -> Option<EndpointShare> {
    let take = match endpoint.condition.share(allowance.now) {
        _ if !endpoint.active => return None,
        Share::All => allowance.room,
        Share::Probe => 1,
        Share::Nothing => return None,
    };
    Some(EndpointShare {
        publisher: endpoint.publisher,
        endpoint: endpoint.endpoint,
        take,
        room: allowance.room,
        under_way: allowance.under_way,
        place: allowance.place,
    })
}

/// Where many want to be told nobody gets much: what is locked to choose from is bounded by what may be taken, not by their
/// number. Where others have less due than that, the next claim, moments later, takes the rest.
fn bounded(mut shares: Vec<EndpointShare>, limit: usize) -> Vec<EndpointShare> {
    let publishers: HashSet<PublisherKey> = shares.iter().map(|share| share.publisher).collect();
    let most = limit.saturating_mul(SPARE).checked_div(publishers.len()).unwrap_or_default().max(1);
    let most = i32::try_from(most).unwrap_or(i32::MAX);
    for share in &mut shares {
        share.take = share.take.min(most);
        share.room = share.room.min(most);
    }
    shares
}

fn emptied(
    allowances: &BTreeMap<PublisherKey, Allowance>,
    taken: &[(PublisherKey, EndpointKey)],
) -> Vec<(PublisherKey, Bucket)> {
    let mut counts: BTreeMap<PublisherKey, u32> = BTreeMap::new();
    for (publisher, _) in taken {
        let count = counts.entry(*publisher).or_default();
        *count = count.saturating_add(1);
    }
    let emptied = counts.into_iter().filter_map(|(key, count)| {
        let Allowance { rate, bucket, now, .. } = allowances.get(&key)?;
        Some((key, bucket.take(count, *rate, *now)))
    });
    emptied.collect()
}

/// The endpoints of which the delivery that was taken is a probe.
fn probes(
    endpoints: &[DueEndpoint],
    allowances: &BTreeMap<PublisherKey, Allowance>,
    taken: &[(PublisherKey, EndpointKey)],
    lease_seconds: u32,
) -> Vec<(EndpointKey, Probe)> {
    let taken: HashSet<EndpointKey> = taken.iter().map(|(_, endpoint)| *endpoint).collect();
    let probes = endpoints.iter().filter_map(|endpoint| {
        let key = (endpoint.publisher.0, endpoint.endpoint);
        let now = allowances.get(&endpoint.publisher)?.now;
        if !endpoint.active || !taken.contains(&key) {
            return None;
        }
        let was_due = endpoint.condition.probe_due_since(now)?;
        let ends = now.saturating_add_seconds(i64::from(lease_seconds));
        Some((key, Probe { was_due, ends }))
    });
    // In the order in which everybody locks them.
    probes.collect::<BTreeMap<_, _>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use kernel::{EndpointId, PublisherId, TenantId};
    use uuid::Uuid;

    use super::*;

    const ROOM: i32 = 3;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn publisher() -> PublisherKey {
        (TenantId::from_uuid(id(1)), PublisherId::from_uuid(id(2)))
    }

    fn share(endpoint: u128, take: i32) -> EndpointShare {
        let endpoint = EndpointId::from_uuid(id(endpoint));
        EndpointShare { publisher: publisher(), endpoint, take, room: ROOM, under_way: 0, place: 0 }
    }

    fn taken(endpoints: &[u128]) -> Vec<(PublisherKey, EndpointKey)> {
        let key = |number: &u128| (publisher().0, EndpointId::from_uuid(id(*number)));
        endpoints.iter().map(|number| (publisher(), key(number))).collect()
    }

    #[test]
    fn who_took_less_than_it_might_has_no_more() {
        let shares = [share(1, ROOM), share(2, ROOM)];
        assert!(!has_left(&shares, &taken(&[])));
        assert!(!has_left(&shares, &taken(&[1, 2])));
        assert!(has_left(&shares, &taken(&[1, 2, 1])), "all the publisher's room");
    }

    #[test]
    fn a_probe_that_was_taken_may_have_more_behind_it() {
        assert!(!has_left(&[share(1, 1), share(2, ROOM)], &taken(&[2])));
        assert!(has_left(&[share(1, 1), share(2, ROOM)], &taken(&[1])));
    }
}
