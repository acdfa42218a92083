//! The cursor of the partner feed: the place behind the last offer of a page, and a check that it was made for this walk. It
//! opens nothing, for a page only ever holds what is the caller's; the check is there so that a cursor that was cut, changed,
//! borrowed or used with other filters is said to be wrong, and is not a page from anywhere.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use kernel::{OfferId, Timestamp};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::domain::partner_feed::{FeedPlace, FeedRequest, FeedVersion};

const PLACE_BYTES: usize = 24;
const CHECK_BYTES: usize = 8;
/// What would be right.
pub const WRONG: &str = "must be the nextCursor of a page of this feed, with the same offerType and changedSince; leave it \
                         out to begin again";

/// The cursor of the page that follows a place.
pub fn write(place: FeedPlace, request: &FeedRequest) -> String {
    let mut bytes = Vec::with_capacity(PLACE_BYTES.saturating_add(CHECK_BYTES));
    bytes.extend(place.shared_at.as_micros().to_be_bytes());
    bytes.extend(place.offer_id.as_uuid().as_bytes());
    bytes.extend(check(&bytes, request));
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The place of a cursor that was made for such a request.
pub fn read(text: &str, request: &FeedRequest) -> Option<FeedPlace> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    let (place, checked) = bytes.split_at_checked(PLACE_BYTES)?;
    if checked != check(place, request) {
        return None;
    }
    let (micros, id) = place.split_first_chunk::<8>()?;
    Some(FeedPlace {
        shared_at: Timestamp::from_micros(i64::from_be_bytes(*micros)),
        offer_id: OfferId::from_uuid(Uuid::from_slice(id).ok()?),
    })
}

fn check(place: &[u8], request: &FeedRequest) -> Vec<u8> {
    let hash = Sha256::new()
        .chain_update(b"partner feed\n")
        .chain_update(request.publisher.as_uuid().as_bytes())
        .chain_update(request.offer_type.map_or("", |offer_type| offer_type.as_str()))
        .chain_update(b"\n")
        .chain_update(request.since.map(FeedVersion::to_text).unwrap_or_default())
        .chain_update(b"\n")
        .chain_update(place)
        .finalize();
    hash.iter().copied().take(CHECK_BYTES).collect()
}

#[cfg(test)]
mod tests {
    use kernel::PublisherId;

    use super::*;
    use crate::domain::{offer::OfferType, partner_feed::FeedStart};

    fn request(publisher: u128) -> FeedRequest {
        FeedRequest {
            publisher: PublisherId::from_uuid(Uuid::from_u128(publisher)),
            offer_type: None,
            since: None,
            start: FeedStart::Skip(0),
            limit: 10,
        }
    }

    #[test]
    fn it_reads_back_for_its_own_walk_only() {
        let place =
            FeedPlace { shared_at: Timestamp::from_micros(7), offer_id: OfferId::from_uuid(Uuid::max()) };
        let cursor = write(place, &request(1));
        assert_eq!(read(&cursor, &request(1)), Some(place));
        assert_eq!(read(&cursor, &request(2)), None);
        let other = FeedRequest { offer_type: Some(OfferType::SingleEvent), ..request(1) };
        assert_eq!(read(&cursor, &other), None);
        let other = FeedRequest { since: Some(FeedVersion::EMPTY), ..request(1) };
        assert_eq!(read(&cursor, &other), None);
    }

    #[test]
    fn what_was_cut_or_changed_is_none() {
        let place =
            FeedPlace { shared_at: Timestamp::from_micros(7), offer_id: OfferId::from_uuid(Uuid::max()) };
        let cursor = write(place, &request(1));
        for end in 0..cursor.len() {
            assert_eq!(read(cursor.get(..end).unwrap(), &request(1)), None);
            let mut changed = cursor.clone().into_bytes();
            changed[end] = if changed[end] == b'A' { b'B' } else { b'A' };
            assert_eq!(read(&String::from_utf8(changed).unwrap(), &request(1)), None);
        }
    }
}
