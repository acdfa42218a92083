//! Cloning: the way to another publisher. Everything a person entered is copied; what tells offers apart is not.

use kernel::{OfferEventId, Timestamp};

use super::offer::OfferFields;

/// The fields of a clone made at `now`: a draft with new event ids, because a conversion of the clone is not one of the
/// original; the launch date stays only when it still lies ahead.
#[must_use]
pub fn fields(
    original: &OfferFields,
    now: Timestamp,
    mut fresh: impl FnMut() -> OfferEventId,
) -> OfferFields {
    let mut copy = original.clone();
    copy.launch_at = original.launch_at.filter(|launch| *launch > now);
    for event in &mut copy.events {
        event.offer_event_id = Some(fresh());
    }
    copy
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::{event::tests::event, lint::tests::golfin};

    fn id(number: u128) -> OfferEventId {
        OfferEventId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn everything_is_copied_but_the_ids_of_events() {
        let mut original = golfin();
        original.events = vec![event("Install", Some(1)), event("level_10", Some(2))];
        for (number, event) in (1..).zip(&mut original.events) {
            event.offer_event_id = Some(id(number));
        }
        let mut next = 10;
        let mut copy = fields(&original, Timestamp::from_micros(0), || {
            next += 1;
            id(next)
        });
        assert_eq!(
            copy.events.iter().filter_map(|event| event.offer_event_id).collect::<Vec<_>>(),
            [id(11), id(12)]
        );
        for (copied, event) in copy.events.iter_mut().zip(&original.events) {
            copied.offer_event_id = event.offer_event_id;
        }
        assert_eq!(copy, original);
    }

    #[test]
    fn a_launch_date_in_the_past_is_dropped() {
        let original = golfin();
        let launch = original.launch_at.unwrap();
        assert_eq!(fields(&original, launch, || id(1)).launch_at, None);
        let before = launch.saturating_add_micros(-1);
        assert_eq!(fields(&original, before, || id(1)).launch_at, Some(launch));
    }
}
