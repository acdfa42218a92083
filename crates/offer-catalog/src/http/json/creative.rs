//! Uploaded pictures.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{flows::CreativeView, http::reading::moments::written};

/// An uploaded picture.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UploadedCreative)]
#[schema(example = json!({
    "creativeId": "0193a1f0-0000-7000-8000-000000000007",
    "name": "golfin.png",
    "contentType": "image/png",
    "width": 1200,
    "height": 628,
    "bytes": 184_320,
    "url": "https://creatives.example.com/api/v1/creatives/files/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08.png",
    "thumbnailUrl": "https://creatives.example.com/api/v1/creatives/files/60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752.jpg",
    "thumbnailWidth": 320,
    "thumbnailHeight": 167,
    "createdAt": "2026-11-25T13:50:00Z"
}))]
pub struct UploadedCreativeJson {
    /// What offers refer to it by.
    creative_id: Uuid,
    /// What its uploader calls it.
    #[schema(example = "golfin.png")]
    name: Option<String>,
    /// Of the picture as it is stored.
    #[schema(example = "image/png")]
    content_type: &'static str,
    /// In pixels.
    #[schema(example = 1200)]
    width: u32,
    /// In pixels.
    #[schema(example = 628)]
    height: u32,
    /// Of the picture as it is stored.
    #[schema(example = 184_320)]
    bytes: u64,
    /// Where everybody sees it.
    #[schema(
        example = "https://creatives.example.com/api/v1/creatives/files/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08.png"
    )]
    url: String,
    /// Where everybody sees it small: at most 320 pixels a side.
    #[schema(
        example = "https://creatives.example.com/api/v1/creatives/files/60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752.jpg"
    )]
    thumbnail_url: String,
    /// In pixels.
    #[schema(example = 320)]
    thumbnail_width: u32,
    /// In pixels.
    #[schema(example = 167)]
    thumbnail_height: u32,
    /// When it was uploaded.
    created_at: String,
}

impl From<CreativeView> for UploadedCreativeJson {
    fn from(view: CreativeView) -> Self {
        let CreativeView { creative, url, thumbnail_url } = view;
        Self {
            creative_id: creative.creative_id.as_uuid(),
            name: creative.name,
            content_type: creative.image.name.format.media_type(),
            width: creative.image.width,
            height: creative.image.height,
            bytes: creative.image.bytes,
            url,
            thumbnail_url,
            thumbnail_width: creative.thumbnail.width,
            thumbnail_height: creative.thumbnail.height,
            created_at: written(creative.created_at),
        }
    }
}
