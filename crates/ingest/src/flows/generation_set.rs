//! The credential generations in force: in memory for every call, in a file for the next start.
//!
//! The catalog repeats the whole set every few seconds, so a lost file or a late start costs at most that long; a revoked
//! generation that slips through meanwhile is refused by attribution, which judges it at `received_at`.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use contracts::{ContractError, catalog::CredentialGenerations, read};
use kernel::{CredentialId, Timestamp};
use prost::Message;
use tokio::sync::watch;

use crate::domain::Generations;

/// Why a set was not taken over.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// It is not what it says.
    #[error("the set of credential generations can not be read")]
    Unreadable(#[from] ContractError),
    /// The file is not a set.
    #[error("the file of credential generations does not decode")]
    Decode(#[from] prost::DecodeError),
    /// The file could not be read or written; the set in memory is in force all the same.
    #[error("the file of credential generations")]
    File(#[from] io::Error),
}

/// The set in force. Cheap to clone; readers never wait.
#[derive(Debug, Clone)]
pub struct GenerationSet {
    current: Arc<watch::Sender<Arc<Generations>>>,
    file: PathBuf,
}

impl GenerationSet {
    /// Starts with what the file holds, or with nothing: both are fit for service.
    #[must_use]
    pub fn open(file: &Path) -> Self {
        let known = match load(file) {
            Ok(known) => known,
            Err(SetError::File(error)) if error.kind() == io::ErrorKind::NotFound => Generations::default(),
            Err(error) => {
                tracing::warn!(error = %telemetry::chain(&error), "starting without the saved credential generations; the catalog repeats them within seconds");
                Generations::default()
            }
        };
        Self { current: Arc::new(watch::Sender::new(Arc::new(known))), file: file.to_owned() }
    }

    /// Whether a generation of a credential holds at `at`.
    #[must_use]
    pub fn accept(&self, credential: CredentialId, generation: u32, at: Timestamp) -> bool {
        self.current.borrow().accept(credential, generation, at)
    }

    /// Takes over a broadcast set unless a newer one is in force, then saves it.
    ///
    /// # Errors
    /// [`SetError::Unreadable`] when nothing was taken over; [`SetError::File`] when it is in force but was not saved.
    pub async fn replace(&self, fact: &CredentialGenerations) -> Result<(), SetError> {
        let next = parse(fact)?;
        let is_news = self.current.send_if_modified(|current| {
            // The same version can say something else: a passing overlap is no change of the catalog's.
            let is_news = next.version() >= current.version() && next != **current;
            if is_news {
                *current = Arc::new(next);
            }
            is_news
        });
        if is_news {
            save(&self.file, &fact.encode_to_vec()).await?;
        }
        Ok(())
    }
}

fn parse(fact: &CredentialGenerations) -> Result<Generations, ContractError> {
    let mut set = Generations::new(fact.version);
    for credential in &fact.credentials {
        let id = read::id(CredentialId::from_slice, &credential.credential_id, "credentials.credential_id")?;
        let ending = credential
            .ending
            .iter()
            .filter_map(|ending| Some((ending.generation, read::time(ending.valid_until_micros?))));
        set.insert(id, credential.minimum_generation, ending);
    }
    Ok(set)
}

fn load(file: &Path) -> Result<Generations, SetError> {
    let bytes = std::fs::read(file)?;
    Ok(parse(&CredentialGenerations::decode(bytes.as_slice())?)?)
}

/// Written whole beside the file and then renamed: a crash leaves the old set or the new one, never half of one.
async fn save(file: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    let beside = file.with_extension("new");
    tokio::fs::write(&beside, bytes).await?;
    tokio::fs::rename(&beside, file).await
}

#[cfg(test)]
mod tests {
    use contracts::catalog::{AcceptedGenerations, CredentialGeneration};
    use uuid::Uuid;

    use super::*;

    fn fact(version: u64, minimum: u32) -> CredentialGenerations {
        CredentialGenerations {
            version,
            generated_at_micros: 1,
            credentials: vec![AcceptedGenerations {
                credential_id: Uuid::from_u128(1).as_bytes().to_vec(),
                tenant_id: Uuid::from_u128(2).as_bytes().to_vec(),
                minimum_generation: minimum,
                ending: vec![CredentialGeneration {
                    generation: minimum,
                    issued_at_micros: 0,
                    valid_until_micros: Some(50),
                }],
            }],
        }
    }

    fn holds(set: &GenerationSet, generation: u32, at: i64) -> bool {
        let credential = CredentialId::from_uuid(Uuid::from_u128(1));
        set.accept(credential, generation, Timestamp::from_micros(at))
    }

    #[tokio::test]
    async fn the_newest_set_is_in_force_and_survives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sub/generations");
        let set = GenerationSet::open(&file);
        assert!(holds(&set, 1, 0), "without a set nothing is restricted");
        set.replace(&fact(9, 2)).await.unwrap();
        set.replace(&fact(8, 5)).await.unwrap();
        set.replace(&fact(9, 2)).await.unwrap();
        assert!(!holds(&set, 1, 0));
        assert!(holds(&set, 2, 49));
        assert!(!holds(&set, 2, 50));
        assert!(!holds(&GenerationSet::open(&file), 1, 0));
    }

    #[tokio::test]
    async fn a_broken_file_does_not_keep_ingest_from_starting() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("generations");
        std::fs::write(&file, b"\xff\xff\xff").unwrap();
        assert!(holds(&GenerationSet::open(&file), 1, 0));
    }
}
