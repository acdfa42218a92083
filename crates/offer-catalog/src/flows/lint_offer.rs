//! What the linter says of fields that nobody has saved.

use kernel::TenantId;
use postgres_kit::{Retries, transact};

use super::{Catalog, FlowError};
use crate::domain::{lint::Finding, offer::OfferFields};

impl Catalog {
    /// The findings of an offer that is not saved, and so has no relatives. Saves nothing.
    ///
    /// # Errors
    /// `Invalid` for an unknown advertiser or creative, `Store`.
    pub async fn lint_offer(&self, tenant: TenantId, fields: OfferFields) -> Result<Vec<Finding>, FlowError> {
        let fields = &fields;
        transact(self.pool(), Retries::default(), async |conn| {
            let mut fields = fields.clone();
            self.resolve_references(conn, tenant, &mut fields).await?;
            self.findings_of(conn, tenant, None, &fields).await
        })
        .await
    }
}
