//! One event, its past, its last hours and its open alarms: what is to be raised, and what is over.

use chrono::{DateTime, Utc};
use kernel::{OfferId, TenantId, Timestamp};
use uuid::Uuid;

use super::{
    AlarmKind, Cleared, Comparison, HISTORY_DAYS, Hour, Share, USUAL_DAYS, compare, hour_of, silence,
};

const SECONDS_PER_DAY: i64 = 86_400;

/// What is watched: an event of an offer, or an Event ID in the whole tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// Whose.
    pub tenant: TenantId,
    /// Of which offer; none: in the whole tenant, also where the offer is not known.
    pub offer: Option<OfferId>,
    /// The Event ID as postbacks report it.
    pub event_id: String,
}

/// Postbacks, and how many of them have the codes of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// All.
    pub postbacks: i64,
    /// Codes of [`AlarmKind::UnmappedShare`].
    pub unmapped: i64,
    /// Codes of [`AlarmKind::OutOfOrderShare`].
    pub out_of_order: i64,
    /// Codes of [`AlarmKind::DuplicateShare`].
    pub duplicate: i64,
    /// Codes of [`AlarmKind::PrivacyShare`].
    pub privacy: i64,
}

impl Tally {
    const fn share(self, kind: AlarmKind) -> Share {
        let matching = match kind {
            AlarmKind::Silence => 0,
            AlarmKind::UnmappedShare => self.unmapped,
            AlarmKind::OutOfOrderShare => self.out_of_order,
            AlarmKind::DuplicateShare => self.duplicate,
            AlarmKind::PrivacyShare => self.privacy,
        };
        Share { postbacks: self.postbacks, matching }
    }
}

/// What came in the hours that are over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Past {
    /// Hours with postbacks and how many, in order.
    pub hours: Vec<(Hour, i64)>,
    /// The last [`USUAL_DAYS`] before the window.
    pub usual: Tally,
}

/// What came in the window: the last [`super::WINDOW_HOURS`] and the one that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recent {
    /// The last hour with a postback.
    pub last: Option<Hour>,
    /// All of it.
    pub tally: Tally,
}

/// An alarm with the numbers that led there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub kind: AlarmKind,
    /// The end of the last hour with a postback, or the start of the window.
    pub since: Timestamp,
    /// Of silence: postbacks that would be usual since then. Else: the window.
    pub window: Share,
    /// The past beside it.
    pub usual: Share,
}

/// One that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAlarm {
    /// Its id.
    pub id: Uuid,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// Why.
    pub finding: Finding,
}

/// What is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlarmChange {
    /// An alarm.
    Raise(Finding),
    /// One that stood is over.
    Clear(Uuid, Cleared),
}

/// Looks at one event. `window_from` is the start of the window. Nothing is expected of an offer that is not on.
#[must_use]
pub fn look(
    subject: &Subject,
    past: &Past,
    recent: Recent,
    open: &[OpenAlarm],
    is_on: bool,
    (window_from, now): (Timestamp, Timestamp),
) -> Vec<AlarmChange> {
    let mut changes = Vec::new();
    for kind in AlarmKind::ALL.into_iter().filter(|kind| kind.is_of_tenant() == subject.offer.is_none()) {
        let standing = open.iter().find(|alarm| alarm.finding.kind == kind);
        let change = match (kind, standing) {
            (AlarmKind::Silence, None) => {
                is_on.then(|| silent(past, recent, now)).flatten().map(AlarmChange::Raise)
            }
            (AlarmKind::Silence, Some(alarm)) => silence_over(alarm, past, recent, is_on, now),
            (_, None) => {
                let (window, usual) = (recent.tally.share(kind), past.usual.share(kind));
                let finding = Finding { kind, since: window_from, window, usual };
                (compare(window, usual) == Comparison::Alarming).then_some(AlarmChange::Raise(finding))
            }
            (_, Some(alarm)) => share_over(alarm, recent.tally.share(kind), now),
        };
        changes.extend(change);
    }
    changes
}

