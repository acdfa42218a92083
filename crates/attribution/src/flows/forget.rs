//! Takes the person out of journeys, in the transaction that says so to everybody else.

use std::collections::BTreeSet;

use contracts::{
    Fact as _, Stamp,
    attribution::{ErasedClick, PersonErased},
    seal,
};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::{FactId, TenantId};
use postback_parser::{Postback, Request};
use postgres_kit::outbox::{self, Outgoing};
use prost::Message as _;
use uuid::Uuid;

use super::Attributor;
use crate::{
    facts::{self, Received},
    store::{
        JourneyKey,
        erasures::{self, RawFact},
        inconsistent,
        journeys::{self, LockedJourney},
        named,
    },
};

/// Which order it is done for.
#[derive(Debug, Clone, Copy)]
pub(super) struct OrderedBy {
    pub(super) erasure: Uuid,
    pub(super) token: Uuid,
}

impl Attributor {
    /// Forgets who stands behind these clicks of one tenant, also behind what will still come of them; how many raw postbacks
    /// that were. Doing it again changes nothing and says it again.
    pub(super) async fn forget(
        &self,
        connection: &mut AsyncPgConnection,
        tenant: TenantId,
        keys: &BTreeSet<JourneyKey>,
        by: OrderedBy,
    ) -> QueryResult<usize> {
        if keys.is_empty() {
            return Ok(0);
        }
        // A click that is still on its way finds its stub marked.
        let locked = journeys::make_and_lock(connection, keys).await?;
        let mut rows = Vec::with_capacity(locked.len());
        for journey in &locked {
            rows.push((journey.key, self.left_of_click(journey)?));
        }
        erasures::forget(connection, &rows).await?;
        let renamed = locked.iter().zip(&rows).filter_map(|(journey, (_, left))| {
            facts::renamed_member(journey.click.as_deref()?, left.as_deref()?)
                .map(|(offer, before, after)| erasures::Renamed { key: journey.key, offer, before, after })
        });
        erasures::rename_members(connection, &renamed.collect::<Vec<_>>()).await?;
        let raw = erasures::raw_of_journeys(connection, keys).await?;
        let postbacks = save_without_person(connection, &raw).await?;
        let clicks = rows
            .iter()
            .map(|((_, click), fact)| ErasedClick {
                gk_click_id: click.to_vec(),
                member: fact.as_deref().map(facts::member_of).unwrap_or_default(),
            })
            .collect();
        outbox::add(connection, &[self.told(tenant, by, clicks)]).await?;
        Ok(postbacks)
    }

    fn left_of_click(&self, journey: &LockedJourney) -> QueryResult<Option<Vec<u8>>> {
        let Some(fact) = &journey.click else { return Ok(None) };
        if journey.erased {
            // Its member is a hash already: a hash of that would be another.
            return Ok(Some(fact.clone()));
        }
        facts::encoded_click_without_person(&self.keyring, journey.key.0, fact)
            .map(Some)
            .ok_or_else(|| inconsistent("journeys", "click", named(journey.key)))
    }

    fn told(&self, tenant: TenantId, by: OrderedBy, clicks: Vec<ErasedClick>) -> Outgoing {
        let fact_id = FactId::from_uuid(self.ids.uuid_v7());
        let now = self.clock.now();
        let fact = PersonErased {
            tenant_id: tenant.to_vec(),
            erasure_id: by.erasure.as_bytes().to_vec(),
            token_id: by.token.as_bytes().to_vec(),
            erased_at_micros: now.as_micros(),
            clicks,
        };
        let stamp = Stamp {
            fact_id,
            tenant: Some(tenant),
            recorded_at: now,
            traceparent: String::new(),
            tracestate: String::new(),
        };
        Outgoing {
            fact_id,
            exchange: String::from(PersonErased::EXCHANGE),
            routing_key: String::from(PersonErased::ROUTING_KEY),
            envelope: seal(stamp, &fact).encode_to_vec(),
        }
    }
}

/// A raw postback, read.
pub(super) fn parsed(raw: &RawFact) -> Postback {
    let content_type = Some(raw.content_type.as_str()).filter(|text| !text.is_empty());
    Postback::parse(&Request { query: &raw.query, content_type, body: &raw.body })
}

/// Leaves of raw postbacks what they were decided by.
pub(super) async fn save_without_person(
    connection: &mut AsyncPgConnection,
    raw: &[RawFact],
) -> QueryResult<usize> {
    let left: Vec<(&RawFact, String)> =
        raw.iter().map(|one| (one, facts::postback_without_person(parsed(one)).canonical_query())).collect();
    erasures::save_raw(connection, &left).await
}

/// What has just come of clicks whose person was forgotten, without the person.
pub(super) fn of_the_forgotten(fresh: &[&Received], locked: &[LockedJourney]) -> Vec<Received> {
    let erased: BTreeSet<JourneyKey> =
        locked.iter().filter(|journey| journey.erased).map(|journey| journey.key).collect();
    if erased.is_empty() {
        return Vec::new();
    }
    let is_erased = |one: &&&Received| one.journey().is_some_and(|key| erased.contains(&key));
    fresh.iter().filter(is_erased).map(|one| one.without_person()).collect()
}
