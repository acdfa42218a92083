use contracts::catalog::{CredentialChanged, CredentialGeneration};
use kernel::{AdvertiserId, Timestamp};

use crate::domain::{credential::Generation, records::Credential};

/// The credential with all its generations as it stands.
#[must_use]
pub fn credential_changed(credential: &Credential) -> CredentialChanged {
    CredentialChanged {
        tenant_id: credential.tenant_id.to_vec(),
        credential_id: credential.credential_id.to_vec(),
        version: credential.revision.0,
        advertiser_id: credential.advertiser_id.map(AdvertiserId::to_vec),
        generations: credential.plain_generations().iter().map(generation).collect(),
    }
}

pub(super) fn generation(generation: &Generation) -> CredentialGeneration {
    CredentialGeneration {
        generation: u32::from(generation.number),
        issued_at_micros: generation.issued_at.as_micros(),
        valid_until_micros: generation.valid_until.map(Timestamp::as_micros),
    }
}
