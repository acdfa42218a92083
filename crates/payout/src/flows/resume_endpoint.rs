//! A person says that an endpoint may be called again.

use kernel::{EndpointId, PublisherId, TenantId, TokenId};
use postgres_kit::{DbError, Failure, Pool, Retries, transact, wake_ups};

use crate::store::{
    DELIVERIES,
    endpoint_conditions::{self, Change},
};

/// What is asked for, and by whom.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Whose endpoint.
    pub tenant: TenantId,
    /// Of which publisher.
    pub publisher: PublisherId,
    /// Which.
    pub endpoint: EndpointId,
    /// Whose token.
    pub token: TokenId,
    /// Why, for people.
    pub reason: String,
}

/// Why it was not done; nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// The publisher has no such endpoint.
    #[error("there is no such endpoint")]
    NotFound,
    /// Nothing holds it.
    #[error("the endpoint is not paused and its breaker is closed: what is due is sent")]
    NotHeld,
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl From<diesel::result::Error> for ResumeError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Failure for ResumeError {
    fn database(&self) -> Option<&DbError> {
        match self {
            Self::Store(error) => Some(error),
            Self::NotFound | Self::NotHeld => None,
        }
    }
}

/// Lets an endpoint start afresh: neither paused nor left alone. What waited goes out at once.
///
/// # Errors
/// [`ResumeError`].
pub async fn resume(pool: &Pool, asked: &Asked) -> Result<(), ResumeError> {
    let key = (asked.tenant, asked.endpoint);
    transact(pool, Retries::default(), async |connection| {
        let known = endpoint_conditions::lock_one(connection, key, asked.publisher).await?;
        if !known.ok_or(ResumeError::NotFound)?.is_held() {
            return Err(ResumeError::NotHeld);
        }
        endpoint_conditions::start_afresh(connection, key).await?;
        let change = Change::Resumed(asked.token, &asked.reason);
        endpoint_conditions::note(connection, &[key], &change).await?;
        wake_ups::after_commit(DELIVERIES);
        Ok(())
    })
    .await
}
