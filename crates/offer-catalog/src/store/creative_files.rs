//! Where the files of creatives lie: a folder of this machine, or a bucket that speaks S3. Files are written whole and on
//! disk before anything names them, and never changed: writing one again writes the same bytes.

use std::{fmt, fs, io, path::Path, sync::Arc};

use object_store::{
    ClientOptions, ObjectStore, ObjectStoreExt as _, PutPayload, RetryConfig, aws::AmazonS3Builder,
    local::LocalFileSystem, path::Path as Key,
};
use secrecy::{ExposeSecret as _, SecretString};

use crate::domain::creative::FileName;

/// How long one call of a bucket may take, and all tries of it together.
const BUCKET_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// The files; cheap to clone.
#[derive(Clone)]
pub struct CreativeFiles {
    store: Arc<dyn ObjectStore>,
}

/// A bucket and who may use it.
pub struct Bucket<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where it is.
    pub region: &'a str,
    /// Empty: Amazon's own.
    pub endpoint: &'a str,
    /// Who.
    pub access_key_id: &'a str,
    /// May.
    pub secret_access_key: &'a SecretString,
}

/// The store could not be opened, written or read.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The folder is not there and can not be made.
    #[error("the folder of the creatives")]
    Folder(#[from] io::Error),
    /// The store's own words.
    #[error("the store of the creatives")]
    Store(#[from] object_store::Error),
}

impl CreativeFiles {
    /// A folder, made when it is not there.
    ///
    /// # Errors
    /// `Folder`, `Store`.
    pub fn in_folder(folder: &Path) -> Result<Self, FilesError> {
        fs::create_dir_all(folder)?;
        // A row may name a file as soon as `save` returned, and a row outlives a power failure.
        let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self { store: Arc::new(store) })
    }

    /// A bucket. Nothing is called yet.
    ///
    /// # Errors
    /// `Store`.
    pub fn in_bucket(bucket: &Bucket<'_>) -> Result<Self, FilesError> {
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket.name)
            .with_region(bucket.region)
            .with_access_key_id(bucket.access_key_id)
            .with_secret_access_key(bucket.secret_access_key.expose_secret())
            .with_client_options(ClientOptions::new().with_timeout(BUCKET_TIMEOUT))
            .with_retry(RetryConfig {
                retry_timeout: BUCKET_TIMEOUT,
                max_retries: 3,
                ..RetryConfig::default()
            });
        if !bucket.endpoint.is_empty() {
            let plain = bucket.endpoint.starts_with("http://");
            builder = builder.with_endpoint(bucket.endpoint).with_allow_http(plain);
        }
        Ok(Self { store: Arc::new(builder.build()?) })
    }

    /// Writes a file. When this returns it is durable.
    ///
    /// # Errors
    /// `Store`.
    pub async fn save(&self, name: FileName, content: Vec<u8>) -> Result<(), FilesError> {
        self.store.put(&key(name), PutPayload::from(content)).await?;
        Ok(())
    }

    /// Reads a file; `None` when there is none. Files are small: `STORED_BYTES_MAX`.
    ///
    /// # Errors
    /// `Store`.
    pub async fn read(&self, name: FileName) -> Result<Option<bytes::Bytes>, FilesError> {
        let found = match self.store.get(&key(name)).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(Some(found.bytes().await?))
    }
}

/// A name is 64 digits and an extension: a key of one part, the same in a folder and in a bucket.
fn key(name: FileName) -> Key {
    Key::from(name.to_string())
}

impl fmt::Debug for CreativeFiles {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `Display`, which names the place; what opens it stays unsaid.
        write!(out, "CreativeFiles({})", self.store)
    }
}
