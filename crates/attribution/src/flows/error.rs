//! Why a batch was not taken.

use contracts::ContractError;
use postgres_kit::{DbError, Failure};

/// Why a batch was not taken; nothing of it was, then.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// One of its items is not what it says.
    #[error("a fact can not be read")]
    Unreadable(#[from] ContractError),
    /// The database did not take it.
    #[error("saving what it means")]
    Store(#[from] DbError),
}

impl From<diesel::result::Error> for FlowError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Failure for FlowError {
    fn database(&self) -> Option<&DbError> {
        match self {
            Self::Store(error) => Some(error),
            Self::Unreadable(_) => None,
        }
    }
}
