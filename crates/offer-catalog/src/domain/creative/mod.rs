//! Creatives: pictures that are uploaded, from the bytes a stranger sends to the bytes we show to the public.
//!
//! Nothing that was sent is ever served. An upload is [recognised](sniff) by its content, decoded within [limits], and
//! written anew as pixels: its [normal form](normal_form). So metadata, trailing payloads and files that are two things
//! at once do not survive, and whoever looks at a picture gets what our own encoder wrote. The files are named by what
//! they hold ([`FileName`]), which is why they may be kept for ever by everybody.

#[cfg(test)]
mod attacks;
mod bounded;
mod file_name;
mod jpeg;
pub mod limits;
mod name;
mod normal_form;
#[cfg(test)]
pub mod samples;
mod sniff;

use kernel::{CreativeId, TenantId, Timestamp};

pub use self::{
    file_name::{FileName, StoredFormat},
    name::check_name,
    normal_form::{NormalForm, Picture, normal_form},
    sniff::SourceFormat,
};

/// One file of a creative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreativeFile {
    /// What it is called.
    pub name: FileName,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// How large it is.
    pub bytes: u64,
}

/// An uploaded picture. It never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadedCreative {
    /// Whose.
    pub tenant_id: TenantId,
    /// Its id.
    pub creative_id: CreativeId,
    /// What people call it.
    pub name: Option<String>,
    /// The picture.
    pub image: CreativeFile,
    /// The picture made small.
    pub thumbnail: CreativeFile,
    /// When it was uploaded.
    pub created_at: Timestamp,
}

/// Why an upload is refused, as a sentence that says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No bytes.
    #[error("is empty; send the bytes of a PNG, JPEG, WebP or GIF picture as the body")]
    Empty,
    /// Too many bytes.
    #[error("may have {} bytes (5 MB), has more; make the picture smaller", limits::UPLOAD_BYTES_MAX)]
    TooLarge,
    /// A drawing that can carry scripts.
    #[error("is SVG or another kind of XML, which can carry scripts; export it as PNG, JPEG, WebP or GIF")]
    Xml,
    /// What cameras of telephones write.
    #[error("is AVIF or HEIC, which not every browser shows; export it as PNG, JPEG, WebP or GIF")]
    Modern,
    /// Something else.
    #[error("is by its content no PNG, JPEG, WebP or GIF, whatever it is called; send one of these")]
    Unknown,
    /// More pixels than we decode.
    #[error(
        "may have {} pixels a side and {} in all, says that it has {width} × {height}; scale the picture down",
        limits::SIDE_PIXELS_MAX,
        limits::PIXELS_MAX
    )]
    TooManyPixels {
        /// As the file says.
        width: u32,
        /// As the file says.
        height: u32,
    },
    /// More memory than we give a decoder.
    #[error("takes more memory than {0} may take; scale the picture down and save it anew")]
    TooDemanding(SourceFormat),
    /// A JPEG that takes for ever.
    #[error("is a JPEG of more than {} scans; save it as an ordinary one", limits::SCANS_MAX)]
    TooManyScans,
    /// Cut off.
    #[error("ends too early: the {0} was cut off; send the whole file")]
    CutOff(SourceFormat),
    /// It says what it is and is not.
    #[error("begins as {format} and can not be decoded as one ({reason}); send a whole, undamaged picture")]
    Damaged {
        /// What it seemed to be.
        format: SourceFormat,
        /// The decoder's words.
        reason: String,
    },
    /// Larger when written anew than we store.
    #[error("takes more than {} bytes when stored; scale the picture down", limits::STORED_BYTES_MAX)]
    TooLargeStored,
}
