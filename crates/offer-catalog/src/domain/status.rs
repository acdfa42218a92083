//! What may happen to an offer, and when. Every other combination is a conflict with a sentence that says what to do.

use kernel::{LinkId, OfferId, PublisherId, Timestamp};
use serde::{Deserialize, Serialize};

use super::budget::Budget;

/// The stored status. *Scheduled*, *Live*, *Expired* and *Budget spent* are derived from dates, now and budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OfferStatus {
    /// Being written; no version yet.
    Draft,
    /// Created; takes clicks within its dates once shared.
    Ready,
    /// A person stopped it.
    Paused,
    /// Over for good.
    Ended,
}

impl OfferStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Draft, Self::Ready, Self::Paused, Self::Ended];

    /// The word in tables and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "Draft",
            Self::Ready => "Ready",
            Self::Paused => "Paused",
            Self::Ended => "Ended",
        }
    }

    /// Reads [`OfferStatus::as_str`] back.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// The status as people see it at a moment: the stored one, with dates and budget looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisplayStatus {
    /// Being written.
    Draft,
    /// Created, not shared with anybody yet.
    Ready,
    /// Shared, before its launch date.
    Scheduled,
    /// Shared and taking clicks.
    Live,
    /// Would be live, but its budget is spent: it goes on by itself when there is money again.
    BudgetSpent,
    /// A person stopped it.
    Paused,
    /// After its end date.
    Expired,
    /// Over for good.
    Ended,
}

impl DisplayStatus {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Draft,
        Self::Ready,
        Self::Scheduled,
        Self::Live,
        Self::BudgetSpent,
        Self::Paused,
        Self::Expired,
        Self::Ended,
    ];

    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "Draft",
            Self::Ready => "Ready",
            Self::Scheduled => "Scheduled",
            Self::Live => "Live",
            Self::BudgetSpent => "BudgetSpent",
            Self::Paused => "Paused",
            Self::Expired => "Expired",
            Self::Ended => "Ended",
        }
    }
}

/// The one publisher of a shared offer. Once there, it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    /// Whose it is.
    pub publisher_id: PublisherId,
    /// The tracking link's id.
    pub link_id: LinkId,
    /// Since when.
    pub shared_at: Timestamp,
}

/// A stretch of time in which new events did not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventStop {
    /// First moment inside.
    pub from: Timestamp,
    /// First moment after; `None` while it lasts.
    pub until: Option<Timestamp>,
}

/// What of an offer applies at once, whatever its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OfferState {
    /// Where it stands.
    pub status: OfferStatus,
    /// The newest version; 0 while it is a draft.
    pub newest_version: u32,
    /// Whose it is, once shared.
    pub share: Option<Share>,
    /// When new events did not count, oldest first.
    pub event_stops: Vec<EventStop>,
    /// The offer it was copied from.
    pub cloned_from: Option<OfferId>,
}

/// What a person asks of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Save as version 1.
    Create,
    /// Stop new clicks; with `stop_events`, stop new events of journeys under way as well.
    Pause {
        /// "Stop all".
        stop_events: bool,
    },
    /// Go on.
    Resume,
    /// Stop for good. Journeys under way keep counting.
    End,
    /// Bind to one publisher for ever.
    Share(Share),
    /// Take a share back: never allowed, kept as an action so that it has its sentence.
    Unshare,
}

/// Why an action is not possible now. The text is for the person who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Created twice.
    #[error("the offer is already created; save changes to it, or clone it to make another one")]
    AlreadyCreated,
    /// Not created yet.
    #[error("the offer is still a draft; create it first")]
    StillDraft,
    /// Ended offers do not come back.
    #[error("the offer has ended for good; clone it to go on with a new one")]
    Ended,
    /// Shared twice, or to be moved.
    #[error(
        "a shared offer belongs to its publisher for ever: it can not be shared again or moved to another publisher; \
         clone the offer and share the clone"
    )]
    AlreadyShared,
    /// To be unshared.
    #[error(
        "a shared offer belongs to its publisher for ever: it can not be unshared; pause or end it, and clone the \
         offer to share it with another publisher"
    )]
    NeverUnshared,
    /// Nothing to take back.
    #[error("the offer is not shared with anybody")]
    NotShared,
}

