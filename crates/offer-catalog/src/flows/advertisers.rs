//! Advertisers.

use kernel::{AdvertiserId, TenantId, TokenId};
use postgres_kit::{Retries, Snapshot, transact};

use super::{
    Answer, Catalog, FlowError, Once,
    write::{Change, States},
};
use crate::{
    domain::{
        audit::{Actor, AuditAction},
        listing::{PartnerFilter, Slice, Sort, Window},
        partner::AdvertiserFields,
        records::{Advertiser, Revision},
    },
    facts::advertiser_changed,
    store::advertisers,
};

impl Catalog {
    /// Makes an advertiser.
    ///
    /// # Errors
    /// `Conflict` and `KeyReused` when its key is in use or was used, `Store`.
    pub async fn create_advertiser(
        &self,
        tenant: TenantId,
        actor: TokenId,
        fields: AdvertiserFields,
        once: &Once<Advertiser>,
    ) -> Result<Answer, FlowError> {
        let now = self.now();
        let advertiser = Advertiser {
            tenant_id: tenant,
            advertiser_id: AdvertiserId::from_uuid(self.ids().uuid_v7()),
            fields,
            active: true,
            revision: Revision::FIRST,
            created_at: now,
        };
        let change = Change::new(self.ids(), tenant, Actor::Token(actor), now);
        let (saved, change) = (&advertiser, &change);
        transact(self.pool(), Retries::default(), async |conn| {
            if let Some(answer) = self.said_before(conn, once).await? {
                return Ok(answer);
            }
            advertisers::insert(conn, saved).await?;
            let states = States::new(&saved.fields)?;
            change.audit(conn, AuditAction::AdvertiserCreated, saved.advertiser_id.as_uuid(), states).await?;
            change.tell(conn, &[change.stamper().outgoing(&advertiser_changed(saved))]).await?;
            self.say(conn, once, saved.clone()).await
        })
        .await
    }

    /// Replaces what is entered about an advertiser. Saving what is there changes nothing.
    ///
    /// # Errors
    /// `NotFound`, `Stale`, `Store`.
    pub async fn change_advertiser(
        &self,
        tenant: TenantId,
        actor: TokenId,
        id: AdvertiserId,
        fields: AdvertiserFields,
        expected: Option<Revision>,
    ) -> Result<Advertiser, FlowError> {
        let (change, fields) = (&Change::new(self.ids(), tenant, Actor::Token(actor), self.now()), &fields);
        transact(self.pool(), Retries::default(), async |conn| {
            let before =
                advertisers::lock(conn, tenant, id).await?.ok_or(FlowError::NotFound("advertiser"))?;
            if expected.is_some_and(|expected| expected != before.revision) {
                return Err(FlowError::Stale);
            }
            if before.fields == *fields {
                return Ok(before);
            }
            let states = States::changed(&before.fields, fields)?;
            let after = Advertiser { fields: fields.clone(), revision: before.revision.next(), ..before };
            advertisers::save(conn, &after).await?;
            change.audit(conn, AuditAction::AdvertiserChanged, id.as_uuid(), states).await?;
            change.tell(conn, &[change.stamper().outgoing(&advertiser_changed(&after))]).await?;
            Ok(after)
        })
        .await
    }

    /// One advertiser.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn advertiser(&self, tenant: TenantId, id: AdvertiserId) -> Result<Advertiser, FlowError> {
        transact(self.pool(), Retries::default(), async |conn| {
            advertisers::find(conn, tenant, id).await?.ok_or(FlowError::NotFound("advertiser"))
        })
        .await
    }

    /// A page of a tenant's advertisers.
    ///
    /// # Errors
    /// `Store`.
    pub async fn list_advertisers(
        &self,
        tenant: TenantId,
        filter: &PartnerFilter,
        sort: Sort,
        window: Window,
    ) -> Result<Slice<Advertiser>, FlowError> {
        transact(self.pool(), Snapshot, async |conn| {
            Ok(advertisers::list(conn, tenant, filter, sort, window).await?)
        })
        .await
    }
}
