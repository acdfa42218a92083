//! How a group stands in a spool file. Pure: bytes in, bytes out.
//!
//! ```text
//! mark "GKS1" | length of the payload, u32 | CRC-32 of the payload, u32 | CRC-32 of these twelve bytes, u32 | payload
//! payload: length of the exchange's name, u8 | exchange | length of the routing key, u8 | routing key | items, u32 | body
//! ```
//!
//! Numbers are little-endian. The header's own checksum makes its length believable, so that one damaged payload is
//! stepped over; behind a damaged header the next header is looked for.

use std::ops::Range;

use crate::topology::Route;

const MARK: [u8; 4] = *b"GKS1";
const HEADER_BYTES: usize = 16;

/// One group as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) route: Route,
    pub(crate) items: u32,
    /// An encoded `FactBatch`.
    pub(crate) body: &'a [u8],
}

/// A stretch of a file that holds no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) bytes: Range<usize>,
    /// Whether it is the file's end and looks like a write that was cut off, as a crash leaves it. Nobody was answered
    /// for such a group.
    pub(crate) torn: bool,
}

/// What a file holds, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    Record(Record<'a>),
    Unreadable(Unreadable),
}

/// Appends a group to `out`. `None`, and nothing appended, when a name has over 255 bytes or the body over 4 GiB: the
/// publisher refuses both before.
pub(crate) fn write(out: &mut Vec<u8>, route: &Route, items: u32, body: &[u8]) -> Option<()> {
    let exchange_len = u8::try_from(route.exchange.len()).ok()?;
    let key_len = u8::try_from(route.routing_key.len()).ok()?;
    let length = 6_usize
        .checked_add(route.exchange.len())?
        .checked_add(route.routing_key.len())?
        .checked_add(body.len())?;
    let payload_len = u32::try_from(length).ok()?;

    let items = items.to_le_bytes();
    let parts: [&[u8]; 6] =
        [&[exchange_len], route.exchange.as_bytes(), &[key_len], route.routing_key.as_bytes(), &items, body];
    let mut checksum = crc32fast::Hasher::new();
    for part in parts {
        checksum.update(part);
    }
    out.reserve(length.saturating_add(HEADER_BYTES));
    let header_at = out.len();
    out.extend_from_slice(&MARK);
    out.extend_from_slice(&payload_len.to_le_bytes());
    out.extend_from_slice(&checksum.finalize().to_le_bytes());
    let header_checksum = crc32fast::hash(out.get(header_at..).unwrap_or_default());
    out.extend_from_slice(&header_checksum.to_le_bytes());
    for part in parts {
        out.extend_from_slice(part);
    }
    Some(())
}

/// Everything in a file, readable or not. Any bytes give a result; every byte of the file is in exactly one of them.
pub(crate) fn scan(file: &[u8]) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < file.len() {
        let rest = file.get(at..).unwrap_or_default();
        let (length, what) = match header(rest) {
            Some((payload_len, checksum)) => one(rest, payload_len, checksum),
            None => gap(rest),
        };
        let end = at.saturating_add(length);
        found.push(match what {
            What::Record(record) => Found::Record(record),
            What::Damaged => Found::Unreadable(Unreadable { bytes: at..end, torn: false }),
            What::Torn => Found::Unreadable(Unreadable { bytes: at..end, torn: true }),
        });
        at = end;
    }
    found
}

enum What<'a> {
    Record(Record<'a>),
    Damaged,
    Torn,
}

/// Length and checksum of the payload, when a whole header stands at the beginning.
fn header(bytes: &[u8]) -> Option<(usize, u32)> {
    let header: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
    let [m0, m1, m2, m3, l0, l1, l2, l3, p0, p1, p2, p3, h0, h1, h2, h3] = *header;
    let checked = header.first_chunk::<12>()?;
    let intact = [m0, m1, m2, m3] == MARK && crc32fast::hash(checked) == u32::from_le_bytes([h0, h1, h2, h3]);
    let length = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).ok()?;
    intact.then_some((length, u32::from_le_bytes([p0, p1, p2, p3])))
}

fn one(rest: &[u8], payload_len: usize, checksum: u32) -> (usize, What<'_>) {
    let length = payload_len.saturating_add(HEADER_BYTES);
    let Some(payload) = rest.get(HEADER_BYTES..length) else {
        return (rest.len(), What::Torn);
    };
    if crc32fast::hash(payload) != checksum {
        // Data that never reached the disk reads as zeros, or not at all: then it is the last record.
        let torn = length == rest.len();
        return (length, if torn { What::Torn } else { What::Damaged });
    }
    (length, read(payload).map_or(What::Damaged, What::Record))
}

