//! What strangers may send instead of a picture: each is refused with its reason, or only its pixels are kept.

use proptest::prelude::*;
use rstest::rstest;

use super::{
    Refusal, SourceFormat,
    limits::UPLOAD_BYTES_MAX,
    normal_form,
    samples::{Look, sample},
};

const PAYLOAD: &[u8] = b"<?php system($_GET['c']); ?><script>alert(document.domain)</script>PK\x03\x04";
const FORMATS: [SourceFormat; 4] =
    [SourceFormat::Png, SourceFormat::Jpeg, SourceFormat::WebP, SourceFormat::Gif];

fn small(format: SourceFormat) -> Vec<u8> {
    sample(format, Look::Opaque, 40, 30)
}

/// A part of a PNG, with its checksum.
fn png_chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut checksum = u32::MAX;
    for byte in kind.iter().chain(data) {
        checksum ^= u32::from(*byte);
        for _ in 0..8 {
            checksum = if checksum & 1 == 1 { (checksum >> 1) ^ 0xedb8_8320 } else { checksum >> 1 };
        }
    }
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    [&length, kind.as_slice(), data, &(!checksum).to_be_bytes()].concat()
}

/// A PNG that says it is so wide and high, with hardly anything in it.
fn png_claiming(width: u32, height: u32) -> Vec<u8> {
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
    // An empty zlib stream.
    let data = [0x78, 0x9c, 0x03, 0, 0, 0, 0, 1];
    [
        b"\x89PNG\r\n\x1a\n".as_slice(),
        &png_chunk(*b"IHDR", &head),
        &png_chunk(*b"IDAT", &data),
        &png_chunk(*b"IEND", &[]),
    ]
    .concat()
}

