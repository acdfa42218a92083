//! Reading offers, and what all flows about one offer share.

use kernel::{Micros, OfferId, TenantId, Timestamp};
use postgres_kit::{Retries, Snapshot, transact};

use super::{Catalog, FlowError, catalog::tenant_of};
use crate::{
    domain::{
        lint::{self, Facts, Finding},
        listing::{OfferFilter, Slice, Sort, Window},
        offer::OfferFields,
        public_url,
        records::{Offer, OfferVersion, Revision},
        status::DisplayStatus,
        tenant::TenantDomain,
    },
    store::{Conn, advertisers, lineage, offer_list, offer_versions, offers},
};

/// An offer as people look at it.
#[derive(Debug, Clone)]
pub struct OfferView {
    /// The offer.
    pub offer: Offer,
    /// Its stored status seen at this moment.
    pub status: DisplayStatus,
    /// When a spent budget is open again by itself.
    pub budget_resumes_at: Option<Timestamp>,
    /// What the linter says of it.
    pub findings: Vec<Finding>,
    /// Where its publisher sends users, once it is shared.
    pub tracking_link: Option<String>,
}

impl Catalog {
    /// One offer.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn offer(&self, tenant: TenantId, id: OfferId) -> Result<OfferView, FlowError> {
        transact(self.pool(), Retries::default(), async |conn| {
            let offer = offers::find(conn, tenant, id).await?.ok_or(FlowError::NotFound("offer"))?;
            self.view(conn, offer).await
        })
        .await
    }

    /// Every version of one offer, oldest first.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn offer_versions(
        &self,
        tenant: TenantId,
        id: OfferId,
        window: Window,
    ) -> Result<Slice<OfferVersion>, FlowError> {
        transact(self.pool(), Snapshot, async |conn| {
            offers::find(conn, tenant, id).await?.ok_or(FlowError::NotFound("offer"))?;
            Ok(offer_versions::page(conn, tenant, id, window).await?)
        })
        .await
    }

    /// Two versions of an offer; without `to`, `from` and the newest.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn two_versions(
        &self,
        tenant: TenantId,
        id: OfferId,
        from: u32,
        to: Option<u32>,
    ) -> Result<(OfferVersion, OfferVersion), FlowError> {
        transact(self.pool(), Retries::default(), async |conn| {
            let offer = offers::find(conn, tenant, id).await?.ok_or(FlowError::NotFound("offer"))?;
            let to = to.unwrap_or(offer.state.newest_version);
            let missing = || FlowError::NotFound("version of this offer");
            let before = offer_versions::find(conn, tenant, id, from).await?.ok_or_else(missing)?;
            let after = offer_versions::find(conn, tenant, id, to).await?.ok_or_else(missing)?;
            Ok((before, after))
        })
        .await
    }

    /// A page of a tenant's offers.
    ///
    /// # Errors
    /// `Store`.
    pub async fn list_offers(
        &self,
        tenant: TenantId,
        filter: &OfferFilter,
        sort: Sort,
        window: Window,
    ) -> Result<(Slice<Offer>, TenantDomain), FlowError> {
        let now = self.now();
        transact(self.pool(), Snapshot, async |conn| {
            let domain = tenant_of(conn, tenant).await?.domain;
            Ok((offer_list::list(conn, tenant, filter, sort, window, now).await?, domain))
        })
        .await
    }

    /// The status of an offer of a list at this moment.
    #[must_use]
    pub fn display_status(&self, offer: &Offer) -> DisplayStatus {
        offer.display(self.now())
    }

    /// The tracking link of a shared offer of a tenant.
    #[must_use]
    pub fn tracking_link(&self, offer: &Offer, domain: &TenantDomain) -> Option<String> {
        let share = offer.state.share?;
        Some(public_url::tracking(&self.parts.tracking_base, domain, share.link_id))
    }

    /// How people see an offer.
    pub(super) async fn view(&self, conn: &mut Conn, offer: Offer) -> Result<OfferView, FlowError> {
        let domain = tenant_of(conn, offer.tenant_id).await?.domain;
        let findings = self.findings(conn, &offer).await?;
        let tracking_link = self.tracking_link(&offer, &domain);
        let now = self.now();
        let (status, budget_resumes_at) = (offer.display(now), offer.budget.resumes_at(now));
        Ok(OfferView { offer, status, budget_resumes_at, findings, tracking_link })
    }

    /// What the linter says of an offer now.
    pub(super) async fn findings(&self, conn: &mut Conn, offer: &Offer) -> Result<Vec<Finding>, FlowError> {
        self.findings_of(conn, offer.tenant_id, Some(offer.offer_id), &offer.fields).await
    }

    /// What the linter says of fields now; `id` when they are a stored offer's, which has relatives.
    pub(super) async fn findings_of(
        &self,
        conn: &mut Conn,
        tenant: TenantId,
        id: Option<OfferId>,
        fields: &OfferFields,
    ) -> Result<Vec<Finding>, FlowError> {
        let advertiser = match fields.advertiser_id {
            Some(id) => advertisers::find(conn, tenant, id).await?.map(|advertiser| advertiser.fields),
            None => None,
        };
        let advertiser_budget = advertiser.as_ref().and_then(|advertiser| advertiser.total_budget);
        let relatives_budget = match (advertiser_budget, id, fields.currency) {
            (Some(_), Some(id), Some(currency)) => {
                lineage::relatives_budget(conn, tenant, id, currency).await?
            }
            _ => Micros::ZERO,
        };
        let facts = Facts {
            now: self.now(),
            review_window_days: advertiser.and_then(|advertiser| advertiser.review_window_days),
            advertiser_budget,
            relatives_budget,
        };
        Ok(lint::lint(fields, &facts))
    }
}

/// Locks an offer; with `expected`, only if nobody has changed it since it was read.
pub(super) async fn lock_offer(
    conn: &mut Conn,
    tenant: TenantId,
    id: OfferId,
    expected: Option<Revision>,
) -> Result<Offer, FlowError> {
    let offer = offers::lock(conn, tenant, id).await?.ok_or(FlowError::NotFound("offer"))?;
    if expected.is_some_and(|expected| expected != offer.revision) {
        return Err(FlowError::Stale);
    }
    Ok(offer)
}
