//! How much of a picture we take on.

/// The most bytes of an upload: 5 MB, a photo of a telephone.
pub const UPLOAD_BYTES_MAX: usize = 5 * 1_024 * 1_024;
/// The longest side: four times a large screen's.
pub const SIDE_PIXELS_MAX: u32 = 8_192;
/// The most pixels. Decoding takes up to 8 bytes for each, and writing 4 more: some 200 MB for the largest picture.
pub const PIXELS_MAX: u64 = 16_777_216;
/// The most bytes that a decoder may take beside the picture it fills.
pub const DECODER_BYTES_MAX: u64 = 192 * 1_024 * 1_024;
/// The most scans of a progressive JPEG: ten are usual, and each of them is a walk over all pixels for a few bytes of file.
pub const SCANS_MAX: usize = 100;
/// The most bytes of a stored picture: what lossless writing may make of an upload.
pub const STORED_BYTES_MAX: usize = 16 * 1_024 * 1_024;
/// The longest side of a thumbnail: a tile of an offer wall at double density.
pub const THUMBNAIL_SIDE_PIXELS: u32 = 320;
/// Quality of a JPEG: nobody sees a difference.
pub const JPEG_QUALITY: u8 = 90;
/// Quality of a thumbnail's.
pub const THUMBNAIL_JPEG_QUALITY: u8 = 80;
/// The longest name that a person gives to a picture.
pub const NAME_CHARS_MAX: usize = 200;
