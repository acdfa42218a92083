//! How a publisher's endpoints are, as people see it.

use postgres_kit::{DbError, Pool};

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
    let mut connection = pool.get().await?;
    let Some(limits) = publisher_health::limits(&mut connection, publisher).await? else { return Ok(None) };
    Ok(Some((limits, publisher_health::endpoints(&mut connection, publisher).await?)))
}
