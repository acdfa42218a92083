//! From the bytes a stranger sends to the bytes we store.

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder, ImageError, ImageResult, Limits,
    codecs::{
        gif::GifDecoder,
        jpeg::{JpegDecoder, JpegEncoder},
        png::{CompressionType, FilterType, PngDecoder, PngEncoder},
        webp::{WebPDecoder, WebPEncoder},
    },
    metadata::Orientation,
};

use super::{
    Refusal, SourceFormat, StoredFormat,
    bounded::Bounded,
    jpeg,
    limits::{
        DECODER_BYTES_MAX, JPEG_QUALITY, PIXELS_MAX, SIDE_PIXELS_MAX, STORED_BYTES_MAX,
        THUMBNAIL_JPEG_QUALITY, THUMBNAIL_SIDE_PIXELS, UPLOAD_BYTES_MAX,
    },
    sniff::sniff,
};

/// A picture as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// What it is.
    pub format: StoredFormat,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// The file.
    pub bytes: Vec<u8>,
}

/// What is kept of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NormalForm {
    /// What was sent.
    pub source: SourceFormat,
    /// The picture.
    pub image: Picture,
    /// The picture made small.
    pub thumbnail: Picture,
}

/// Decodes an upload and writes its pixels anew. Takes time and memory in proportion to the picture, both bounded by
/// [`limits`](super::limits): not for a thread that serves requests.
///
/// # Errors
/// Why it is refused.
pub fn normal_form(bytes: &[u8]) -> Result<NormalForm, Refusal> {
    if bytes.len() > UPLOAD_BYTES_MAX {
        return Err(Refusal::TooLarge);
    }
    let source = sniff(bytes)?;
    let (image, opaque) = flat(decode(source, bytes)?);
    let format = match source {
        SourceFormat::Jpeg => StoredFormat::Jpeg,
        SourceFormat::WebP if opaque && is_lossy_webp(bytes) => StoredFormat::Jpeg,
        SourceFormat::WebP => StoredFormat::WebP,
        SourceFormat::Png | SourceFormat::Gif => StoredFormat::Png,
    };
    let small = if image.width().max(image.height()) > THUMBNAIL_SIDE_PIXELS {
        &image.thumbnail(THUMBNAIL_SIDE_PIXELS, THUMBNAIL_SIDE_PIXELS)
    } else {
        &image
    };
    let thumbnail_format = if opaque { StoredFormat::Jpeg } else { StoredFormat::Png };
    Ok(NormalForm {
        source,
        thumbnail: encode(small, thumbnail_format, THUMBNAIL_JPEG_QUALITY)?,
        image: encode(&image, format, JPEG_QUALITY)?,
    })
}

fn decode(source: SourceFormat, bytes: &[u8]) -> Result<DynamicImage, Refusal> {
    match source {
        SourceFormat::Png => read(source, PngDecoder::with_limits(Cursor::new(bytes), limits())),
        SourceFormat::Jpeg => read(source, JpegDecoder::new(Cursor::new(jpeg::picture(bytes)?))),
        SourceFormat::WebP => read(source, WebPDecoder::new(Cursor::new(bytes))),
        SourceFormat::Gif => read(source, GifDecoder::new(Cursor::new(bytes))),
    }
}

fn read(source: SourceFormat, decoder: ImageResult<impl ImageDecoder>) -> Result<DynamicImage, Refusal> {
    let refused = |error: ImageError| refusal(source, &error);
    let mut decoder = decoder.map_err(refused)?;
    let (width, height) = decoder.dimensions();
    // Before a byte is taken for them. The decoder's own limits know sides, not areas.
    let pixels = u64::from(width).saturating_mul(u64::from(height));
    if width.max(height) > SIDE_PIXELS_MAX || pixels > PIXELS_MAX {
        return Err(Refusal::TooManyPixels { width, height });
    }
    decoder.set_limits(limits()).map_err(refused)?;
    // It stands in the metadata, which do not survive: what was lying must stand up now.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(refused)?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(DECODER_BYTES_MAX);
    limits
}

fn refusal(format: SourceFormat, error: &ImageError) -> Refusal {
    match error {
        ImageError::Limits(_) => Refusal::TooDemanding(format),
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Refusal::CutOff(format)
        }
        ImageError::Decoding(_)
        | ImageError::Encoding(_)
        | ImageError::Parameter(_)
        | ImageError::Unsupported(_)
        | ImageError::IoError(_) => Refusal::Damaged { format, reason: error.to_string() },
    }
}

/// Eight bits a channel, with a channel for transparency only when something is transparent.
fn flat(image: DynamicImage) -> (DynamicImage, bool) {
    if !image.color().has_alpha() {
        return (image.into_rgb8().into(), true);
    }
    let image = image.into_rgba8();
    let opaque = image.pixels().all(|pixel| {
        let [.., alpha] = pixel.0;
        alpha == u8::MAX
    });
    let image = DynamicImage::from(image);
    (if opaque { image.into_rgb8().into() } else { image }, opaque)
}

