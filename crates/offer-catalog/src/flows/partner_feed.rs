//! The partner feed. What changed is answered from the feed's version alone; only a caller that has not seen it makes us read
//! offers.

use kernel::{OfferId, PublisherId, TenantId};
use postgres_kit::{Snapshot, transact};
use sha2::{Digest as _, Sha256};

use super::{Catalog, FlowError, catalog::tenant_of};
use crate::{
    domain::{
        partner_feed::{FeedRequest, FeedVersion, PartnerOffer},
        public_url,
        tenant::TenantDomain,
    },
    store::partner_feed,
};

/// An offer of the feed, and where its publisher sends users.
#[derive(Debug, Clone)]
pub struct PartnerOfferView {
    /// The offer.
    pub offer: PartnerOffer,
    /// Its tracking link.
    pub tracking_link: String,
}

/// A page of the feed.
#[derive(Debug, Clone)]
pub struct FeedPage {
    /// The offers.
    pub offers: Vec<PartnerOfferView>,
    /// On all pages.
    pub total: u64,
    /// Whether there are more behind.
    pub has_more: bool,
}

/// What a caller is told that may have seen it already.
#[derive(Debug, Clone)]
pub struct Seen<T> {
    /// How far the feed, or the offer, has come.
    pub version: FeedVersion,
    /// `None`: the caller has it.
    pub news: Option<T>,
}

impl Catalog {
    /// A page of a publisher's feed, unless the caller `has` this version of it.
    ///
    /// # Errors
    /// `Store`.
    pub async fn partner_feed(
        &self,
        tenant: TenantId,
        request: &FeedRequest,
        has: &(impl Fn(FeedVersion) -> bool + Send + Sync),
    ) -> Result<Seen<FeedPage>, FlowError> {
        transact(self.pool(), Snapshot, async |conn| {
            let feed = partner_feed::state(conn, tenant, request.publisher).await?;
            if has(feed.version) {
                return Ok(Seen { version: feed.version, news: None });
            }
            let domain = tenant_of(conn, tenant).await?.domain;
            let one_more = FeedRequest { limit: request.limit.saturating_add(1), ..*request };
            let mut offers = partner_feed::page(conn, tenant, &one_more, feed.now).await?;
            let size = usize::try_from(request.limit).unwrap_or(usize::MAX);
            let has_more = offers.len() > size;
            offers.truncate(size);
            let total = partner_feed::count(conn, tenant, request, feed.now).await?;
            let offers = offers.into_iter().map(|offer| self.partner_view(offer, &domain)).collect();
            let page = FeedPage { offers, total: u64::try_from(total).unwrap_or_default(), has_more };
            Ok::<_, FlowError>(Seen { version: feed.version, news: Some(page) })
        })
        .await
    }

    /// One offer of a publisher's feed.
    ///
    /// # Errors
    /// `NotFound`, also for an offer of somebody else; `Store`.
    pub async fn partner_offer(
        &self,
        tenant: TenantId,
        publisher: PublisherId,
        id: OfferId,
    ) -> Result<PartnerOfferView, FlowError> {
        transact(self.pool(), Snapshot, async |conn| {
            let now = partner_feed::state(conn, tenant, publisher).await?.now;
            let found = partner_feed::find(conn, tenant, publisher, id, now).await?;
            let offer = found.ok_or(FlowError::NotFound("offer"))?;
            let domain = tenant_of(conn, tenant).await?.domain;
            Ok(self.partner_view(offer, &domain))
        })
        .await
    }

    /// A few letters that are others when what is made of the same offers is another: of a new release, or with other links.
    pub fn partner_form(&self) -> String {
        let made_of = format!("{} {:?}", env!("CARGO_PKG_VERSION"), self.parts.tracking_base);
        let hash = Sha256::digest(made_of.as_bytes());
        let (start, _rest) = hash.split_first_chunk().unwrap_or((&[0; 4], &[]));
        format!("{:08x}", u32::from_be_bytes(*start))
    }

    fn partner_view(&self, offer: PartnerOffer, domain: &TenantDomain) -> PartnerOfferView {
        let tracking_link = public_url::tracking(&self.parts.tracking_base, domain, offer.link_id);
        PartnerOfferView { offer, tracking_link }
    }
}
