//! What all flows share.

use std::sync::Arc;

use http_kit::client::AddressPolicy;
use kernel::{Clock, IdSource, TenantId, Timestamp};
use postgres_kit::Pool;
use secrecy::SecretString;
use signing::Keyring;
use tokio::sync::Notify;

use super::{FlowError, creatives::Uploads};
use crate::{
    domain::{public_url::PublicBase, records::Tenant},
    store::{Conn, creative_files::CreativeFiles, tenants},
};

/// What the catalog is made of; see [`Catalog`].
pub struct CatalogParts {
    /// The database.
    pub pool: Pool,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids and random bytes.
    pub ids: Arc<dyn IdSource>,
    /// Signs postback credentials; shared with every ingest.
    pub credential_keys: Keyring,
    /// Seals publishers' secrets; shared with payout.
    pub sealing_keys: Keyring,
    /// Key of the tokens' hashes; shared with every service.
    pub token_pepper: SecretString,
    /// Where publishers may be told; the same as payout's.
    pub addresses: AddressPolicy,
    /// Where postbacks come in.
    pub postback_base: PublicBase,
    /// Where clicks come in.
    pub tracking_base: PublicBase,
    /// Where the public sees creatives.
    pub creatives_base: PublicBase,
    /// Where the files of creatives lie.
    pub creative_files: CreativeFiles,
    /// Pictures decoded at once.
    pub decoders: usize,
}

/// The catalog: every flow is one of its methods. Cheap to clone.
#[derive(Clone)]
pub struct Catalog {
    pub(super) parts: Arc<CatalogParts>,
    pub(super) uploads: Arc<Uploads>,
    generations_changed: Arc<Notify>,
    imports_came: Arc<Notify>,
}

impl Catalog {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: CatalogParts) -> Self {
        Self {
            uploads: Arc::new(Uploads::new(parts.decoders)),
            parts: Arc::new(parts),
            generations_changed: Arc::new(Notify::new()),
            imports_came: Arc::new(Notify::new()),
        }
    }

    /// Where publishers may be told.
    #[must_use]
    pub fn addresses(&self) -> &AddressPolicy {
        &self.parts.addresses
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.parts.pool
    }

    pub(super) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    pub(super) fn ids(&self) -> &dyn IdSource {
        self.parts.ids.as_ref()
    }

    pub(super) fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.parts.ids.fill_random(&mut bytes);
        bytes
    }

    /// Says that credentials changed, after the commit: the broadcast goes out at once instead of at its next turn.
    pub(super) fn tell_generations(&self) {
        self.generations_changed.notify_one();
    }

    /// Says that an import came in, after the commit: this replica begins at once instead of at its next look.
    pub(super) fn tell_imports(&self) {
        self.imports_came.notify_one();
    }

    /// Resolves when an import came in on this replica since it last resolved.
    pub(super) async fn imports_came(&self) {
        self.imports_came.notified().await;
    }

    /// Resolves when credentials changed on this replica since it last resolved.
    pub async fn generations_changed(&self) {
        self.generations_changed.notified().await;
    }
}

/// The tenant of an authenticated call.
pub(super) async fn tenant_of(conn: &mut Conn, tenant: TenantId) -> Result<Tenant, FlowError> {
    tenants::find(conn, tenant).await?.ok_or(FlowError::NotFound("tenant"))
}
