//! Alarms → the facts that tell of them.

use contracts::{
    Fact, Stamp,
    attribution::{Alarm, AlarmCleared, AlarmClearing, AlarmKind as KindMessage, AlarmRaised},
    envelope::Envelope,
    seal,
};
use kernel::{OfferId, Timestamp};

use crate::domain::alarms::{AlarmKind, Cleared, OpenAlarm, Subject};

/// An alarm, and what it is of.
pub type AlarmOf<'a> = (&'a Subject, &'a OpenAlarm);

/// The exchange, the routing key and the envelope of the fact that an alarm is raised.
#[must_use]
pub fn alarm_raised(of: AlarmOf<'_>, stamp: Stamp) -> (&'static str, &'static str, Envelope) {
    sealed(stamp, &AlarmRaised { alarm: Some(alarm(of)) })
}

/// The same of the fact that it is over.
#[must_use]
pub fn alarm_cleared(
    of: AlarmOf<'_>,
    (at, because): (Timestamp, Cleared),
    stamp: Stamp,
) -> (&'static str, &'static str, Envelope) {
    let because = match because {
        Cleared::Recovered => AlarmClearing::Recovered,
        Cleared::OfferStopped => AlarmClearing::OfferStopped,
        Cleared::Aged => AlarmClearing::Aged,
    };
    let fact =
        AlarmCleared { alarm: Some(alarm(of)), cleared_at_micros: at.as_micros(), because: because.into() };
    sealed(stamp, &fact)
}

fn sealed<F: Fact>(stamp: Stamp, fact: &F) -> (&'static str, &'static str, Envelope) {
    (F::EXCHANGE, F::ROUTING_KEY, seal(stamp, fact))
}

fn alarm((subject, alarm): AlarmOf<'_>) -> Alarm {
    let finding = &alarm.finding;
    let kind = match finding.kind {
        AlarmKind::Silence => KindMessage::Silence,
        AlarmKind::UnmappedShare => KindMessage::UnmappedShare,
        AlarmKind::OutOfOrderShare => KindMessage::OutOfOrderShare,
        AlarmKind::DuplicateShare => KindMessage::DuplicateShare,
        AlarmKind::PrivacyShare => KindMessage::PrivacyShare,
    };
    Alarm {
        tenant_id: subject.tenant.to_vec(),
        alarm_id: alarm.id.as_bytes().to_vec(),
        kind: kind.into(),
        offer_id: subject.offer.map(OfferId::to_vec),
        event_id: subject.event_id.clone(),
        raised_at_micros: alarm.raised_at.as_micros(),
        since_micros: finding.since.as_micros(),
        postbacks: finding.window.postbacks,
        matching: finding.window.matching,
        usual_postbacks: finding.usual.postbacks,
        usual_matching: finding.usual.matching,
        sentence: finding.sentence(&subject.event_id),
    }
}
