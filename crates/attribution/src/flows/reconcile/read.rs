//! Reconciliations for the API.

use kernel::TenantId;
use postgres_kit::{DbError, Snapshot, transact};
use uuid::Uuid;

use super::Reconciler;
use crate::{
    domain::reconcile::Bucket,
    store::reconciliations::{self, Count, Shown, ShownLine},
};

impl Reconciler {
    /// A report and its lines by bucket and code; none when the tenant has none of that id.
    ///
    /// # Errors
    /// The database's.
    pub async fn get(&self, tenant: TenantId, id: Uuid) -> Result<Option<(Shown, Vec<Count>)>, DbError> {
        let mut connection = self.pool.get().await?;
        let Some(shown) = reconciliations::get(&mut connection, tenant, id).await? else { return Ok(None) };
        let counts = reconciliations::counts(&mut connection, tenant, id).await?;
        Ok(Some((shown, counts)))
    }

    /// A page of a tenant's reports, the latest first, and how many there are.
    ///
    /// # Errors
    /// The database's.
    pub async fn list(
        &self,
        tenant: TenantId,
        offset: i64,
        limit: i64,
    ) -> Result<(Vec<Shown>, u64), DbError> {
        let (shown, total) = transact(&self.pool, Snapshot, async |connection| {
            Ok::<_, DbError>(reconciliations::list(connection, tenant, offset, limit).await?)
        })
        .await?;
        Ok((shown, u64::try_from(total).unwrap_or_default()))
    }

    /// The next lines of a bucket after one.
    ///
    /// # Errors
    /// The database's.
    pub async fn lines(
        &self,
        tenant: TenantId,
        id: Uuid,
        bucket: Bucket,
        after: i64,
        limit: i64,
    ) -> Result<Vec<ShownLine>, DbError> {
        let mut connection = self.pool.get().await?;
        Ok(reconciliations::lines(&mut connection, tenant, id, bucket.as_str(), after, limit).await?)
    }
}
