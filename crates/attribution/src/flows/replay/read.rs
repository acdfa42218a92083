//! Replays for the API.

use kernel::TenantId;
use postgres_kit::{DbError, Snapshot, transact};
use uuid::Uuid;

use super::Replayer;
use crate::store::replays::{self, Count, DifferenceLine, Shown, Sum};

impl Replayer {
    /// An order with what it found; none when the tenant has none of that id.
    ///
    /// # Errors
    /// The database's.
    pub async fn get(
        &self,
        tenant: TenantId,
        id: Uuid,
    ) -> Result<Option<(Shown, Vec<Count>, Vec<Sum>)>, DbError> {
        let mut connection = self.attributor.pool.get().await?;
        let Some(shown) = replays::get(&mut connection, tenant, id).await? else { return Ok(None) };
        let counts = replays::counts(&mut connection, tenant, id).await?;
        let sums = replays::sums(&mut connection, tenant, id).await?;
        Ok(Some((shown, counts, sums)))
    }

    /// A page of a tenant's orders, the latest first, and how many there are.
    ///
    /// # Errors
    /// The database's.
    pub async fn list(
        &self,
        tenant: TenantId,
        offset: i64,
        limit: i64,
    ) -> Result<(Vec<Shown>, u64), DbError> {
        let (shown, total) = transact(&self.attributor.pool, Snapshot, async |connection| {
            Ok::<_, DbError>(replays::list(connection, tenant, offset, limit).await?)
        })
        .await?;
        Ok((shown, u64::try_from(total).unwrap_or_default()))
    }

    /// The next lines of what differs, after one.
    ///
    /// # Errors
    /// The database's.
    pub async fn differences(
        &self,
        tenant: TenantId,
        id: Uuid,
        after: (Uuid, i32),
        limit: i64,
    ) -> Result<Vec<DifferenceLine>, DbError> {
        let mut connection = self.attributor.pool.get().await?;
        Ok(replays::differences(&mut connection, tenant, id, after, limit).await?)
    }
}
