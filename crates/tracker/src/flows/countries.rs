//! Where an address is: by a file in `MaxMind`'s format, read again when it was replaced.

use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use maxminddb::{MaxMindDbError, Reader, path};
use telemetry::chain;

use crate::domain::Country;

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
enum CountryFileError {
    #[error("reading the file of countries")]
    Io(#[from] std::io::Error),
    #[error("the file of countries is not in MaxMind's format")]
    Format(#[from] MaxMindDbError),
}

/// Countries by address. Without a file, nothing is known of any. Cheap to clone.
#[derive(Clone, Default)]
pub struct CountryFile {
    reader: Arc<RwLock<Option<InMemory>>>,
}

/// A file that was read whole.
type InMemory = Arc<Reader<Vec<u8>>>;

impl CountryFile {
    /// The country of an address, when it is known.
    #[must_use]
    pub fn country_of(&self, address: IpAddr) -> Option<Country> {
        let reader = self.reader.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(Arc::clone)?;
        let code: Option<&str> =
            reader.lookup(address).ok()?.decode_path(&path!["country", "iso_code"]).ok()?;
        code?.parse().ok()
    }

    /// Reads the file whole, then takes it in place of the one before; one that can not be used is reported, and the one before
    /// stays in use.
    fn read(&self, file: &Path) {
        let read = || -> Result<_, CountryFileError> { Ok(Reader::from_source(fs::read(file)?)?) };
        match read() {
            Ok(reader) => {
                *self.reader.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(reader));
                tracing::info!("the file of countries is in use");
            }
            Err(error) => {
                tracing::error!(error = %chain(&error), "the file of countries can not be used; clicks are judged without it, or with the one before");
            }
        }
    }
}

/// What tells one file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    changed: SystemTime,
    bytes: u64,
}

impl Mark {
    /// That of a file; `None` when it is not there.
    fn of(file: &Path) -> Option<Self> {
        let metadata = fs::metadata(file).ok()?;
        Some(Self { changed: metadata.modified().ok()?, bytes: metadata.len() })
    }
}

/// Reads the file now and, looking every `look_again`, whenever it was replaced, for ever. What is wrong is reported once: when it
/// is not there, and of each file that can not be used.
pub async fn follow_countries(countries: CountryFile, file: PathBuf, look_again: Duration) {
    // None: not looked at yet.
    let mut known: Option<Option<Mark>> = None;
    loop {
        let (countries, path) = (countries.clone(), file.clone());
        let seen = tokio::task::spawn_blocking(move || {
            // Before it is read: what is written meanwhile is a change that the next look finds.
            let mark = Mark::of(&path);
            if known != Some(mark) {
                countries.read(&path);
            }
            mark
        });
        known = seen.await.ok().or(known);
        tokio::time::sleep(look_again).await;
    }
}