impl Conflict {
    /// A stable code for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::AlreadyCreated => "offer_already_created",
            Self::StillDraft => "offer_still_draft",
            Self::Ended => "offer_ended",
            Self::AlreadyShared => "offer_already_shared",
            Self::NeverUnshared => "offer_never_unshared",
            Self::NotShared => "offer_not_shared",
        }
    }
}

impl OfferState {
    /// A new draft.
    #[must_use]
    pub const fn draft(cloned_from: Option<OfferId>) -> Self {
        Self {
            status: OfferStatus::Draft,
            newest_version: 0,
            share: None,
            event_stops: Vec::new(),
            cloned_from,
        }
    }

    /// The state after `action` at `now`. Asking for what already is (pausing a paused offer) changes nothing.
    ///
    /// # Errors
    /// [`Conflict`] when the action is not possible in this state.
    pub fn apply(&self, action: Action, now: Timestamp) -> Result<Self, Conflict> {
        let mut next = self.clone();
        match action {
            Action::Create => {
                if self.status != OfferStatus::Draft {
                    return Err(Conflict::AlreadyCreated);
                }
                next.status = OfferStatus::Ready;
                next.newest_version = 1;
            }
            Action::Pause { stop_events } => {
                self.must_be_running()?;
                next.status = OfferStatus::Paused;
                if stop_events && !self.events_are_stopped() {
                    next.event_stops.push(EventStop { from: now, until: None });
                }
            }
            Action::Resume => {
                self.must_be_running()?;
                next.status = OfferStatus::Ready;
                next.close_stop(now);
            }
            Action::End => {
                self.must_be_created()?;
                next.status = OfferStatus::Ended;
            }
            Action::Share(share) => {
                self.may_be_shared()?;
                next.share = Some(share);
            }
            Action::Unshare => {
                return Err(if self.share.is_some() { Conflict::NeverUnshared } else { Conflict::NotShared });
            }
        }
        Ok(next)
    }

    /// How people see it at `now`. A budget matters only to an offer that would be live: dates and people come first.
    #[must_use]
    pub fn display(
        &self,
        launch: Option<Timestamp>,
        end: Option<Timestamp>,
        budget: Budget,
        now: Timestamp,
    ) -> DisplayStatus {
        match self.status {
            OfferStatus::Draft => DisplayStatus::Draft,
            OfferStatus::Paused => DisplayStatus::Paused,
            OfferStatus::Ended => DisplayStatus::Ended,
            OfferStatus::Ready if end.is_some_and(|end| end <= now) => DisplayStatus::Expired,
            OfferStatus::Ready if self.share.is_none() => DisplayStatus::Ready,
            OfferStatus::Ready if launch.is_some_and(|launch| now < launch) => DisplayStatus::Scheduled,
            OfferStatus::Ready if !budget.is_open(now) => DisplayStatus::BudgetSpent,
            OfferStatus::Ready => DisplayStatus::Live,
        }
    }

    /// Whether new events do not count now.
    #[must_use]
    pub fn events_are_stopped(&self) -> bool {
        self.event_stops.last().is_some_and(|stop| stop.until.is_none())
    }

    /// Whether its fields may be changed.
    ///
    /// # Errors
    /// [`Conflict::Ended`]: what is over stays as it was.
    pub fn may_be_edited(&self) -> Result<(), Conflict> {
        if self.status == OfferStatus::Ended { Err(Conflict::Ended) } else { Ok(()) }
    }

    /// Whether planned changes of it may be made.
    ///
    /// # Errors
    /// [`Conflict`] for a draft, which is simply edited, and for what is over.
    pub fn may_change_by_itself(&self) -> Result<(), Conflict> {
        self.must_be_running()
    }

    /// Whether it may be bound to a publisher, itself or by clones of it.
    ///
    /// # Errors
    /// [`Conflict`] with the sentence that says what to do instead.
    pub fn may_be_shared(&self) -> Result<(), Conflict> {
        if self.share.is_some() {
            return Err(Conflict::AlreadyShared);
        }
        self.must_be_running()
    }

