//! Taking an import in: its rows are stored while they come, and count only when all of them are there.

use kernel::{TenantId, TokenId};
use postgres_kit::{Retries, Snapshot, transact};
use uuid::Uuid;

use super::{Catalog, FlowError};
pub use crate::store::import_rows::StoredRow as NewRow;
use crate::{
    domain::{
        import::{Counts, Import, ImportRequest, Outcome, RowResult},
        listing::{Slice, Window},
    },
    failpoints,
    store::{Conn, import_rows, imports},
};

/// An import as people look at it.
#[derive(Debug, Clone)]
pub struct ImportView {
    /// The import.
    pub import: Import,
    /// How many rows came to which end.
    pub counts: Counts,
}

/// What became of a call.
pub enum Received {
    /// A new import.
    New(ImportView),
    /// The call came before: this is how far it is.
    Known(ImportView),
}

impl Catalog {
    /// Begins to take an import in; answers its id.
    ///
    /// # Errors
    /// `Store`.
    pub async fn begin_import(&self, tenant: TenantId, by: TokenId) -> Result<Uuid, FlowError> {
        let (import, at) = (self.ids().uuid_v7(), self.now());
        transact(self.pool(), Retries::default(), async |conn| {
            imports::begin(conn, tenant, import, by, at).await?;
            Ok::<_, FlowError>(import)
        })
        .await
    }

    /// Stores rows that came in.
    ///
    /// # Errors
    /// `Store`.
    pub async fn add_import_rows(
        &self,
        tenant: TenantId,
        import: Uuid,
        rows: &[NewRow],
    ) -> Result<(), FlowError> {
        transact(self.pool(), Retries::default(), async |conn| {
            Ok::<_, FlowError>(import_rows::add(conn, tenant, import, rows).await?)
        })
        .await?;
        failpoints::import_stored();
        Ok(())
    }

    /// All rows are there: the import waits for its turn, unless the very same came before.
    ///
    /// # Errors
    /// `Conflict` when the request id came with other content, `Store`.
    pub async fn accept_import(
        &self,
        tenant: TenantId,
        import: Uuid,
        request: &ImportRequest,
        content_hash: &[u8],
        rows: usize,
    ) -> Result<Received, FlowError> {
        let received = transact(self.pool(), Retries::default(), async |conn| {
            imports::lock_tenant(conn, tenant).await?;
            if let Some((known, hash)) =
                imports::of_request(conn, tenant, &request.concurrency_request_id).await?
            {
                if hash != content_hash {
                    return Err(FlowError::concurrency_request_id_reused());
                }
                imports::forget(conn, tenant, import).await?;
                return Ok(Received::Known(view(conn, tenant, known).await?));
            }
            imports::accept(conn, tenant, import, request, content_hash, rows).await?;
            Ok(Received::New(view(conn, tenant, import).await?))
        })
        .await?;
        failpoints::import_accepted();
        self.tell_imports();
        Ok(received)
    }

    /// Forgets what came of an import that can not be accepted.
    ///
    /// # Errors
    /// `Store`.
    pub async fn forget_import(&self, tenant: TenantId, import: Uuid) -> Result<(), FlowError> {
        transact(self.pool(), Retries::default(), async |conn| {
            Ok::<_, FlowError>(imports::forget(conn, tenant, import).await?)
        })
        .await
    }

    /// How far an import is.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn import(&self, tenant: TenantId, import: Uuid) -> Result<ImportView, FlowError> {
        transact(self.pool(), Retries::default(), async |conn| view(conn, tenant, import).await).await
    }

    /// What became of an import's rows.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn import_rows(
        &self,
        tenant: TenantId,
        import: Uuid,
        outcome: Option<Outcome>,
        window: Window,
    ) -> Result<Slice<RowResult>, FlowError> {
        transact(self.pool(), Snapshot, async |conn| {
            imports::find(conn, tenant, import).await?.ok_or(FlowError::NotFound("import"))?;
            Ok(import_rows::list(conn, tenant, import, outcome, window).await?)
        })
        .await
    }
}

async fn view(conn: &mut Conn, tenant: TenantId, import: Uuid) -> Result<ImportView, FlowError> {
    let found = imports::find(conn, tenant, import).await?.ok_or(FlowError::NotFound("import"))?;
    Ok(ImportView { counts: import_rows::counts(conn, tenant, import).await?, import: found })
}
