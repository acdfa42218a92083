//! Creatives: uploaded, decoded beside the threads that serve, stored, looked at.

use std::sync::Arc;

use bytes::Bytes;
use kernel::{CreativeId, TenantId, TokenId};
use postgres_kit::{Retries, Snapshot, transact};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    Catalog, FlowError,
    write::{Change, States},
};
use crate::{
    domain::{
        audit::{Actor, AuditAction},
        creative::{CreativeFile, FileName, NormalForm, Picture, UploadedCreative, normal_form},
        listing::{Slice, Window},
        public_url,
    },
    store::creatives,
};

/// Uploads under way at once, each with its file in memory: 160 MB at most. Whoever comes then is asked to come again.
const UPLOADS_MAX: usize = 32;

/// Who may upload and decode right now.
pub(super) struct Uploads {
    under_way: Arc<Semaphore>,
    decoding: Arc<Semaphore>,
}

impl Uploads {
    /// With so many pictures decoded at once.
    pub(super) fn new(decoders: usize) -> Self {
        Self {
            under_way: Arc::new(Semaphore::new(UPLOADS_MAX)),
            decoding: Arc::new(Semaphore::new(decoders)),
        }
    }
}

/// The right to send a file: taken before its first byte is read.
pub struct UploadPlace {
    _permit: OwnedSemaphorePermit,
}

/// A creative with the addresses the public sees it under.
#[derive(Debug, Clone)]
pub struct CreativeView {
    /// The creative.
    pub creative: UploadedCreative,
    /// The picture.
    pub url: String,
    /// The picture made small.
    pub thumbnail_url: String,
}

/// What an upload led to.
#[derive(Debug, Clone)]
pub enum Upload {
    /// A new creative.
    New(CreativeView),
    /// The tenant had this picture already.
    Known(CreativeView),
}

impl Catalog {
    /// A place among the uploads under way.
    ///
    /// # Errors
    /// `Busy`.
    pub fn place_for_upload(&self) -> Result<UploadPlace, FlowError> {
        let permit = Arc::clone(&self.uploads.under_way).try_acquire_owned();
        permit.map(|permit| UploadPlace { _permit: permit }).map_err(|_none_left| FlowError::Busy)
    }

    /// Makes a creative of a file. The same picture again is the same creative, and mends its files if they were lost.
    ///
    /// # Errors
    /// `Invalid` when it is no picture we take, `Files`, `Store`.
    pub async fn upload_creative(
        &self,
        place: UploadPlace,
        tenant: TenantId,
        actor: TokenId,
        name: Option<String>,
        file: Bytes,
    ) -> Result<Upload, FlowError> {
        let NormalForm { image, thumbnail, .. } = self.decode(file).await?;
        let creative = UploadedCreative {
            tenant_id: tenant,
            creative_id: CreativeId::from_uuid(self.ids().uuid_v7()),
            name,
            image: file_of(tenant, &image),
            thumbnail: file_of(tenant, &thumbnail),
            created_at: self.now(),
        };
        // Files first: a row never names what is not there. What is left without a row when we stop in between is found
        // under its name by the next upload of the same picture.
        let files = &self.parts.creative_files;
        files.save(creative.thumbnail.name, thumbnail.bytes).await?;
        files.save(creative.image.name, image.bytes).await?;
        drop(place);

        let change = Change::new(self.ids(), tenant, Actor::Token(actor), creative.created_at);
        let (creative, change) = (&creative, &change);
        transact(self.pool(), Retries::default(), async |conn| {
            if !creatives::insert(conn, creative).await? {
                let known = creatives::find_by_file(conn, tenant, creative.image.name).await?;
                let known = known.ok_or(FlowError::NotFound("creative"))?;
                return Ok(Upload::Known(self.creative_view(known)));
            }
            let states = States::new(&logged(creative))?;
            change.audit(conn, AuditAction::CreativeUploaded, creative.creative_id.as_uuid(), states).await?;
            Ok(Upload::New(self.creative_view(creative.clone())))
        })
        .await
    }

    /// One creative.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn creative(&self, tenant: TenantId, id: CreativeId) -> Result<CreativeView, FlowError> {
        transact(self.pool(), Retries::default(), async |conn| {
            let found = creatives::find(conn, tenant, id).await?.ok_or(FlowError::NotFound("creative"))?;
            Ok(self.creative_view(found))
        })
        .await
    }

    /// A page of a tenant's creatives, newest first.
    ///
    /// # Errors
    /// `Store`.
    pub async fn list_creatives(
        &self,
        tenant: TenantId,
        window: Window,
    ) -> Result<Slice<CreativeView>, FlowError> {
        transact(self.pool(), Snapshot, async |conn| {
            let Slice { items, total } = creatives::list(conn, tenant, window).await?;
            let items = items.into_iter().map(|creative| self.creative_view(creative)).collect();
            Ok(Slice { items, total })
        })
        .await
    }

    /// A stored file, for everybody who has its name. No database is asked.
    ///
    /// # Errors
    /// `NotFound`, `Files`.
    pub async fn creative_file(&self, name: FileName) -> Result<Bytes, FlowError> {
        self.parts.creative_files.read(name).await?.ok_or(FlowError::NotFound("file of a creative"))
    }

    pub(super) fn creative_view(&self, creative: UploadedCreative) -> CreativeView {
        let url = |file: &CreativeFile| public_url::creative(&self.parts.creatives_base, file.name);
        CreativeView { url: url(&creative.image), thumbnail_url: url(&creative.thumbnail), creative }
    }

    async fn decode(&self, file: Bytes) -> Result<NormalForm, FlowError> {
        let permit = Arc::clone(&self.uploads.decoding).acquire_owned().await;
        let permit = permit.map_err(|closed| FlowError::Broken("nothing decodes any more", closed.into()))?;
        // It goes on when its caller hangs up, and so does what it takes: the permit goes with it.
        let decoding = tokio::task::spawn_blocking(move || {
            let decoded = normal_form(&file);
            drop(permit);
            decoded
        });
        match decoding.await {
            Ok(decoded) => decoded.map_err(|refusal| FlowError::field("image", refusal.to_string())),
            Err(error) if error.is_panic() => {
                tracing::error!(error = %error, "a decoder panicked over an upload, which was refused");
                Err(FlowError::field("image", "can not be decoded; save it anew with another program"))
            }
            Err(error) => Err(FlowError::Broken("an upload was not decoded", error.into())),
        }
    }
}

fn file_of(tenant: TenantId, picture: &Picture) -> CreativeFile {
    CreativeFile {
        name: FileName::of(tenant, picture.format, &picture.bytes),
        width: picture.width,
        height: picture.height,
        bytes: u64::try_from(picture.bytes.len()).unwrap_or(u64::MAX),
    }
}

fn logged(creative: &UploadedCreative) -> serde_json::Value {
    let image = &creative.image;
    json!({
        "name": creative.name,
        "file": image.name.to_string(),
        "width": image.width,
        "height": image.height,
        "bytes": image.bytes,
    })
}