    fn close_stop(&mut self, now: Timestamp) {
        if let Some(stop) = self.event_stops.last_mut()
            && stop.until.is_none()
        {
            stop.until = Some(now);
        }
    }

    fn must_be_created(&self) -> Result<(), Conflict> {
        if self.status == OfferStatus::Draft { Err(Conflict::StillDraft) } else { Ok(()) }
    }

    fn must_be_running(&self) -> Result<(), Conflict> {
        self.must_be_created()?;
        self.may_be_edited()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1);

    fn state(status: OfferStatus) -> OfferState {
        OfferState {
            status,
            newest_version: u32::from(status != OfferStatus::Draft),
            ..OfferState::draft(None)
        }
    }

    fn share(publisher: u128) -> Share {
        Share {
            publisher_id: PublisherId::from_uuid(Uuid::from_u128(publisher)),
            link_id: LinkId::from_uuid(Uuid::from_u128(9)),
            shared_at: NOW,
        }
    }

    #[rstest]
    #[case(OfferStatus::Draft, Action::Create, Ok(OfferStatus::Ready))]
    #[case(OfferStatus::Ready, Action::Create, Err(Conflict::AlreadyCreated))]
    #[case(OfferStatus::Ended, Action::Create, Err(Conflict::AlreadyCreated))]
    #[case(OfferStatus::Draft, Action::Pause { stop_events: false }, Err(Conflict::StillDraft))]
    #[case(OfferStatus::Ready, Action::Pause { stop_events: false }, Ok(OfferStatus::Paused))]
    #[case(OfferStatus::Paused, Action::Pause { stop_events: false }, Ok(OfferStatus::Paused))]
    #[case(OfferStatus::Ended, Action::Pause { stop_events: true }, Err(Conflict::Ended))]
    #[case(OfferStatus::Draft, Action::Resume, Err(Conflict::StillDraft))]
    #[case(OfferStatus::Paused, Action::Resume, Ok(OfferStatus::Ready))]
    #[case(OfferStatus::Ready, Action::Resume, Ok(OfferStatus::Ready))]
    #[case(OfferStatus::Ended, Action::Resume, Err(Conflict::Ended))]
    #[case(OfferStatus::Draft, Action::End, Err(Conflict::StillDraft))]
    #[case(OfferStatus::Paused, Action::End, Ok(OfferStatus::Ended))]
    #[case(OfferStatus::Ended, Action::End, Ok(OfferStatus::Ended))]
    #[case(OfferStatus::Draft, Action::Share(share(1)), Err(Conflict::StillDraft))]
    #[case(OfferStatus::Ready, Action::Share(share(1)), Ok(OfferStatus::Ready))]
    #[case(OfferStatus::Paused, Action::Share(share(1)), Ok(OfferStatus::Paused))]
    #[case(OfferStatus::Ended, Action::Share(share(1)), Err(Conflict::Ended))]
    #[case(OfferStatus::Ready, Action::Unshare, Err(Conflict::NotShared))]
    fn every_status_answers_every_action(
        #[case] from: OfferStatus,
        #[case] action: Action,
        #[case] expected: Result<OfferStatus, Conflict>,
    ) {
        assert_eq!(state(from).apply(action, NOW).map(|next| next.status), expected);
    }

    #[rstest]
    #[case(OfferStatus::Draft, false, DisplayStatus::Draft)]
    #[case(OfferStatus::Paused, true, DisplayStatus::Paused)]
    #[case(OfferStatus::Ended, true, DisplayStatus::Ended)]
    #[case(OfferStatus::Ready, false, DisplayStatus::Ready)]
    fn a_status_that_dates_do_not_change(
        #[case] status: OfferStatus,
        #[case] shared: bool,
        #[case] expected: DisplayStatus,
    ) {
        let state = OfferState { share: shared.then(|| share(1)), ..state(status) };
        assert_eq!(state.display(Some(NOW), None, Budget::Spent, NOW), expected);
    }

