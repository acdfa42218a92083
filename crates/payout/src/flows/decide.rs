//! A person decides on a conversion. It takes room from the limits like everything else, and attribution is told: it judges
//! the rest of the journey by it.

use std::sync::Arc;

use kernel::{ConversionId, IdSource, TenantId, TokenId};
use postgres_kit::{DbError, Failure, Pool, Retries, transact};
use uuid::Uuid;

use super::{
    decide_many::{NotDone, carry_out},
    raise_budget::{self, Raising},
};
use crate::{
    domain::{
        conversion::Refused,
        limits::{Budgets, NotRaised, Period},
        standing::Decision,
    },
    failpoints,
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
    /// These budgets can not be raised to what was asked for.
    #[error("a budget can not be raised to that")]
    NotRaised(Vec<(Period, NotRaised)>),
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
            Self::NotFound | Self::Refused(_) | Self::NotRaised(_) => None,
        }
    }
}

/// Carries a decision out, and raises the budgets of its offer to the bounds of `raise` with it, needed or not: both or neither.
///
/// # Errors
/// [`DecideError`]. A status that does not allow the decision is said first: asked for twice, both calls are answered as if there
/// had been no raise.
pub async fn decide(
    pool: &Pool,
    ids: &Arc<dyn IdSource>,
    asked: &Asked,
    raise: Option<Budgets>,
) -> Result<(), DecideError> {
    transact(pool, Retries::default(), async |connection| {
        let raising = match raise {
            Some(to) => Some(raise_budget::raise(connection, asked, to).await?),
            None => None,
        };
        let one = std::slice::from_ref(asked);
        let outcomes = carry_out(connection, ids.as_ref(), asked.tenant, one).await?;
        let outcome = match outcomes.into_iter().next() {
            Some(Ok(())) => Ok(()),
            Some(Err(NotDone::Refused(refused))) => Err(refused),
            // Nobody expects a revision of a single decision.
            Some(Err(NotDone::NotFound | NotDone::Moved)) | None => return Err(DecideError::NotFound),
        };
        match (outcome, raising) {
            (Err(refused @ Refused::Illegal(_)), _) => Err(refused.into()),
            (_, Some(Raising::Refused(why_not))) => Err(DecideError::NotRaised(why_not)),
            (Err(refused), _) => Err(refused.into()),
            (Ok(()), Some(Raising::Unknown)) => Err(Refused::Unknown.into()),
            (Ok(()), Some(Raising::Made(made))) => {
                Ok(raise_budget::record(connection, ids.as_ref(), asked, &made).await?)
            }
            (Ok(()), None) => Ok(()),
        }
    })
    .await?;
    failpoints::decided();
    Ok(())
}
