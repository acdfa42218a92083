//! Scheduled changes: what an event earns, pays or shows from an hour on. At most a few wait for one field of one event, never
//! two at one hour, none further ahead than a year: a plan that nobody remembers is a surprise.

use kernel::{OfferEventId, OfferId, TenantId, Timestamp, TokenId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    event::{Payout, Revenue},
    offer::OfferFields,
};

/// The most that wait for one field of one event.
pub const PENDING_MAX: usize = 5;
/// Two changes of one field are at least so far apart.
const HOUR_MICROS: u64 = 3_600_000_000;

/// What can be scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TermField {
    /// What the advertiser owes.
    Revenue,
    /// What the publisher earns.
    Payout,
    /// Points that the publisher's user sees.
    Reward,
}

impl TermField {
    /// The word in tables and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revenue => "revenue",
            Self::Payout => "payout",
            Self::Reward => "reward",
        }
    }
}

/// The new value. `Serialize` is the stored form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Term {
    /// What the advertiser owes.
    Revenue(Revenue),
    /// What the publisher earns.
    Payout(Payout),
    /// Points that the publisher's user sees.
    Reward(i64),
}

impl Term {
    /// Of which field.
    #[must_use]
    pub const fn field(self) -> TermField {
        match self {
            Self::Revenue(_) => TermField::Revenue,
            Self::Payout(_) => TermField::Payout,
            Self::Reward(_) => TermField::Reward,
        }
    }
}

/// Where a change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeStatus {
    /// Waits for its hour.
    Pending,
    /// Happened.
    Applied,
    /// Could not happen any more.
    Failed,
    /// A person took it back.
    Cancelled,
}

impl ChangeStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Applied, Self::Failed, Self::Cancelled];

    /// The word in tables and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Applied => "Applied",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        }
    }

    /// Reads [`ChangeStatus::as_str`] back.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// A scheduled change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduledChange {
    /// Whose.
    pub tenant_id: TenantId,
    /// Its id.
    pub change_id: Uuid,
    /// Of which offer.
    pub offer_id: OfferId,
    /// Of which event.
    pub offer_event_id: OfferEventId,
    /// What it will be.
    pub term: Term,
    /// From when on.
    pub due_at: Timestamp,
    /// Where it stands.
    pub status: ChangeStatus,
    /// Why it failed.
    pub reason: Option<String>,
    /// The version that has it, once applied.
    pub version: Option<u32>,
    /// Who asked for it.
    pub scheduled_by: TokenId,
    /// When.
    pub created_at: Timestamp,
    /// When it was applied, failed or was taken back.
    pub settled_at: Option<Timestamp>,
}

/// Why a change can not be scheduled. The text is for the person who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleConflict {
    /// Enough wait already.
    #[error("{PENDING_MAX} changes of this field of this event are pending already; cancel one first")]
    TooMany,
    /// One waits for that hour.
    #[error(
        "a change of this field of this event is pending for that hour already; cancel it first, or choose another hour"
    )]
    HourTaken,
    /// To be cancelled, but it is not pending.
    #[error("the change is not pending any more, so it can not be cancelled; edit the offer")]
    NotPending,
}

impl ScheduleConflict {
    /// A stable code for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooMany => "too_many_scheduled_changes",
            Self::HourTaken => "hour_taken",
            Self::NotPending => "change_not_pending",
        }
    }
}

/// Whether a moment can be scheduled at `now`, with `latest` a year later.
///
/// # Errors
/// What would be right.
pub fn check_moment(due: Timestamp, now: Timestamp, latest: Timestamp) -> Result<(), &'static str> {
    if due <= now {
        return Err("must be in the future; edit the offer to change it now");
    }
    if due > latest {
        return Err("must be at most one year ahead");
    }
    Ok(())
}

/// Whether a change due at `due` can stand beside those that are pending for the same field of the same event.
///
/// # Errors
/// [`ScheduleConflict`].
pub fn check_beside(due: Timestamp, pending: &[Timestamp]) -> Result<(), ScheduleConflict> {
    if pending.iter().any(|other| other.micros_since(due).unsigned_abs() < HOUR_MICROS) {
        return Err(ScheduleConflict::HourTaken);
    }
    if pending.len() >= PENDING_MAX { Err(ScheduleConflict::TooMany) } else { Ok(()) }
}

/// The fields with an event's new term; `None` when the offer does not have the event any more.
#[must_use]
pub fn applied(fields: &OfferFields, event: OfferEventId, term: Term) -> Option<OfferFields> {
    let mut fields = fields.clone();
    let event = fields.events.iter_mut().find(|of| of.offer_event_id == Some(event))?;
    match term {
        Term::Revenue(revenue) => event.revenue = Some(revenue),
        Term::Payout(payout) => event.payout = Some(payout),
        Term::Reward(reward) => event.reward = reward,
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use kernel::Micros;
    use rstest::rstest;

    use super::*;
    use crate::domain::{event::tests::event, offer::OfferFields};

    const HOUR: i64 = 3_600_000_000;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_micros(hours * HOUR)
    }

    #[rstest]
    #[case(9, false)]
    #[case(10, false)]
    #[case(11, true)]
    #[case(20, true)]
    #[case(21, false)]
    fn a_moment_lies_ahead_and_not_too_far(#[case] due: i64, #[case] good: bool) {
        assert_eq!(check_moment(at(due), at(10), at(20)).is_ok(), good);
    }

    #[test]
    fn five_wait_and_never_two_at_one_hour() {
        let mut pending = Vec::new();
        for hour in 1..=5 {
            assert_eq!(check_beside(at(hour), &pending), Ok(()));
            pending.push(at(hour));
            assert_eq!(check_beside(at(hour), &pending), Err(ScheduleConflict::HourTaken));
        }
        assert_eq!(check_beside(at(9), &pending), Err(ScheduleConflict::TooMany));
        // Full hours of zones that are half an hour apart are one hour.
        let half = at(2).saturating_add_micros(HOUR / 2);
        assert_eq!(check_beside(half, &[at(2)]), Err(ScheduleConflict::HourTaken));
        assert_eq!(check_beside(half, &[at(1)]), Ok(()));
    }

    #[test]
    fn a_term_is_one_events() {
        let id = |number| OfferEventId::from_uuid(Uuid::from_u128(number));
        let mut before =
            OfferFields { events: vec![event("a", Some(1)), event("b", Some(2))], ..OfferFields::default() };
        for (number, event) in (1..).zip(&mut before.events) {
            event.offer_event_id = Some(id(number));
        }
        let mut expected = before.clone();
        expected.events[1].revenue = Some(Revenue::Flat(Micros(7)));
        assert_eq!(applied(&before, id(2), Term::Revenue(Revenue::Flat(Micros(7)))), Some(expected));
        assert_eq!(applied(&before, id(1), Term::Reward(5)).unwrap().events[0].reward, 5);
        assert_eq!(applied(&before, id(3), Term::Reward(5)), None);
    }

    #[test]
    fn the_stored_form_reads_back() {
        for term in [
            Term::Revenue(Revenue::Flat(Micros(1))),
            Term::Payout(Payout::ShareOfRevenue(kernel::Bps(7))),
            Term::Reward(3),
        ] {
            let stored = serde_json::to_value(term).unwrap();
            assert_eq!(serde_json::from_value::<Term>(stored).unwrap(), term);
        }
    }
}
