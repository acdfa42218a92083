//! Which event is which. Renaming an Event ID keeps the event; a name once used in a version never means another event
//! of that offer, because attribution has read that name in postbacks and may read it again.

use std::collections::{BTreeMap, BTreeSet};

use kernel::OfferEventId;

use super::{
    event::OfferEvent,
    offer::OfferFields,
    problems::{FieldProblem, Problems},
};

/// What is known of an offer's events before a change is saved.
#[derive(Debug, Clone, Default)]
pub struct KnownEvents {
    ids: BTreeSet<OfferEventId>,
    names: BTreeMap<String, OfferEventId>,
    names_last: bool,
}

impl KnownEvents {
    /// The events of a draft: nobody has read their names yet, so they may be swapped freely.
    #[must_use]
    pub fn of_draft(draft: &OfferFields) -> Self {
        let pairs =
            draft.events.iter().filter_map(|event| Some((event.event_id.clone(), event.offer_event_id?)));
        let names: BTreeMap<_, _> = pairs.collect();
        Self {
            ids: draft.events.iter().filter_map(|event| event.offer_event_id).collect(),
            names,
            names_last: false,
        }
    }

    /// The events of a created offer, with every name each ever had.
    #[must_use]
    pub fn of_versions(names: impl IntoIterator<Item = (String, OfferEventId)>) -> Self {
        let names: BTreeMap<_, _> = names.into_iter().collect();
        Self { ids: names.values().copied().collect(), names, names_last: true }
    }
}

/// Why the events as entered can not be told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentityError {
    /// An id is not one of this offer's, or given twice.
    Wrong(Problems),
    /// A name belongs to another event of the offer for ever.
    NameTaken(Vec<FieldProblem>),
}

/// Gives every entered event its lasting id: the one it names, else that of the event which has or had its Event ID, else
/// a `fresh` one.
///
/// # Errors
/// [`IdentityError`]; wrong ids are reported before taken names.
pub fn identify(
    entered: Vec<OfferEvent>,
    known: &KnownEvents,
    mut fresh: impl FnMut() -> OfferEventId,
) -> Result<Vec<OfferEvent>, IdentityError> {
    let mut wrong = Problems::default();
    let mut claimed = BTreeSet::new();
    for (at, event) in entered.iter().enumerate() {
        let Some(id) = event.offer_event_id else { continue };
        if !known.ids.contains(&id) {
            wrong.add(
                format!("events[{at}].offerEventId"),
                "is not an event of this offer; leave it out to add a new event",
            );
        } else if !claimed.insert(id) {
            wrong.add(format!("events[{at}].offerEventId"), "is given twice");
        }
    }
    wrong.or(()).map_err(IdentityError::Wrong)?;

    let mut taken = Vec::new();
    let mut identified = Vec::with_capacity(entered.len());
    for (at, mut event) in entered.into_iter().enumerate() {
        let owner = known.names.get(&event.event_id).copied();
        let id = match (event.offer_event_id, owner) {
            (Some(id), None) => id,
            (Some(id), Some(owner)) => {
                if known.names_last && id != owner {
                    taken.push(name_taken(at, &event.event_id));
                }
                id
            }
            (None, Some(owner)) => {
                if claimed.insert(owner) {
                    owner
                } else {
                    // In a draft the owner has just been renamed by its id; the name is free again.
                    if known.names_last {
                        taken.push(name_taken(at, &event.event_id));
                    }
                    fresh()
                }
            }
            (None, None) => fresh(),
        };
        event.offer_event_id = Some(id);
        identified.push(event);
    }
    if taken.is_empty() { Ok(identified) } else { Err(IdentityError::NameTaken(taken)) }
}

