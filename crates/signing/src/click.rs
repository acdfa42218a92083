//! `gk_click_id`: a `UUIDv8` of 48 bits milliseconds, 4 bits key id, 38 random bits and 32 bits MAC.
//!
//! ```text
//! byte  0 1 2 3 4 5 | 6            | 7        | 8            9 10 11 | 12 13 14 15
//!       milliseconds| 8, key id    | random 8 | 10, random 6, random | MAC
//! ```
//!
//! The MAC covers the tenant and the first 96 bits. Thirty-two bits do not make a click id hard to forge for ever; they
//! make it cheap to tell "ours, not arrived yet" from "never ours". A known click is looked up, not checked.

use kernel::{ClickId, TenantId};
use uuid::Uuid;

use crate::{
    keyring::Keyring,
    mac::{Mac, MacKey},
};

/// Keeps a click's MAC apart from everything else a key may ever sign.
const LABEL: &[u8] = b"gokart click 1\n";
const VERSION: u8 = 0x80;
const VARIANT: u8 = 0x80;
const LOW_FOUR: u8 = 0x0f;
const LOW_SIX: u8 = 0x3f;

/// Makes a click id of `tenant` at `millis` since 1970 (held to 0 and 2^48 - 1) from 38 of the 40 random bits.
#[must_use]
pub fn mint(keyring: &Keyring, tenant: TenantId, millis: i64, random: [u8; 5]) -> ClickId {
    let (key_id, key) = keyring.current();
    let [_, _, m0, m1, m2, m3, m4, m5] = millis.clamp(0, 0xffff_ffff_ffff).to_be_bytes();
    let [r0, r1, r2, r3, r4] = random;
    let head =
        [m0, m1, m2, m3, m4, m5, VERSION | (key_id & LOW_FOUR), r0, VARIANT | (r1 & LOW_SIX), r2, r3, r4];
    let [c0, c1, c2, c3, ..] = mac(key, tenant, &head).reveal();
    let [h0, h1, h2, h3, h4, h5, h6, h7, h8, h9, h10, h11] = head;
    ClickId::from_uuid(Uuid::from_bytes([h0, h1, h2, h3, h4, h5, h6, h7, h8, h9, h10, h11, c0, c1, c2, c3]))
}

/// Whether `click` was made for `tenant` under one of the keys.
#[must_use]
pub fn is_ours(keyring: &Keyring, tenant: TenantId, click: ClickId) -> bool {
    let [h0, h1, h2, h3, h4, h5, h6, h7, h8, h9, h10, h11, c0, c1, c2, c3] = click.as_uuid().into_bytes();
    let has_our_shape = h6 & !LOW_FOUR == VERSION && h8 & !LOW_SIX == VARIANT;
    let (key, key_is_known) = keyring.find_or_decoy(h6 & LOW_FOUR);
    let expected = mac(key, tenant, &[h0, h1, h2, h3, h4, h5, h6, h7, h8, h9, h10, h11]);
    has_our_shape && bool::from(expected.begins_with(&[c0, c1, c2, c3]) & key_is_known)
}

fn mac(key: &MacKey, tenant: TenantId, head: &[u8; 12]) -> Mac {
    key.sign(&[LABEL, tenant.as_uuid().as_bytes(), head])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::keyring::tests::keyring;

    fn tenant(number: u128) -> TenantId {
        TenantId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn the_id_is_a_uuid_version_8_that_begins_with_its_time() {
        let click = mint(&keyring(&[(5, 7)]), tenant(1), 0x0123_4567_89ab, [0xff; 5]);
        let text = click.to_string();
        assert!(text.starts_with("01234567-89ab-85ff-bfff-"), "{text}");
        assert_eq!(click.as_uuid().get_version_num(), 8);
        assert_eq!(click.as_uuid().get_variant(), uuid::Variant::RFC4122);
    }

    #[test]
    fn an_old_key_still_says_ours_and_a_retired_one_does_not() {
        let click = mint(&keyring(&[(1, 7)]), tenant(1), 5, [0; 5]);
        assert!(is_ours(&keyring(&[(2, 9), (1, 7)]), tenant(1), click));
        assert!(!is_ours(&keyring(&[(2, 9)]), tenant(1), click));
    }

    #[test]
    fn foreign_uuids_are_not_ours() {
        let ring = keyring(&[(1, 7)]);
        assert!(!is_ours(&ring, tenant(1), ClickId::from_uuid(Uuid::nil())));
        assert!(!is_ours(&ring, tenant(1), ClickId::from_uuid(Uuid::max())));
    }

    proptest! {
        #[test]
        fn what_was_minted_is_ours_alone(millis in any::<i64>(), random in any::<[u8; 5]>(), bit in 0_usize..128) {
            let ring = keyring(&[(1, 7)]);
            let click = mint(&ring, tenant(1), millis, random);
            prop_assert!(is_ours(&ring, tenant(1), click));
            prop_assert!(!is_ours(&ring, tenant(2), click));
            let mut bytes = click.as_uuid().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!is_ours(&ring, tenant(1), ClickId::from_uuid(Uuid::from_bytes(bytes))));
        }
    }
}
