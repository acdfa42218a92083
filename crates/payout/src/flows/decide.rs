//! A person decides on a conversion. It takes room from the limits like everything else, and attribution is told: it judges
//! the rest of the journey by it.

use std::sync::Arc;

use kernel::{ConversionId, IdSource, TenantId, TokenId};
use postgres_kit::{DbError, Failure, Pool, Retries, transact};
use uuid::Uuid;

use super::decide_many::{NotDone, carry_out};
use crate::{
    domain::{conversion::Refused, standing::Decision},
    store::conversions::Key,
};

/// What is asked for, and by whom.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Whose conversion.
    pub tenant: TenantId,
    /// Which.
    pub conversion: ConversionId,
    /// Whose token.
    pub token: TokenId,
    /// What.
    pub decision: Decision,
    /// Why, for people.
    pub reason: String,
    /// The status revision that the caller has seen; with another one nothing is decided.
    pub expected: Option<u64>,
    /// The file that it is a line of.
    pub bulk: Option<Uuid>,
}

impl Asked {
    pub(super) const fn key(&self) -> Key {
        (self.tenant, self.conversion)
    }
}

/// Why it was not done; nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    /// The tenant has no such conversion.
    #[error("there is no such conversion")]
    NotFound,
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl From<diesel::result::Error> for DecideError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Failure for DecideError {
    fn database(&self) -> Option<&DbError> {
        match self {
            Self::Store(error) => Some(error),
            Self::NotFound | Self::Refused(_) => None,
        }
    }
}

/// Carries a decision out.
///
/// # Errors
/// [`DecideError`].
pub async fn decide(pool: &Pool, ids: &Arc<dyn IdSource>, asked: &Asked) -> Result<(), DecideError> {
    transact(pool, Retries::default(), async |connection| {
        let one = std::slice::from_ref(asked);
        let outcomes = carry_out(connection, ids.as_ref(), asked.tenant, one).await?;
        match outcomes.into_iter().next() {
            Some(Ok(())) => Ok(()),
            Some(Err(NotDone::Refused(refused))) => Err(refused.into()),
            // Nobody expects a revision of a single decision.
            Some(Err(NotDone::NotFound | NotDone::Moved)) | None => Err(DecideError::NotFound),
        }
    })
    .await
}
