//! The proof of invariant 5, for an operator's command.

use postgres_kit::{DbError, Pool, Retries, transact};

use crate::store::verify;
pub use crate::store::verify::Findings;

/// Proves the ledger over everything, in one snapshot.
///
/// # Errors
/// [`DbError`] when the database can not say.
pub async fn verify_ledger(pool: &Pool) -> Result<Findings, DbError> {
    transact(pool, Retries::NONE, async |connection| Ok(verify::verify(connection).await?)).await
}