/// The name of the event at a place of the list belongs to another one.
#[must_use]
pub fn name_taken(at: usize, event_id: &str) -> FieldProblem {
    FieldProblem {
        field: format!("events[{at}].eventId"),
        detail: format!(
            "`{event_id}` is or was the Event ID of another event of this offer and can not mean a different one; \
             choose another Event ID, or clone the offer"
        ),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::domain::event::tests::event;

    fn id(number: u128) -> OfferEventId {
        OfferEventId::from_uuid(Uuid::from_u128(number))
    }

    fn entered(given: Option<u128>, name: &str) -> OfferEvent {
        OfferEvent { offer_event_id: given.map(id), ..event(name, Some(1)) }
    }

    fn run(known: &KnownEvents, events: Vec<OfferEvent>) -> Result<Vec<u128>, IdentityError> {
        let mut next = 100;
        let fresh = || {
            next += 1;
            id(next)
        };
        identify(events, known, fresh).map(|events| {
            events.iter().map(|event| event.offer_event_id.unwrap().as_uuid().as_u128()).collect()
        })
    }

    /// Event 1 was `level_1` and is now `level_10`; event 2 is `buy`.
    fn known() -> KnownEvents {
        KnownEvents::of_versions([
            ("level_1".to_owned(), id(1)),
            ("level_10".to_owned(), id(1)),
            ("buy".to_owned(), id(2)),
        ])
    }

    #[test]
    fn events_are_found_by_id_then_by_name_then_made() {
        let events = vec![entered(Some(1), "level_20"), entered(None, "buy"), entered(None, "new")];
        assert_eq!(run(&known(), events), Ok(vec![1, 2, 101]));
    }

    #[test]
    fn an_old_name_finds_its_event_again() {
        assert_eq!(run(&known(), vec![entered(None, "level_1")]), Ok(vec![1]));
    }

    #[test]
    fn a_used_name_never_means_another_event() {
        for events in [
            vec![entered(Some(2), "level_1")],
            vec![entered(Some(1), "level_20"), entered(None, "level_10")],
            vec![entered(Some(1), "buy"), entered(Some(2), "level_10")],
        ] {
            assert!(matches!(run(&known(), events), Err(IdentityError::NameTaken(_))));
        }
    }

    #[test]
    fn foreign_and_doubled_ids_are_named() {
        let events = vec![entered(Some(9), "a"), entered(Some(1), "b"), entered(Some(1), "c")];
        let Err(IdentityError::Wrong(problems)) = run(&known(), events) else { panic!("must be wrong") };
        let fields: Vec<_> = problems.into_vec().into_iter().map(|problem| problem.field).collect();
        assert_eq!(fields, ["events[0].offerEventId", "events[2].offerEventId"]);
    }

    #[test]
    fn a_draft_may_swap_names() {
        let draft = OfferFields {
            events: vec![entered(Some(1), "a"), entered(Some(2), "b")],
            ..OfferFields::default()
        };
        let known = KnownEvents::of_draft(&draft);
        assert_eq!(run(&known, vec![entered(Some(1), "b"), entered(Some(2), "a")]), Ok(vec![1, 2]));
        assert_eq!(run(&known, vec![entered(Some(1), "b"), entered(None, "a")]), Ok(vec![1, 101]));
    }

    proptest! {
        #[test]
        fn over_any_history_a_name_means_one_event(
            saves in prop::collection::vec(
                prop::collection::vec((prop::option::of(1..5_u128), 0..6_u8), 0..5), 1..10),
        ) {
            let mut owner: BTreeMap<String, OfferEventId> = BTreeMap::new();
            let mut next = 0_u128;
            for save in saves {
                let events = save.into_iter().map(|(given, name)| entered(given, &format!("n{name}"))).collect();
                let known = KnownEvents::of_versions(owner.clone());
                let fresh = || { next += 1; id(next) };
                if let Ok(events) = identify(events, &known, fresh) {
                    let ids: BTreeSet<_> = events.iter().map(|event| event.offer_event_id).collect();
                    prop_assert_eq!(ids.len(), events.len());
                    // The linter refuses twins inside one version before this is reached.
                    let names: BTreeSet<_> = events.iter().map(|event| &event.event_id).collect();
                    if names.len() == events.len() {
                        for event in &events {
                            let id = event.offer_event_id.unwrap();
                            prop_assert_eq!(*owner.entry(event.event_id.clone()).or_insert(id), id);
                        }
                    }
                }
            }
        }
    }
}