fn last_hour(past: &Past, recent: Recent) -> Option<Hour> {
    past.hours.last().map(|(hour, _)| *hour).max(recent.last)
}

fn silent(past: &Past, recent: Recent, now: Timestamp) -> Option<Finding> {
    let found = silence(&past.hours, last_hour(past, recent)?, now)?;
    Some(Finding {
        kind: AlarmKind::Silence,
        since: found.since,
        window: Share { postbacks: found.expected, matching: 0 },
        usual: Share { postbacks: found.history, matching: 0 },
    })
}

fn silence_over(
    alarm: &OpenAlarm,
    past: &Past,
    recent: Recent,
    is_on: bool,
    now: Timestamp,
) -> Option<AlarmChange> {
    let has_come = last_hour(past, recent).is_some_and(|last| last >= hour_of(alarm.finding.since));
    let because = if has_come {
        Cleared::Recovered
    } else if !is_on {
        Cleared::OfferStopped
    } else if is_older(alarm.finding.since, HISTORY_DAYS, now) {
        Cleared::Aged
    } else {
        return None;
    };
    Some(AlarmChange::Clear(alarm.id, because))
}

/// Beside what was usual when it was raised: what is wrong for a day is otherwise half usual the next.
fn share_over(alarm: &OpenAlarm, window: Share, now: Timestamp) -> Option<AlarmChange> {
    let because = if compare(window, alarm.finding.usual) == Comparison::Usual {
        Cleared::Recovered
    } else if is_older(alarm.raised_at, USUAL_DAYS, now) {
        Cleared::Aged
    } else {
        return None;
    };
    Some(AlarmChange::Clear(alarm.id, because))
}

fn is_older(moment: Timestamp, days: i64, now: Timestamp) -> bool {
    moment.saturating_add_seconds(days.saturating_mul(SECONDS_PER_DAY)) <= now
}

impl Finding {
    /// For a person.
    #[must_use]
    pub fn sentence(&self, event_id: &str) -> String {
        let since = DateTime::<Utc>::from_timestamp_micros(self.since.as_micros())
            .map(|since| since.format("%Y-%m-%d %H:%M UTC").to_string())
            .unwrap_or_default();
        let Share { postbacks, matching } = self.window;
        if self.kind == AlarmKind::Silence {
            return format!("No \"{event_id}\" has come since {since}; {postbacks} would be usual by now.");
        }
        format!(
            "Of {postbacks} \"{event_id}\" since {since}, {matching} {} ({}); usual are {}.",
            self.kind.predicate(),
            percent(self.window),
            percent(self.usual),
        )
    }
}

/// To a tenth, cut.
fn percent(share: Share) -> String {
    let thousandths = share.matching.saturating_mul(1_000).checked_div(share.postbacks).unwrap_or_default();
    let (whole, tenth) = (thousandths.div_euclid(10), thousandths.rem_euclid(10));
    format!("{whole}.{tenth} %")
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]
mod tests {
    use super::*;
    use crate::domain::alarms::start_of;

    const HOUR: Hour = 490_000;

    fn subject(offer: Option<u128>) -> Subject {
        Subject {
            tenant: TenantId::from_uuid(Uuid::nil()),
            offer: offer.map(|id| OfferId::from_uuid(Uuid::from_u128(id))),
            event_id: "level_10".to_owned(),
        }
    }

    fn busy() -> Past {
        Past {
            hours: (0..400).map(|hour| (HOUR - 400 + hour, 60)).collect(),
            usual: Tally { postbacks: 10_000, unmapped: 100, ..Tally::default() },
        }
    }

    fn looked(
        past: &Past,
        recent: Recent,
        open: &[OpenAlarm],
        is_on: bool,
        now: Timestamp,
    ) -> Vec<AlarmChange> {
        look(&subject(Some(1)), past, recent, open, is_on, (start_of(HOUR - 2), now))
    }

    fn raised(change: &AlarmChange) -> OpenAlarm {
        let AlarmChange::Raise(finding) = change.clone() else { panic!("{change:?}") };
        OpenAlarm { id: Uuid::from_u128(1), raised_at: start_of(HOUR), finding }
    }

