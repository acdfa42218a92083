//! What a file is, by its first bytes: names and declared types are what an attacker chooses.

use std::fmt;

use super::Refusal;

/// What we decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceFormat {
    /// PNG; of an animated one its default image.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP; of an animated one its first frame.
    WebP,
    /// GIF; its first frame.
    Gif,
}

impl fmt::Display for SourceFormat {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
        })
    }
}

/// What a file is.
///
/// # Errors
/// Why it is nothing that we take.
pub fn sniff(bytes: &[u8]) -> Result<SourceFormat, Refusal> {
    if bytes.is_empty() {
        return Err(Refusal::Empty);
    }
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Ok(SourceFormat::Png);
    }
    if bytes.starts_with(b"\xff\xd8\xff") {
        return Ok(SourceFormat::Jpeg);
    }
    if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        return Ok(SourceFormat::Gif);
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Ok(SourceFormat::WebP);
    }
    Err(refusal(bytes))
}

/// Why what is none of the four is refused, in the words that help.
fn refusal(bytes: &[u8]) -> Refusal {
    if bytes.get(4..8) == Some(b"ftyp") {
        return Refusal::Modern;
    }
    // Texts come with a mark of their order and with blanks before what they are; in UTF-16 each letter with a zero.
    let text = bytes.iter().filter(|byte| !matches!(byte, 0 | 0xef | 0xbb | 0xbf | 0xfe | 0xff));
    let mut text = text.skip_while(|byte| byte.is_ascii_whitespace());
    if text.next() == Some(&b'<') { Refusal::Xml } else { Refusal::Unknown }
}
