//! Server keys by key id. The first makes new values; all of them check old ones.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{
    ExposeSecret as _, SecretString,
    zeroize::{Zeroize as _, Zeroizing},
};
use subtle::Choice;

use crate::mac::MacKey;

/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// The largest key id: a click id has four bits for it.
const MAX_KEY_ID: u8 = 15;

/// A text that is not a keyring. Never carries key material.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// No key at all.
    #[error("no key given: expected entries such as `1:<43 characters of base64url>`, newest first")]
    Empty,
    /// An entry is not `id:key`.
    #[error("entry {position} is not `<id>:<key>`")]
    Shape {
        /// Which entry, counted from 1.
        position: usize,
    },
    /// The id is not 1 to 15.
    #[error("the key id of entry {position} is not a number from 1 to 15")]
    Id {
        /// Which entry, counted from 1.
        position: usize,
    },
    /// The key is not 32 bytes of base64url.
    #[error("the key of entry {position} is not 32 bytes of base64url (43 characters)")]
    Key {
        /// Which entry, counted from 1.
        position: usize,
    },
    /// Two entries have one id.
    #[error("key id {id} is given twice")]
    Twice {
        /// The id.
        id: u8,
    },
}

/// Places for keys by their id; the first stays empty, 0 is no key id.
const PLACES: usize = 16;

/// Server keys of one purpose. Never empty.
pub struct Keyring {
    /// Newest first.
    ids: Vec<u8>,
    current_id: u8,
    current: MacKey,
    /// By key id.
    all: Box<[Option<MacKey>; PLACES]>,
    decoy: MacKey,
}

impl Keyring {
    /// Reads a keyring from its setting: entries `id:base64url`, newest first, separated by white space or commas.
    ///
    /// # Errors
    /// [`KeyringError`] says which entry is wrong and how, never what it holds.
    pub fn parse(setting: &SecretString) -> Result<Self, KeyringError> {
        let mut ids = Vec::new();
        let mut current = None;
        let mut all: Box<[Option<MacKey>; PLACES]> = Box::default();
        let entries =
            setting.expose_secret().split([',', ' ', '\t', '\r', '\n']).filter(|entry| !entry.is_empty());
        for (entry, position) in entries.zip(1_usize..) {
            let (id, key) = read_entry(entry, position)?;
            let place = all.get_mut(usize::from(id)).ok_or(KeyringError::Id { position })?;
            if place.is_some() {
                return Err(KeyringError::Twice { id });
            }
            *place = Some(MacKey::new(key.as_slice()));
            current.get_or_insert_with(|| (id, MacKey::new(key.as_slice())));
            ids.push(id);
        }
        let (current_id, current) = current.ok_or(KeyringError::Empty)?;
        Ok(Self { ids, current_id, current, all, decoy: MacKey::new(&[0x5a; KEY_BYTES]) })
    }

    /// The id of the key that makes new values.
    #[must_use]
    pub const fn current_id(&self) -> u8 {
        self.current_id
    }

    pub(crate) const fn current(&self) -> (u8, &MacKey) {
        (self.current_id, &self.current)
    }

    pub(crate) fn find(&self, id: u8) -> Option<&MacKey> {
        self.all.get(usize::from(id)).and_then(Option::as_ref)
    }

    /// The key with this id, or a decoy that costs the same to use and a choice that says so.
    pub(crate) fn find_or_decoy(&self, id: u8) -> (&MacKey, Choice) {
        self.find(id).map_or((&self.decoy, Choice::from(0)), |key| (key, Choice::from(1)))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Keyring").field("ids", &self.ids).finish_non_exhaustive()
    }
}

fn read_entry(entry: &str, position: usize) -> Result<(u8, Zeroizing<[u8; KEY_BYTES]>), KeyringError> {
    let (id, key) = entry.split_once(':').ok_or(KeyringError::Shape { position })?;
    let id =
        id.parse().ok().filter(|id| (1..=MAX_KEY_ID).contains(id)).ok_or(KeyringError::Id { position })?;
    let mut decoded = URL_SAFE_NO_PAD
        .decode(key.trim_end_matches('='))
        .map_err(|_not_printed_it_may_hold_the_key| KeyringError::Key { position })?;
    let bytes = <[u8; KEY_BYTES]>::try_from(decoded.as_slice());
    decoded.zeroize();
    let bytes = bytes.map_err(|_wrong_length| KeyringError::Key { position })?;
    Ok((id, Zeroizing::new(bytes)))
}

#[cfg(test)]
pub(crate) mod tests {
    use rstest::rstest;

    use super::*;

    /// A keyring of keys made of one repeated byte each, newest first.
    pub(crate) fn keyring(keys: &[(u8, u8)]) -> Keyring {
        let text: Vec<String> = keys
            .iter()
            .map(|(id, byte)| format!("{id}:{}", URL_SAFE_NO_PAD.encode([*byte; KEY_BYTES])))
            .collect();
        Keyring::parse(&SecretString::from(text.join(" "))).unwrap()
    }

    #[test]
    fn the_first_key_is_current_and_all_are_found() {
        let ring = keyring(&[(2, 9), (1, 7)]);
        assert_eq!(ring.current_id(), 2);
        let signs = |key: &MacKey, byte| {
            key.sign(&[b"x"]).reveal() == MacKey::new(&[byte; KEY_BYTES]).sign(&[b"x"]).reveal()
        };
        assert!(signs(ring.current().1, 9));
        assert!(signs(ring.find(2).unwrap(), 9));
        assert!(signs(ring.find(1).unwrap(), 7));
        for absent in [0, 3, 15, 16, u8::MAX] {
            assert!(ring.find(absent).is_none());
        }
    }

    #[rstest]
    #[case("", KeyringError::Empty)]
    #[case("AAAA", KeyringError::Shape { position: 1 })]
    #[case("0:AAAA", KeyringError::Id { position: 1 })]
    #[case("16:AAAA", KeyringError::Id { position: 1 })]
    #[case("1:AAAA", KeyringError::Key { position: 1 })]
    #[case("1:!!!!", KeyringError::Key { position: 1 })]
    fn a_wrong_setting_says_which_entry(#[case] text: &str, #[case] expected: KeyringError) {
        assert_eq!(Keyring::parse(&SecretString::from(text)).unwrap_err(), expected);
    }

    #[test]
    fn one_id_twice_is_refused() {
        let key = URL_SAFE_NO_PAD.encode([1; KEY_BYTES]);
        let text = SecretString::from(format!("3:{key},3:{key}"));
        assert_eq!(Keyring::parse(&text).unwrap_err(), KeyringError::Twice { id: 3 });
    }

    #[test]
    fn debug_prints_ids_only() {
        assert_eq!(format!("{:?}", keyring(&[(2, 9), (1, 7)])), "Keyring { ids: [2, 1], .. }");
    }
}
