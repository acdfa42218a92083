//! Pictures for tests.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

use super::SourceFormat;

/// Whether parts of it are transparent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Opaque,
    Transparent,
}

/// A picture with some structure, so that no encoder makes nothing of it.
pub fn sample(format: SourceFormat, look: Look, width: u32, height: u32) -> Vec<u8> {
    let shade = |value: u32| u8::try_from(value % 256).unwrap();
    let image: DynamicImage = match look {
        Look::Opaque => {
            RgbImage::from_fn(width, height, |x, y| Rgb([shade(x), shade(y), shade(x + y)])).into()
        }
        Look::Transparent => {
            RgbaImage::from_fn(width, height, |x, y| Rgba([shade(x), shade(y), 9, shade(x * 3)])).into()
        }
    };
    let format = match format {
        SourceFormat::Png => ImageFormat::Png,
        SourceFormat::Jpeg => ImageFormat::Jpeg,
        SourceFormat::WebP => ImageFormat::WebP,
        SourceFormat::Gif => ImageFormat::Gif,
    };
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}