    #[test]
    fn silence_is_raised_once_and_is_over_when_one_comes_or_nothing_is_expected_any_more() {
        let now = start_of(HOUR).saturating_add_seconds(20 * 60);
        let quiet = Recent { last: Some(HOUR - 1), ..Recent::default() };
        let found = looked(&busy(), quiet, &[], true, now);
        assert_eq!(found.len(), 1);
        let alarm = raised(&found[0]);
        assert_eq!(
            alarm.finding.sentence("level_10"),
            "No \"level_10\" has come since 2025-11-24 16:00 UTC; 20 would be usual by now."
        );
        let open = [alarm];
        assert_eq!(looked(&busy(), quiet, &open, true, now), []);
        assert_eq!(looked(&busy(), quiet, &[], false, now), [], "of an offer that is stopped");
        let over = |recent, is_on, now| looked(&busy(), recent, &open, is_on, now);
        let id = open[0].id;
        let came = Recent { last: Some(HOUR), ..Recent::default() };
        assert_eq!(over(came, true, now), [AlarmChange::Clear(id, Cleared::Recovered)]);
        assert_eq!(over(quiet, false, now), [AlarmChange::Clear(id, Cleared::OfferStopped)]);
        let later = start_of(HOUR + 28 * 24);
        assert_eq!(over(quiet, true, later), [AlarmChange::Clear(id, Cleared::Aged)]);
    }

    #[test]
    fn a_share_is_raised_once_stays_while_it_is_high_and_is_over_when_it_is_not() {
        let now = start_of(HOUR);
        let recent = |unmapped| Recent {
            last: Some(HOUR),
            tally: Tally { postbacks: 100, unmapped, ..Tally::default() },
        };
        let found = looked(&busy(), recent(40), &[], true, now);
        assert_eq!(found.len(), 1);
        let alarm = raised(&found[0]);
        assert_eq!(
            alarm.finding.sentence("level_10"),
            "Of 100 \"level_10\" since 2025-11-24 14:00 UTC, 40 are not mapped in the offer (40.0 %); usual are 1.0 %."
        );
        let id = alarm.id;
        let open = [alarm];
        // Now it is usual to be wrong; it was not when it was raised.
        let mut used_to_it = busy();
        used_to_it.usual.unmapped = 4_000;
        assert_eq!(looked(&used_to_it, recent(40), &open, true, now), []);
        assert_eq!(looked(&busy(), recent(5), &open, true, now), [], "not low enough");
        assert_eq!(
            looked(&busy(), recent(2), &open, true, now),
            [AlarmChange::Clear(id, Cleared::Recovered)]
        );
        assert_eq!(
            looked(&busy(), recent(40), &open, true, start_of(HOUR + 7 * 24)).last(),
            Some(&AlarmChange::Clear(id, Cleared::Aged))
        );
    }

    #[test]
    fn privacy_is_of_the_tenant_and_everything_else_of_an_offer() {
        let tally = Tally { postbacks: 100, unmapped: 90, out_of_order: 90, duplicate: 90, privacy: 90 };
        let recent = Recent { last: Some(HOUR), tally };
        let kinds = |offer| {
            let now = start_of(HOUR);
            let found = look(&subject(offer), &busy(), recent, &[], true, (now, now));
            found.iter().map(|change| raised(change).finding.kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds(None), [AlarmKind::PrivacyShare]);
        assert_eq!(
            kinds(Some(1)),
            [AlarmKind::UnmappedShare, AlarmKind::OutOfOrderShare, AlarmKind::DuplicateShare]
        );
    }

    #[test]
    fn every_kind_reads_back_has_its_own_codes_and_says_what_to_do() {
        let mut codes = Vec::new();
        for kind in AlarmKind::ALL {
            assert_eq!(AlarmKind::parse(kind.as_str()), Some(kind));
            assert_eq!(kind.codes().is_empty(), kind == AlarmKind::Silence);
            assert!(kind.advice().ends_with('.'));
            codes.extend_from_slice(kind.codes());
        }
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
    }
}
