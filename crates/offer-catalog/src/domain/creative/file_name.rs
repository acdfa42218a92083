//! The names of stored files: a hash of tenant and content. Such a file never changes, so every cache may keep it for ever;
//! the same picture of two tenants has two names, so nobody learns from a name what another tenant has.

use std::{fmt, str::FromStr};

use kernel::TenantId;
use sha2::{Digest as _, Sha256};

/// What we store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredFormat {
    /// Drawings, and whatever has transparent parts.
    Png,
    /// Photos.
    Jpeg,
    /// What came as a lossless WebP.
    WebP,
}

impl StoredFormat {
    const ALL: [Self; 3] = [Self::Png, Self::Jpeg, Self::WebP];

    /// The end of a file's name.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
        }
    }

    /// What a browser is told.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
        }
    }
}

/// The name of a stored file: 64 hexadecimal digits and what it is. Nothing else is one: no folders, no second spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileName {
    hash: [u8; 32],
    /// What it is.
    pub format: StoredFormat,
}

/// A text that names no stored file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no name of a creative's file")]
pub struct NotAFileName;

impl FileName {
    /// The name of a tenant's file with this content.
    #[must_use]
    pub fn of(tenant: TenantId, format: StoredFormat, content: &[u8]) -> Self {
        let hash = Sha256::new().chain_update(tenant.as_uuid().as_bytes()).chain_update(content).finalize();
        Self { hash: hash.into(), format }
    }

    /// The hash alone: what a cache compares.
    #[must_use]
    pub fn hash(&self) -> String {
        hex::encode(self.hash)
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.hash(), self.format.extension())
    }
}

impl FromStr for FileName {
    type Err = NotAFileName;

    fn from_str(text: &str) -> Result<Self, NotAFileName> {
        let (digits, extension) = text.split_once('.').ok_or(NotAFileName)?;
        let format = StoredFormat::ALL.into_iter().find(|format| format.extension() == extension);
        let mut hash = [0; 32];
        hex::decode_to_slice(digits, &mut hash).map_err(|_not_hexadecimal| NotAFileName)?;
        let name = Self { hash, format: format.ok_or(NotAFileName)? };
        if name.to_string() == text { Ok(name) } else { Err(NotAFileName) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;

    fn name(tenant: u128, content: &[u8]) -> FileName {
        FileName::of(TenantId::from_uuid(Uuid::from_u128(tenant)), StoredFormat::Png, content)
    }

    #[test]
    fn a_name_says_tenant_and_content_and_reads_back() {
        assert_eq!(name(1, b"a"), name(1, b"a"));
        assert_ne!(name(1, b"a"), name(2, b"a"));
        assert_ne!(name(1, b"a"), name(1, b"b"));
        assert_eq!(name(1, b"a").to_string().parse(), Ok(name(1, b"a")));
    }

    #[rstest]
    #[case("")]
    #[case("..")]
    #[case("../../etc/passwd")]
    #[case("/etc/passwd")]
    #[case("creative.png")]
    fn nothing_else_is_a_name(#[case] text: &str) {
        assert_eq!(text.parse::<FileName>(), Err(NotAFileName));
    }

    #[test]
    fn a_name_has_one_spelling() {
        let right = name(1, b"a").to_string();
        for wrong in [
            right.to_uppercase(),
            right.replace(".png", ".PNG"),
            right.replace(".png", ".svg"),
            format!("{right}.png"),
            format!("./{right}"),
            format!("{right}/"),
            right.replacen(|digit: char| digit.is_ascii_hexdigit(), "", 1),
        ] {
            assert_eq!(wrong.parse::<FileName>(), Err(NotAFileName), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_a_result(text in ".{0,80}") {
            if let Ok(name) = text.parse::<FileName>() {
                prop_assert_eq!(name.to_string(), text);
            }
        }
    }
}