/// Whether a WebP is a photo: written anew without losses it would be many times as large. An animation counts as a
/// drawing.
fn is_lossy_webp(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(12..).unwrap_or_default();
    while let [a, b, c, d, s0, s1, s2, s3, chunk @ ..] = rest {
        if [*a, *b, *c, *d] == *b"VP8 " {
            return true;
        }
        let size = u32::from_le_bytes([*s0, *s1, *s2, *s3]);
        // Chunks are padded to an even size.
        let size = usize::try_from(size.saturating_add(size & 1)).unwrap_or(usize::MAX);
        rest = chunk.get(size..).unwrap_or_default();
    }
    false
}

fn encode(image: &DynamicImage, format: StoredFormat, quality: u8) -> Result<Picture, Refusal> {
    let mut file = Bounded::new(STORED_BYTES_MAX);
    let written = match format {
        StoredFormat::Png => image.write_with_encoder(PngEncoder::new_with_quality(
            &mut file,
            CompressionType::Default,
            FilterType::Adaptive,
        )),
        StoredFormat::Jpeg => image.write_with_encoder(JpegEncoder::new_with_quality(&mut file, quality)),
        StoredFormat::WebP => image.write_with_encoder(WebPEncoder::new_lossless(&mut file)),
    };
    // Nothing else can fail: the pixels are ours, and the buffer is memory.
    written.map_err(|_full| Refusal::TooLargeStored)?;
    Ok(Picture { format, width: image.width(), height: image.height(), bytes: file.into_bytes() })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::domain::creative::samples::{Look, sample};

    #[rstest]
    #[case::png(SourceFormat::Png, Look::Opaque, StoredFormat::Png, StoredFormat::Jpeg)]
    #[case::transparent_png(SourceFormat::Png, Look::Transparent, StoredFormat::Png, StoredFormat::Png)]
    #[case::jpeg(SourceFormat::Jpeg, Look::Opaque, StoredFormat::Jpeg, StoredFormat::Jpeg)]
    #[case::webp(SourceFormat::WebP, Look::Opaque, StoredFormat::WebP, StoredFormat::Jpeg)]
    #[case::transparent_webp(SourceFormat::WebP, Look::Transparent, StoredFormat::WebP, StoredFormat::Png)]
    #[case::gif(SourceFormat::Gif, Look::Opaque, StoredFormat::Png, StoredFormat::Jpeg)]
    fn every_format_has_a_normal_form(
        #[case] source: SourceFormat,
        #[case] look: Look,
        #[case] stored: StoredFormat,
        #[case] thumbnail: StoredFormat,
    ) {
        let form = normal_form(&sample(source, look, 640, 400)).unwrap();
        assert_eq!((form.source, form.image.format, form.thumbnail.format), (source, stored, thumbnail));
        assert_eq!((form.image.width, form.image.height), (640, 400));
        assert_eq!((form.thumbnail.width, form.thumbnail.height), (320, 200));
        // What was stored is itself a picture that we would take, and what it shows is what was sent.
        let again = normal_form(&form.image.bytes).unwrap();
        assert_eq!((again.image.width, again.image.height), (640, 400));
        if stored != StoredFormat::Jpeg {
            assert_eq!(again.image.bytes, form.image.bytes);
        }
    }

    #[test]
    fn a_small_picture_is_not_made_larger() {
        let form = normal_form(&sample(SourceFormat::Png, Look::Opaque, 1, 30)).unwrap();
        assert_eq!((form.thumbnail.width, form.thumbnail.height), (1, 30));
    }

    #[test]
    fn a_thin_picture_keeps_a_pixel() {
        let form = normal_form(&sample(SourceFormat::Png, Look::Opaque, 8_192, 2)).unwrap();
        assert_eq!((form.thumbnail.width, form.thumbnail.height), (320, 1));
    }

    #[test]
    fn a_photo_that_lies_on_its_side_stands_up() {
        let jpeg = sample(SourceFormat::Jpeg, Look::Opaque, 60, 40);
        // Exif with one entry: orientation, 6 (turn right).
        let exif = b"\xff\xe1\x00\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let turned = [&jpeg[..2], exif, &jpeg[2..]].concat();
        let form = normal_form(&turned).unwrap();
        assert_eq!((form.image.width, form.image.height), (40, 60));
        assert!(!form.image.bytes.windows(4).any(|four| four == b"Exif"));
    }

    #[test]
    fn a_lossy_webp_is_told_from_a_lossless_one() {
        assert!(!is_lossy_webp(&sample(SourceFormat::WebP, Look::Opaque, 4, 4)));
        assert!(is_lossy_webp(b"RIFF\0\0\0\0WEBPVP8X\x01\0\0\0a\0VP8 \0\0\0\0"));
        assert!(!is_lossy_webp(b"RIFF\0\0\0\0WEBPVP8X\xff\xff\xff\xffVP8 "));
    }
}
