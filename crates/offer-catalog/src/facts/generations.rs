use contracts::catalog::{AcceptedGenerations, CredentialGenerations};
use kernel::Timestamp;

use super::credentials::generation;
use crate::domain::{credential, records::Credential};

/// The whole set for every ingest: what `changes` changes have led to, as it stands at `now`.
#[must_use]
pub fn credential_generations(changes: u64, now: Timestamp, ending: &[Credential]) -> CredentialGenerations {
    let told = ending.iter().filter_map(|of| {
        let accepted = credential::accepted(&of.plain_generations(), now)?;
        Some(AcceptedGenerations {
            credential_id: of.credential_id.to_vec(),
            tenant_id: of.tenant_id.to_vec(),
            minimum_generation: accepted.minimum,
            ending: accepted.ending.iter().map(generation).collect(),
        })
    });
    CredentialGenerations {
        version: changes,
        generated_at_micros: now.as_micros(),
        credentials: told.collect(),
    }
}
