//! Orders to forget a person: taken from an owner, worked through in bounded steps, each a transaction.

use std::{collections::BTreeSet, fmt};

use contracts::tracker::ClickRecorded;
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::{ClickId, PublisherId, TenantId, TokenId};
use postgres_kit::{DbError, Retries, Snapshot, transact};
use prost::Message as _;
use uuid::Uuid;

use super::{
    Attributor,
    forget::{OrderedBy, parsed, save_without_person},
};
use crate::{
    facts,
    store::{
        self, JourneyKey,
        erasures::{self, ErasureRow, NewErasure, Progress},
        inconsistent,
    },
};

/// Rows that one step looks at: some milliseconds, while live postbacks go on.
const STEP_ROWS: usize = 1_000;

/// Who is to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Person {
    /// Whoever clicked.
    Click(ClickId),
    /// A publisher's member.
    Member(PublisherId, String),
    /// Whoever holds the device: one of its ids, without case.
    Device(String),
}

impl Person {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Click(_) => "click",
            Self::Member(..) => "member",
            Self::Device(_) => "device",
        }
    }

    const fn publisher(&self) -> Option<PublisherId> {
        match self {
            Self::Member(publisher, _) => Some(*publisher),
            Self::Click(_) | Self::Device(_) => None,
        }
    }
}

/// What is looked for.
impl fmt::Display for Person {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Click(click) => click.fmt(out),
            Self::Member(_, text) | Self::Device(text) => out.write_str(text),
        }
    }
}

impl Attributor {
    /// Takes an order; its id. Work begins at once.
    ///
    /// # Errors
    /// The database's.
    pub async fn order_erasure(
        &self,
        tenant: TenantId,
        token: TokenId,
        person: &Person,
    ) -> Result<Uuid, DbError> {
        let id = self.ids.uuid_v7();
        let subject = person.to_string();
        let scope = person.publisher().map(PublisherId::to_vec).unwrap_or_default();
        let subject_hash = signing::person::pseudonym(&self.keyring, tenant, &scope, &subject);
        let order = NewErasure {
            tenant,
            id,
            kind: person.kind(),
            subject: &subject,
            publisher: person.publisher(),
            subject_hash: &subject_hash,
            ordered_by: token.as_uuid(),
        };
        transact(&self.pool, Retries::default(), async |connection| {
            Ok::<_, DbError>(erasures::order(connection, &order).await?)
        })
        .await?;
        // The audited fact itself is `person.erased`; this line says that it was asked for.
        tracing::info!(tenant.id = %tenant, erasure.id = %id, token.id = %token, kind = person.kind(), "an erasure is ordered");
        self.erase.notify_one();
        Ok(id)
    }

    /// An order; `None` when the tenant has none of that id.
    ///
    /// # Errors
    /// The database's.
    pub async fn erasure(&self, tenant: TenantId, id: Uuid) -> Result<Option<ErasureRow>, DbError> {
        let mut connection = self.pool.get().await?;
        Ok(erasures::find(&mut connection, tenant, id).await?)
    }

    /// A tenant's orders, the latest first, and how many there are in all.
    ///
    /// # Errors
    /// The database's.
    pub async fn erasures(
        &self,
        tenant: TenantId,
        offset: i64,
        limit: i64,
    ) -> Result<(Vec<ErasureRow>, u64), DbError> {
        transact(&self.pool, Snapshot, async |connection| {
            Ok(erasures::list(connection, tenant, offset, limit).await?)
        })
        .await
    }

    /// One step of the oldest order; whether there may be more to do.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "erase", skip_all)]
    pub async fn erase_step(&self) -> Result<bool, DbError> {
        transact(&self.pool, Retries::default(), async |connection| {
            Ok::<_, DbError>(self.work_on_erasure(connection).await?)
        })
        .await
    }

    async fn work_on_erasure(&self, connection: &mut AsyncPgConnection) -> QueryResult<bool> {
        store::hold_catalog(connection).await?;
        let Some(order) = erasures::take(connection).await? else { return Ok(false) };
        let subject = order.subject.clone().unwrap_or_default();
        let progress = match order.kind.as_str() {
            "click" => {
                let click = subject.parse().map_err(|_no_uuid| {
                    inconsistent("erasures", "subject", format!("erasure {}", order.erasure_id))
                })?;
                self.forget_clicks(connection, &order, [ClickId::from_uuid(click)].into()).await?
            }
            "member" => self.look_for_member(connection, &order, &subject).await?,
            _ => self.look_for_device(connection, &order, &subject).await?,
        };
        erasures::advance(connection, &order, &progress).await?;
        if progress.after.is_none() {
            tracing::info!(erasure.id = %order.erasure_id, "an erasure is done");
        }
        Ok(true)
    }

    async fn forget_clicks(
        &self,
        connection: &mut AsyncPgConnection,
        order: &ErasureRow,
        clicks: BTreeSet<ClickId>,
    ) -> QueryResult<Progress> {
        let tenant = TenantId::from_uuid(order.tenant_id);
        let keys: BTreeSet<JourneyKey> = clicks.into_iter().map(|click| (tenant, click)).collect();
        let by = OrderedBy { erasure: order.erasure_id, token: order.ordered_by };
        let postbacks = self.forget(connection, tenant, &keys, by).await?;
        Ok(Progress { after: None, clicks: keys.len(), postbacks })
    }

    async fn look_for_member(
        &self,
        connection: &mut AsyncPgConnection,
        order: &ErasureRow,
        member: &str,
    ) -> QueryResult<Progress> {
        let limit = i64::try_from(STEP_ROWS).unwrap_or(i64::MAX);
        let (tenant, publisher) = (order.tenant_id, order.publisher_id);
        let clicks = erasures::clicks_after(connection, tenant, publisher, order.after_id, limit).await?;
        let last = clicks.last().filter(|_| clicks.len() == STEP_ROWS).map(|click| (None, click.click_id));
        let is_of_member = |fact: &[u8]| {
            let parameters = ClickRecorded::decode(fact).ok().and_then(|click| click.publisher_parameters);
            parameters.is_some_and(|parameters| parameters.pub_member_id == member)
        };
        let found = clicks
            .iter()
            .filter(|click| is_of_member(&click.click))
            .map(|click| ClickId::from_uuid(click.click_id))
            .collect();
        Ok(Progress { after: last, ..self.forget_clicks(connection, order, found).await? })
    }

    async fn look_for_device(
        &self,
        connection: &mut AsyncPgConnection,
        order: &ErasureRow,
        device: &str,
    ) -> QueryResult<Progress> {
        let limit = i64::try_from(STEP_ROWS).unwrap_or(i64::MAX);
        let after = order.after_time.zip(order.after_id);
        let mut raw = erasures::raw_after(connection, order.tenant_id, after, limit).await?;
        let is_last = raw.len() < STEP_ROWS;
        let last = raw.last().filter(|_| !is_last).map(|one| (Some(one.received_at), one.receipt));
        raw.retain(|one| facts::names_device(&parsed(one), device));
        let clicks = raw.iter().filter_map(|one| one.click_id).map(ClickId::from_uuid).collect();
        // Also those without a journey, and those that their journey did not take.
        let own = save_without_person(connection, &raw).await?;
        let forgotten = self.forget_clicks(connection, order, clicks).await?;
        Ok(Progress { after: last, postbacks: forgotten.postbacks.max(own), ..forgotten })
    }
}
