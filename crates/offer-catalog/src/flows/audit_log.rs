//! Reading the audit log.

use kernel::TenantId;
use postgres_kit::{Snapshot, transact};
use uuid::Uuid;

use super::{Catalog, FlowError};
use crate::{
    domain::{
        audit::LoggedEntry,
        listing::{Slice, Sort, Window},
    },
    store::audit,
};

impl Catalog {
    /// A page of a tenant's log; of one thing when `subject` is given.
    ///
    /// # Errors
    /// `Store`.
    pub async fn audit_log(
        &self,
        tenant: TenantId,
        subject: Option<Uuid>,
        sort: Sort,
        window: Window,
    ) -> Result<Slice<LoggedEntry>, FlowError> {
        transact(self.pool(), Snapshot, async |conn| {
            Ok(audit::list(conn, tenant, subject, sort, window).await?)
        })
        .await
    }
}
