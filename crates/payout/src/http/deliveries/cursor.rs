//! The cursor of the delivery log: the place behind the last delivery of a page. It opens nothing, for a page holds only what
//! its caller may see.

use kernel::{DeliveryId, Timestamp};

use crate::flows::read::LogPlace;

/// What to say of a text that is none.
pub(super) const WRONG: &str = "must be the nextCursor of a page; leave it out for the first page";

/// Enough for three thousand years, and for every database.
const MICROS_DIGITS_MAX: usize = 17;

/// The cursor of the page that follows a place.
pub(super) fn write((created_at, id): LogPlace) -> String {
    format!("{}.{id}", created_at.as_micros())
}

/// The place of a cursor.
pub(super) fn read(text: &str) -> Option<LogPlace> {
    let (micros, id) = text.split_once('.')?;
    let is_plain =
        (1..=MICROS_DIGITS_MAX).contains(&micros.len()) && micros.bytes().all(|byte| byte.is_ascii_digit());
    let micros: i64 = micros.parse().ok().filter(|_| is_plain)?;
    let id: DeliveryId = id.parse().ok()?;
    Some((Timestamp::from_micros(micros), id))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let place =
            (Timestamp::from_micros(1_800_000_000_000_001), DeliveryId::from_uuid(Uuid::from_u128(7)));
        assert_eq!(read(&write(place)), Some(place));
    }

    #[rstest]
    #[case("")]
    #[case("1.2")]
    #[case("-1.00000000-0000-0000-0000-000000000007")]
    #[case("9223372036854775807.00000000-0000-0000-0000-000000000007")]
    fn anything_else_is_none(#[case] text: &str) {
        assert_eq!(read(text), None);
    }
}