/// From something that is no header to the next thing that is one.
fn gap(rest: &[u8]) -> (usize, What<'_>) {
    let next = (1..rest.len()).find(|at| header(rest.get(*at..).unwrap_or_default()).is_some());
    if let Some(at) = next {
        return (at, What::Damaged);
    }
    let cut_off = rest.len() < HEADER_BYTES || rest.iter().all(|byte| *byte == 0);
    (rest.len(), if cut_off { What::Torn } else { What::Damaged })
}

fn read(payload: &[u8]) -> Option<Record<'_>> {
    let (exchange, rest) = name(payload)?;
    let (routing_key, rest) = name(rest)?;
    let (items, body) = rest.split_first_chunk::<4>()?;
    let route = Route { exchange: exchange.into(), routing_key: routing_key.into() };
    Some(Record { route, items: u32::from_le_bytes(*items), body })
}

fn name(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((String::from_utf8(name.to_vec()).ok()?, rest))
}

#[cfg(test)]
mod props {
    use proptest::prelude::*;

    use super::*;

    fn route() -> Route {
        Route::new("ingest.events", "postback.received.v1")
    }

    fn file(bodies: &[Vec<u8>]) -> (Vec<u8>, Vec<usize>) {
        let mut bytes = Vec::new();
        let mut starts = Vec::new();
        for (body, items) in bodies.iter().zip(1..) {
            starts.push(bytes.len());
            write(&mut bytes, &route(), items, body).unwrap();
        }
        (bytes, starts)
    }

    fn bodies_of(found: &[Found<'_>]) -> Vec<Vec<u8>> {
        found
            .iter()
            .filter_map(|found| match found {
                Found::Record(record) => Some(record.body.to_vec()),
                Found::Unreadable(_) => None,
            })
            .collect()
    }

    fn many() -> impl Strategy<Value = Vec<Vec<u8>>> {
        proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..60), 1..6)
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(bodies in many()) {
            let (bytes, _) = file(&bodies);
            let expected: Vec<_> = bodies
                .iter()
                .zip(1..)
                .map(|(body, items)| Found::Record(Record { route: route(), items, body }))
                .collect();
            prop_assert_eq!(scan(&bytes), expected);
        }

        /// A crash in mid-write: every record before the cut is read, and what is left over is called torn.
        #[test]
        fn a_cut_costs_only_what_it_cuts(bodies in many(), cut in any::<prop::sample::Index>()) {
            let (bytes, starts) = file(&bodies);
            let cut = cut.index(bytes.len());
            let whole = starts.iter().skip(1).filter(|start| **start <= cut).count();
            let found = scan(&bytes[..cut]);
            prop_assert_eq!(bodies_of(&found), &bodies[..whole]);
            let torn = found.iter().all(|found| !matches!(found, Found::Unreadable(part) if !part.torn));
            prop_assert!(torn, "{:?}", found);
        }

        /// One byte goes bad: at most the record it stands in is lost, wherever it stands.
        #[test]
        fn a_damaged_byte_costs_one_record(bodies in many(), at in any::<prop::sample::Index>(), flip in 1_u8..) {
            let (mut bytes, starts) = file(&bodies);
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            let hit = starts.iter().filter(|start| **start <= at).count() - 1;
            let mut expected = bodies.clone();
            expected.remove(hit);
            let found = scan(&bytes);
            prop_assert_eq!(bodies_of(&found), expected);
            let lost: usize = found.iter().map(|found| match found {
                Found::Unreadable(part) => part.bytes.len(),
                Found::Record(_) => 0,
            }).sum();
            prop_assert!(lost > 0, "the damage is reported");
        }

        #[test]
        fn any_bytes_are_scanned_to_their_end(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let unreadable: usize = scan(&bytes).iter().map(|found| match found {
                Found::Unreadable(part) => part.bytes.len(),
                Found::Record(_) => 0,
            }).sum();
            prop_assert_eq!(unreadable, bytes.len());
        }
    }

    #[test]
    fn a_tail_of_zeros_is_a_torn_write() {
        let (mut bytes, _) = file(&[vec![1, 2, 3]]);
        bytes.extend([0; 64]);
        let found = scan(&bytes);
        assert!(matches!(
            found.as_slice(),
            [Found::Record(_), Found::Unreadable(Unreadable { torn: true, .. })]
        ));
    }
}
