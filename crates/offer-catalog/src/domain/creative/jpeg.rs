//! What a JPEG's decoder is too kind about: it fills a file that was cut off with grey, and walks over all pixels for each
//! of as many scans as a file likes to have (a few bytes each).

use super::{Refusal, SourceFormat, limits::SCANS_MAX};

const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;

/// The file up to the end of its picture: the decoder sees nothing of what lies behind.
///
/// # Errors
/// `CutOff` when the picture has no end, `TooManyScans`.
pub(super) fn picture(bytes: &[u8]) -> Result<&[u8], Refusal> {
    let cut_off = || Refusal::CutOff(SourceFormat::Jpeg);
    // Behind the start of the image.
    let mut rest = bytes.get(2..).ok_or_else(cut_off)?;
    let end = loop {
        // Between segments and inside of a scan alike, the next thing is announced by FF.
        let at = rest.iter().position(|byte| *byte == 0xff).ok_or_else(cut_off)?;
        let (_, from_marker) = rest.split_at(at);
        let [_, behind @ ..] = from_marker else { return Err(cut_off()) };
        let (marker, after) = behind.split_first().ok_or_else(cut_off)?;
        rest = match *marker {
            END_OF_IMAGE => break after,
            // Filling: the second FF may be the one before a marker.
            0xff => behind,
            // A data byte FF, restarts inside of a scan, and others without a length.
            0x00 | 0x01 | 0xd0..=0xd8 => after,
            _ => {
                let [high, low, ..] = after else { return Err(cut_off()) };
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                // The length counts its own two bytes.
                after.get(length.max(2)..).ok_or_else(cut_off)?
            }
        };
    };
    let picture = bytes.get(..bytes.len().saturating_sub(end.len())).ok_or_else(cut_off)?;
    // Counted wherever they stand, so that no decoder can find more of them than we do.
    let scans = picture.windows(2).filter(|pair| *pair == [0xff, START_OF_SCAN]).count();
    if scans > SCANS_MAX { Err(Refusal::TooManyScans) } else { Ok(picture) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_lies_behind_the_picture_is_cut_away() {
        let jpeg = [
            &[0xff, 0xd8, 0xff, 0xe0, 0, 4, 0xff, 0xd9, 0xff, 0xda, 0, 2, 1, 0xff, 0, 0xff, 0xd9],
            b"tail".as_slice(),
        ];
        let jpeg = jpeg.concat();
        assert_eq!(picture(&jpeg).unwrap().len(), jpeg.len() - 4);
        assert_eq!(picture(&jpeg[..16]), Err(Refusal::CutOff(SourceFormat::Jpeg)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_walked_to_an_end(bytes in proptest::collection::vec(prop_oneof![Just(0xff), Just(0xda), Just(0xd9), any::<u8>()], 0..300)) {
            if let Ok(found) = picture(&bytes) {
                prop_assert!(bytes.starts_with(found) && found.ends_with(&[0xff, 0xd9]));
            }
        }
    }
}
