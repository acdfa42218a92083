//! Ingest's `CredentialUsed`: "last used" of each generation and app.

use ::bus::{BatchHandler, HandleError};
use contracts::{ContractError, envelope::Envelope, ingest::CredentialUsed, open, read};
use hand_over::failure;
use kernel::{CredentialId, FactId, TenantId};
use postgres_kit::Pool;

use crate::{
    domain::credential_use::{APP_ID_BYTES_MAX, GenerationKey, Told, Use},
    flows::{CREDENTIAL_USES, Catalog, UseError},
};

/// Adds up batches of uses.
pub struct OnCredentialUsed {
    /// Who adds.
    pub catalog: Catalog,
    /// Where what can not be added is buried.
    pub pool: Pool,
}

impl BatchHandler for OnCredentialUsed {
    async fn handle(&self, items: &[Envelope]) -> Result<(), HandleError> {
        let batch: Vec<(FactId, Told)> =
            items.iter().map(told).collect::<Result<_, _>>().map_err(|error| failure::of_contract(&error))?;
        self.catalog.record_uses(&batch).await.map_err(|error| match &error {
            UseError::Store(failure) => failure::of_store(failure),
            UseError::NeverIssued(_) => HandleError::Poison(telemetry::chain(&error)),
        })
    }

    async fn bury(&self, item: &Envelope, reason: &str) -> Result<(), HandleError> {
        failure::bury(&self.pool, CREDENTIAL_USES, item, reason).await
    }
}

fn told(item: &Envelope) -> Result<(FactId, Told), ContractError> {
    let fact: CredentialUsed = open(item)?;
    let tenant = read::id(TenantId::from_slice, &fact.tenant_id, "tenant_id")?;
    if read::tenant_id(item)? != tenant {
        return Err(read::field_error("tenant_id", "is not the envelope's tenant"));
    }
    let number = u16::try_from(fact.generation).ok().filter(|number| *number > 0);
    let key = GenerationKey {
        tenant,
        credential: read::id(CredentialId::from_slice, &fact.credential_id, "credential_id")?,
        number: number.ok_or_else(|| read::field_error("generation", "must be 1 to 65535"))?,
    };
    if fact.app_id.len() > APP_ID_BYTES_MAX || fact.app_id.chars().any(char::is_control) {
        return Err(read::field_error("app_id", "must be at most 255 bytes without control characters"));
    }
    if fact.last_used_at_micros < fact.first_used_at_micros {
        return Err(read::field_error("last_used_at_micros", "must not be before first_used_at_micros"));
    }
    let how = Use {
        first: read::time(fact.first_used_at_micros),
        last: read::time(fact.last_used_at_micros),
        times: i64::try_from(fact.uses)
            .ok()
            .filter(|times| *times > 0)
            .ok_or_else(|| read::field_error("uses", "must be at least 1 and fit 63 bits"))?,
    };
    Ok((read::fact_id(item)?, Told { key, app_id: fact.app_id, how }))
}
