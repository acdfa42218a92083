//! How a publisher's endpoints are, as people see it.

use postgres_kit::{DbError, Pool, Snapshot, transact};

use crate::store::publisher_health;
pub use crate::store::{
    deliveries::PublisherKey,
    publisher_health::{EndpointHealth, Limits, WINDOW_SECONDS},
};

/// A publisher's bounds and endpoints; `None` when the tenant has no such publisher.
///
/// # Errors
/// [`DbError`] when the database can not say.
pub async fn health(
    pool: &Pool,
    publisher: PublisherKey,
) -> Result<Option<(Limits, Vec<EndpointHealth>)>, DbError> {
    transact(pool, Snapshot, async |connection| {
        let Some(limits) = publisher_health::limits(connection, publisher).await? else { return Ok(None) };
        Ok(Some((limits, publisher_health::endpoints(connection, publisher).await?)))
    })
    .await
}
