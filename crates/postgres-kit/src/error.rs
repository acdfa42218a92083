//! The two ways in which a database fails a caller, and how a caller's own error carries them.

use crate::{
    pool::PoolError,
    sqlstate::{self, Class},
};

/// A database could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// No connection could be had. The pool's own text repeats its source, so it is the end of the chain.
    #[error("no database connection: {0}")]
    Connect(PoolError),
    /// A statement, or the commit, failed.
    #[error("database query failed")]
    Query(#[from] diesel::result::Error),
}

impl From<PoolError> for DbError {
    fn from(error: PoolError) -> Self {
        Self::Connect(error)
    }
}

impl DbError {
    /// What the failure asks for.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Connect(error) => sqlstate::classify_pool(error),
            Self::Query(error) => sqlstate::classify(error),
        }
    }
}

/// An error of a caller of [`transact`](crate::transact) that can hold a [`DbError`].
///
/// ```
/// use postgres_kit::{DbError, Failure};
///
/// #[derive(Debug, thiserror::Error)]
/// enum ShareError {
///     #[error("the offer is shared already")]
///     SharedAlready,
///     #[error(transparent)]
///     Store(#[from] DbError),
/// }
///
/// // For `?` on diesel's results inside the transaction.
/// impl From<diesel::result::Error> for ShareError {
///     fn from(error: diesel::result::Error) -> Self {
///         Self::Store(error.into())
///     }
/// }
///
/// impl Failure for ShareError {
///     fn database(&self) -> Option<&DbError> {
///         match self {
///             Self::Store(error) => Some(error),
///             Self::SharedAlready => None,
///         }
///     }
/// }
/// ```
pub trait Failure: From<DbError> {
    /// The database's failure, when that is what happened: it decides whether the transaction runs again.
    fn database(&self) -> Option<&DbError>;
}

impl Failure for DbError {
    fn database(&self) -> Option<&DbError> {
        Some(self)
    }
}