/// A JPEG that says it is so wide and high.
fn jpeg_claiming(width: u16, height: u16) -> Vec<u8> {
    let mut jpeg = small(SourceFormat::Jpeg);
    let at = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    jpeg[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
    jpeg[at + 7..at + 9].copy_from_slice(&width.to_be_bytes());
    jpeg
}

/// A GIF that says it is so wide and high.
fn gif_claiming(side: u16) -> Vec<u8> {
    let mut gif = small(SourceFormat::Gif);
    gif[6..8].copy_from_slice(&side.to_le_bytes());
    gif[8..10].copy_from_slice(&side.to_le_bytes());
    gif
}

/// A WebP that says it is so wide and high.
fn webp_claiming(side: u32) -> Vec<u8> {
    let [a, b, c, _] = (side - 1).to_le_bytes();
    let lossless = &small(SourceFormat::WebP)[12..];
    let head = [b"VP8X\x0a\0\0\0\0\0\0\0".as_slice(), &[a, b, c, a, b, c]].concat();
    let bytes = u32::try_from(4 + head.len() + lossless.len()).unwrap().to_le_bytes();
    [b"RIFF".as_slice(), &bytes, b"WEBP", &head, lossless].concat()
}

/// A JPEG with its scan over and over again.
fn jpeg_of_many_scans() -> Vec<u8> {
    let jpeg = small(SourceFormat::Jpeg);
    let at = jpeg.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
    let (head, scan) = jpeg.split_at(at);
    let scan = &scan[..scan.len() - 2];
    [head, &scan.repeat(101), &[0xff, 0xd9]].concat()
}

#[rstest]
#[case::nothing(b"".to_vec(), "is empty")]
#[case::svg(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec(), "SVG")]
#[case::svg_with_a_head(b"\xef\xbb\xbf \n<?xml version='1.0'?><svg/>".to_vec(), "SVG")]
#[case::svg_in_utf16(b"\xff\xfe<\0s\0v\0g\0/\0>\0".to_vec(), "SVG")]
#[case::html(b"<!DOCTYPE html><script>1</script>".to_vec(), "SVG or another kind of XML")]
#[case::avif(b"\0\0\0\x1cftypavif\0\0\0\0".to_vec(), "AVIF")]
#[case::text(b"hello".to_vec(), "no PNG, JPEG, WebP or GIF")]
#[case::pdf(b"%PDF-1.7".to_vec(), "no PNG, JPEG, WebP or GIF")]
#[case::bmp(b"BM\x46\0\0\0\0\0\0\0".to_vec(), "no PNG, JPEG, WebP or GIF")]
#[case::exe_called_png(b"MZ\x90\0\x03".to_vec(), "no PNG, JPEG, WebP or GIF")]
#[case::payload_first([PAYLOAD, &small(SourceFormat::Png)].concat(), "SVG or another kind of XML")]
#[case::wav(b"RIFF\x04\0\0\0WAVE".to_vec(), "no PNG, JPEG, WebP or GIF")]
#[case::png_bomb(png_claiming(50_000, 50_000), "scale the picture down")]
#[case::png_ribbon(png_claiming(2_000_000_000, 1), "scale the picture down")]
#[case::png_just_too_many(png_claiming(4_097, 4_096), "4097 × 4096")]
#[case::png_without_pixels(png_claiming(100, 100), "PNG")]
#[case::png_of_no_size(png_claiming(0, 0), "PNG")]
#[case::jpeg_bomb(jpeg_claiming(65_000, 65_000), "scale the picture down")]
#[case::jpeg_scans(jpeg_of_many_scans(), "more than 100 scans")]
#[case::gif_bomb(gif_claiming(65_535), "scale the picture down")]
#[case::webp_bomb(webp_claiming(16_384), "scale the picture down")]
#[case::webp_of_two_sizes(webp_claiming(1_000), "can not be decoded as one")]
#[case::gif_head_only(b"GIF89a\x08\0\x08\0<script>alert(1)</script>".to_vec(), "GIF")]
#[case::gif_of_text(b"GIF89a<script>alert(1)</script>".to_vec(), "29500 × 29283")]
#[case::jpeg_head_only(b"\xff\xd8\xff\xe0<?php ?>".to_vec(), "JPEG")]
#[case::png_head_only(b"\x89PNG\r\n\x1a\n".to_vec(), "PNG")]
#[case::webp_head_only(b"RIFF\xff\xff\xff\xffWEBP".to_vec(), "WebP")]
fn what_is_no_picture_is_refused_with_its_reason(#[case] bytes: Vec<u8>, #[case] says: &str) {
    let refusal = normal_form(&bytes).unwrap_err().to_string();
    assert!(refusal.contains(says), "{refusal}");
}

#[test]
fn a_byte_too_many_is_refused_before_anything_is_read() {
    let mut bytes = small(SourceFormat::Png);
    bytes.resize(UPLOAD_BYTES_MAX, 0);
    assert!(normal_form(&bytes).is_ok());
    bytes.push(0);
    assert_eq!(normal_form(&bytes), Err(Refusal::TooLarge));
}

#[test]
fn a_payload_behind_the_picture_does_not_survive() {
    for format in FORMATS {
        let clean = normal_form(&small(format)).unwrap();
        let with_payload = [small(format).as_slice(), PAYLOAD].concat();
        assert_eq!(normal_form(&with_payload), Ok(clean), "{format}");
    }
}

#[test]
fn a_payload_inside_of_the_metadata_does_not_survive() {
    let (png, jpeg) = (small(SourceFormat::Png), small(SourceFormat::Jpeg));
    // Behind the head of 33 bytes; and behind the start of the image.
    let in_png = [&png[..33], &png_chunk(*b"tEXt", &[b"Comment\0", PAYLOAD].concat()), &png[33..]].concat();
    let length = u16::try_from(PAYLOAD.len() + 2).unwrap().to_be_bytes();
    let in_jpeg = [&jpeg[..2], &[0xff, 0xfe], &length, PAYLOAD, &jpeg[2..]].concat();
    for (with_payload, without) in [(in_png, png), (in_jpeg, jpeg)] {
        let form = normal_form(&with_payload).unwrap();
        assert_eq!(form, normal_form(&without).unwrap());
        assert!(!form.image.bytes.windows(8).any(|eight| eight == &PAYLOAD[..8]));
    }
}

#[test]
fn a_file_that_was_cut_off_is_refused() {
    for format in FORMATS {
        let whole = sample(format, Look::Opaque, 200, 150);
        for share in [2, 3, 4, 10] {
            let part = &whole[..whole.len() * (share - 1) / share];
            assert!(normal_form(part).is_err(), "{format} cut off behind {} of {}", part.len(), whole.len());
        }
    }
}

fn any_format() -> impl Strategy<Value = SourceFormat> {
    prop::sample::select(FORMATS.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_give_a_result(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        drop(normal_form(&bytes));
    }

    /// Bytes that begin right come further.
    #[test]
    fn any_bytes_behind_a_head_give_a_result(
        format in any_format(),
        head in 8_usize..64,
        bytes in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let whole = small(format);
        drop(normal_form(&[&whole[..head], &bytes].concat()));
    }

    #[test]
    fn a_damaged_picture_gives_a_result_and_what_comes_out_is_one(
        format in any_format(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let mut bytes = small(format);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(form) = normal_form(&bytes) {
            prop_assert!(normal_form(&form.image.bytes).is_ok());
            prop_assert!(normal_form(&form.thumbnail.bytes).is_ok());
        }
    }
}
