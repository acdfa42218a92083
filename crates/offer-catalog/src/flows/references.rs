//! What an offer refers to must be the tenant's: the ids of others are as unknown as ids that nobody has.

use kernel::TenantId;

use super::{Catalog, FlowError};
use crate::{
    domain::{offer::OfferFields, problems::Problems},
    store::{Conn, advertisers, creatives},
};

impl Catalog {
    /// Looks up everything that the fields refer to, and fills in what is known of it.
    pub(super) async fn resolve_references(
        &self,
        conn: &mut Conn,
        tenant: TenantId,
        fields: &mut OfferFields,
    ) -> Result<(), FlowError> {
        let mut problems = Problems::default();
        if let Some(id) = fields.advertiser_id
            && advertisers::find(conn, tenant, id).await?.is_none()
        {
            problems.add("advertiserId", "there is no such advertiser");
        }
        let uploaded = fields.creatives.iter().filter_map(|creative| creative.uploaded.as_ref());
        let ids: Vec<_> = uploaded.map(|uploaded| uploaded.creative_id).collect();
        let found = creatives::find_all(conn, tenant, &ids).await?;
        for (at, creative) in fields.creatives.iter_mut().enumerate() {
            let Some(uploaded) = &mut creative.uploaded else { continue };
            match found.iter().find(|found| found.creative_id == uploaded.creative_id) {
                Some(found) => {
                    let view = self.creative_view(found.clone());
                    (creative.url, uploaded.thumbnail_url) = (view.url, view.thumbnail_url);
                }
                None => problems.add(
                    format!("creatives[{at}].creativeId"),
                    "there is no such creative; upload the picture first",
                ),
            }
        }
        Ok(problems.or(())?)
    }
}
