//! `CredentialChanged` → [`Credential`].

use contracts::{ContractError, catalog::CredentialChanged, read};
use kernel::AdvertiserId;

use crate::domain::{Credential, Generation};

/// Reads a credential.
///
/// # Errors
/// [`ContractError`] when the advertiser is no id.
pub fn credential(fact: &CredentialChanged) -> Result<Credential, ContractError> {
    let generations = fact
        .generations
        .iter()
        .map(|one| (one.generation, Generation { valid_until: one.valid_until_micros.map(read::time) }));
    Ok(Credential {
        advertiser: read::optional_id(
            AdvertiserId::from_slice,
            fact.advertiser_id.as_deref(),
            "advertiser_id",
        )?,
        generations: generations.collect(),
    })
}
