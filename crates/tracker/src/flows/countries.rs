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

/// How often the file is looked at: it is replaced once or twice a week.
const LOOK_AGAIN: Duration = Duration::from_mins(1);

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

    /// Reads the file; one that can not be used is reported, and the one before stays in use.
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

/// Reads the file now and whenever it was replaced, for ever.
pub async fn follow_countries(countries: CountryFile, file: PathBuf) {
    let mut known: Option<SystemTime> = None;
    loop {
        let (countries, path) = (countries.clone(), file.clone());
        let seen = tokio::task::spawn_blocking(move || {
            let changed = fs::metadata(&path).and_then(|metadata| metadata.modified()).ok();
            // What is not there is reported once, at the start.
            if changed != known || known.is_none() && changed.is_none() {
                countries.read(&path);
            }
            changed
        });
        known = seen.await.ok().flatten().or(known);
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
