//! The quarantine: what stands for the same cause, what may have been meant, and judging a group again.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{OfferId, TenantId, TokenId};
use postgres_kit::{DbError, Retries, transact};
use uuid::Uuid;

use super::Attributor;
use crate::{
    domain::{Code, Suggestion, suggest},
    facts::KnownOffer,
    store::{
        catalog,
        quarantine::{self, Asked, Group, Grouping, Progress},
    },
};

impl Attributor {
    /// Groups with suggestions for those that nothing maps, the largest first, and how many groups there are.
    ///
    /// # Errors
    /// The database's.
    pub async fn quarantine(
        &self,
        grouping: &Grouping,
    ) -> Result<(Vec<(Group, Vec<Suggestion>)>, u64), DbError> {
        let mut connection = self.pool.get().await?;
        let (groups, total) = quarantine::groups(&mut connection, grouping).await?;
        let wanted: BTreeSet<(TenantId, OfferId)> = groups
            .iter()
            .filter(|group| group.code == Code::UnmappedEvent)
            .filter_map(|group| Some((grouping.tenant, group.offer?)))
            .collect();
        let offers = catalog::load_offers(&connection, &wanted).await?;
        let with = |group: Group| {
            let suggestions = suggestions(grouping.tenant, &group, &offers);
            (group, suggestions)
        };
        Ok((groups.into_iter().map(with).collect(), total))
    }

    /// Has a group judged again with everything that is known now; the id of the order. Asked for again before it is
    /// done, it is the same order. Works through the offer's open journeys: one that is judged again without need comes
    /// to the same.
    ///
    /// # Errors
    /// The database's.
    pub async fn redrive(
        &self,
        tenant: TenantId,
        by: TokenId,
        (offer, code, event_id): (OfferId, Code, String),
    ) -> Result<Uuid, DbError> {
        let asked = Asked { tenant, id: self.ids.uuid_v7(), offer, code, event_id, by };
        let id = transact(&self.pool, Retries::default(), async |connection| {
            Ok::<_, DbError>(quarantine::ask(connection, &asked).await?)
        })
        .await?;
        self.rejudge.notify_one();
        Ok(id)
    }

    /// How far an order is; `None` when the tenant has none of that id.
    ///
    /// # Errors
    /// The database's.
    pub async fn redrive_progress(&self, tenant: TenantId, id: Uuid) -> Result<Option<Progress>, DbError> {
        let mut connection = self.pool.get().await?;
        Ok(quarantine::progress(&mut connection, tenant, id).await?)
    }
}

fn suggestions(
    tenant: TenantId,
    group: &Group,
    offers: &BTreeMap<(TenantId, OfferId), KnownOffer>,
) -> Vec<Suggestion> {
    let named = group.event_id.as_deref().filter(|_| group.code == Code::UnmappedEvent);
    let newest = group
        .offer
        .and_then(|offer| offers.get(&(tenant, offer)))
        .and_then(|offer| offer.rules.versions.last_key_value().map(|(_, version)| version));
    let (Some(came), Some(version)) = (named, newest) else { return Vec::new() };
    suggest(came, version.events.iter().map(|event| event.event_id.as_str()))
}
