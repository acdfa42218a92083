//! The whole set of credential generations for every ingest.

use contracts::catalog::CredentialGenerations;
use postgres_kit::{Snapshot, transact};

use super::{Catalog, FlowError};
use crate::{facts::credential_generations, store::credentials};

impl Catalog {
    /// The set as it stands now, over all tenants: what every ingest must know to refuse what ended.
    ///
    /// # Errors
    /// `Store`.
    pub async fn credential_generations(&self) -> Result<CredentialGenerations, FlowError> {
        let (changes, ending) = transact(self.pool(), Snapshot, async |conn| {
            Ok::<_, FlowError>(credentials::ending(conn).await?)
        })
        .await?;
        Ok(credential_generations(changes, self.now(), &ending))
    }
}