    #[rstest]
    #[case(9, DisplayStatus::Scheduled)]
    #[case(10, DisplayStatus::Live)]
    #[case(19, DisplayStatus::Live)]
    #[case(20, DisplayStatus::Expired)]
    fn a_shared_offer_is_live_between_its_dates(#[case] now: i64, #[case] expected: DisplayStatus) {
        let at = Timestamp::from_micros;
        let state = OfferState { share: Some(share(1)), ..state(OfferStatus::Ready) };
        assert_eq!(state.display(Some(at(10)), Some(at(20)), Budget::Open, at(now)), expected);
    }

    #[rstest]
    #[case(Budget::Spent, 9, DisplayStatus::Scheduled)]
    #[case(Budget::Spent, 10, DisplayStatus::BudgetSpent)]
    #[case(Budget::Spent, 20, DisplayStatus::Expired)]
    #[case(Budget::SpentUntil(Timestamp::from_micros(15)), 14, DisplayStatus::BudgetSpent)]
    #[case(Budget::SpentUntil(Timestamp::from_micros(15)), 15, DisplayStatus::Live)]
    fn a_spent_budget_shows_between_the_dates(
        #[case] budget: Budget,
        #[case] now: i64,
        #[case] expected: DisplayStatus,
    ) {
        let at = Timestamp::from_micros;
        let state = OfferState { share: Some(share(1)), ..state(OfferStatus::Ready) };
        assert_eq!(state.display(Some(at(10)), Some(at(20)), budget, at(now)), expected);
    }

    #[test]
    fn a_shared_offer_can_not_be_shared_again_moved_or_unshared() {
        let shared = state(OfferStatus::Ready).apply(Action::Share(share(1)), NOW).unwrap();
        for again in [Action::Share(share(1)), Action::Share(share(2))] {
            assert_eq!(shared.apply(again, NOW), Err(Conflict::AlreadyShared));
        }
        assert_eq!(shared.apply(Action::Unshare, NOW), Err(Conflict::NeverUnshared));
        for conflict in [Conflict::AlreadyShared, Conflict::NeverUnshared] {
            assert!(conflict.to_string().contains("clone the offer"), "{conflict}");
        }
    }

    #[test]
    fn stop_all_lasts_until_the_offer_goes_on() {
        let ready = state(OfferStatus::Ready);
        let clicks_only = ready.apply(Action::Pause { stop_events: false }, NOW).unwrap();
        assert!(!clicks_only.events_are_stopped());

        let stopped = clicks_only.apply(Action::Pause { stop_events: true }, NOW).unwrap();
        assert!(stopped.events_are_stopped());
        let twice = stopped.apply(Action::Pause { stop_events: true }, Timestamp::from_micros(2)).unwrap();
        assert_eq!(twice, stopped);

        let resumed = twice.apply(Action::Resume, Timestamp::from_micros(3)).unwrap();
        let until = Some(Timestamp::from_micros(3));
        assert_eq!(resumed.event_stops, vec![EventStop { from: NOW, until }]);
    }

    fn any_action() -> impl Strategy<Value = Action> {
        prop_oneof![
            Just(Action::Create),
            any::<bool>().prop_map(|stop_events| Action::Pause { stop_events }),
            Just(Action::Resume),
            Just(Action::End),
            (1..4_u128).prop_map(|publisher| Action::Share(share(publisher))),
            Just(Action::Unshare),
        ]
    }

    proptest! {
        #[test]
        fn whatever_people_ask_the_first_share_stays(actions in prop::collection::vec(any_action(), 0..20)) {
            let mut state = OfferState::draft(None);
            let mut first = None;
            for (at, action) in actions.into_iter().enumerate() {
                let now = Timestamp::from_micros(i64::try_from(at).unwrap());
                if let Ok(next) = state.apply(action, now) {
                    state = next;
                }
                first = first.or(state.share);
                prop_assert_eq!(state.share, first);
                prop_assert_eq!(state.newest_version == 0, state.status == OfferStatus::Draft);
                let open = state.event_stops.iter().filter(|stop| stop.until.is_none()).count();
                prop_assert!(open <= 1);
            }
        }
    }
}
