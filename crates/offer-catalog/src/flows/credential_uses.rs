//! What ingest tells of the credentials' use, added up, and credentials as people look at them.

use std::collections::BTreeSet;

use kernel::{FactId, TenantId};
use postgres_kit::{DbError, Failure, Retries, inbox, transact};

use super::{Catalog, FlowError};
use crate::{
    domain::{
        credential_use::{GenerationKey, Told, UsesByGeneration, added_up},
        records::Credential,
    },
    store::{Conn, credential_uses},
};

/// The name under which facts are claimed.
pub const CONSUMER: &str = bus::house::CATALOG_USES;

/// A credential and which apps use it.
#[derive(Debug, Clone)]
pub struct CredentialView {
    /// The credential.
    pub credential: Credential,
    /// By generation; those never used are not in it.
    pub uses: UsesByGeneration,
}

/// Why a batch of uses was not added.
#[derive(Debug, thiserror::Error)]
pub enum UseError {
    /// A genuine signature under a generation that this catalog never issued: its database is older than its credentials, or
    /// a server key is in foreign hands.
    #[error("generation {} of credential {} is in use and was never issued here", .0.number, .0.credential)]
    NeverIssued(GenerationKey),
    /// The database did not take it.
    #[error("adding up the credentials' uses")]
    Store(#[source] DbError),
}

impl From<diesel::result::Error> for UseError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<DbError> for UseError {
    fn from(error: DbError) -> Self {
        Self::Store(error)
    }
}

impl Failure for UseError {
    fn database(&self) -> Option<&DbError> {
        match self {
            Self::Store(error) => Some(error),
            Self::NeverIssued(_) => None,
        }
    }
}

impl Catalog {
    /// Adds up a batch of what ingest tells. Each fact counts once, however often it comes.
    ///
    /// # Errors
    /// [`UseError`]; nothing was added then.
    pub async fn record_uses(&self, batch: &[(FactId, Told)]) -> Result<(), UseError> {
        transact(self.pool(), Retries::default(), async |conn| {
            let facts: Vec<FactId> = batch.iter().map(|(fact, _)| *fact).collect();
            let mut new = inbox::claim(conn, CONSUMER, &facts).await?;
            // The same fact can be twice in one batch.
            let told: Vec<&Told> =
                batch.iter().filter(|(fact, _)| new.remove(fact)).map(|(_, told)| told).collect();
            if told.is_empty() {
                return Ok(());
            }
            let keys: BTreeSet<GenerationKey> = told.iter().map(|told| told.key).collect();
            let issued = credential_uses::lock(conn, &keys).await?;
            if let Some(key) = keys.difference(&issued).next() {
                return Err(UseError::NeverIssued(*key));
            }
            let known = credential_uses::apps(conn, &keys).await?;
            credential_uses::add(conn, &added_up(told, known)).await?;
            Ok(())
        })
        .await
    }
}

/// Credentials with their uses.
pub(super) async fn views(
    conn: &mut Conn,
    tenant: TenantId,
    credentials: Vec<Credential>,
) -> Result<Vec<CredentialView>, FlowError> {
    let ids: Vec<_> = credentials.iter().map(|credential| credential.credential_id).collect();
    let mut uses = credential_uses::of_credentials(conn, tenant, &ids).await?;
    let view = |credential: Credential| CredentialView {
        uses: uses.remove(&credential.credential_id).unwrap_or_default(),
        credential,
    };
    Ok(credentials.into_iter().map(view).collect())
}
