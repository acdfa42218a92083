//! A journey fed as the service feeds it: one fact at a time, judged when the service judges, knowing what the service
//! has committed, told what the service tells. What it ends with is what payout and people would have heard.

use std::collections::BTreeMap;

use kernel::{ClickId, CredentialId, OfferEventId, ReceiptId, TimeWindow, Timestamp};
use uuid::Uuid;

use crate::domain::{
    Changes, Click, Code, Credential, Held, Known, KnownDecision, PersonDecision, Stamped, Verdict,
    VerdictCode, Version, Waits, diff, samples::Feed,
};

/// Something that becomes known.
#[derive(Debug, Clone)]
pub(super) enum Happening {
    Click(Click),
    Postback(Box<Stamped>),
    Version(Box<Version>),
    Credential(CredentialId, Credential),
    Stop(TimeWindow),
    Person(PersonDecision),
    /// The member has done an event through another click.
    DoneElsewhere(OfferEventId),
    /// It is replayed under a version for real.
    Replayed(u32),
    /// All input up to then has been seen.
    Seen(Timestamp),
}

/// The click through which a member has done something elsewhere.
pub(super) fn other_click() -> ClickId {
    ClickId::from_uuid(Uuid::from_u128(0x0777))
}

pub(super) struct Service {
    pub(super) feed: Feed,
    pub(super) known: Known,
    pub(super) histories: BTreeMap<ReceiptId, Vec<Code>>,
    pub(super) horizon: Timestamp,
    waits: Waits,
}

impl Service {
    pub(super) fn new(feed: Feed) -> Self {
        Self {
            feed,
            known: Known::default(),
            histories: BTreeMap::new(),
            horizon: Timestamp::from_micros(0),
            waits: Waits::default(),
        }
    }

    pub(super) fn take(&mut self, happening: &Happening) {
        let feed = &mut self.feed;
        let judges = match happening {
            Happening::Click(click) => {
                let is_new = feed.click.is_none();
                feed.click.get_or_insert_with(|| click.clone());
                is_new
            }
            Happening::Postback(postback) => {
                self.horizon = self.horizon.max(postback.received_at);
                let is_new = feed.postbacks.iter().all(|known| known.receipt != postback.receipt);
                if is_new {
                    feed.postbacks.push(postback.as_ref().clone());
                }
                is_new
            }
            // A change of the catalog has open journeys judged again, and no others.
            Happening::Version(version) => {
                feed.offer.versions.insert(version.number, version.as_ref().clone());
                self.waits.open
            }
            Happening::Credential(id, credential) => {
                feed.credentials.insert(*id, credential.clone());
                self.waits.open
            }
            Happening::Stop(window) => {
                feed.offer.stops.push(*window);
                self.waits.open
            }
            Happening::Person(decision) => {
                let is_new = feed.people.iter().all(|known| known.id != decision.id);
                if is_new {
                    feed.people.push(decision.clone());
                }
                is_new
            }
            Happening::DoneElsewhere(event) => {
                feed.first_clicks.entry(*event).or_insert_with(other_click);
                false
            }
            Happening::Replayed(version) => {
                feed.replayed.retain(|known| known != version);
                feed.replayed.push(*version);
                true
            }
            // The sweep judges what is due.
            Happening::Seen(until) => {
                self.horizon = self.horizon.max(*until);
                self.waits.until.is_some_and(|due| due <= self.horizon)
            }
        };
        if judges && !self.feed.postbacks.is_empty() {
            self.judge();
        }
    }

    fn judge(&mut self) {
        let verdict = self.feed.judge(self.horizon);
        let changes = diff(&self.known, &verdict);
        self.commit(&changes);
        self.waits = verdict.waits;
        assert_eq!(diff(&self.known, &verdict), Changes::default(), "what was committed is not new");
    }

    fn commit(&mut self, changes: &Changes) {
        for change in &changes.decisions {
            let decision = &change.decision;
            let known =
                KnownDecision { code: decision.code, revision: change.revision, settled: decision.settled };
            self.known.decisions.insert(decision.receipt, known);
            self.histories.entry(decision.receipt).or_default().push(decision.code);
        }
        self.known.decisions.extend(changes.settled.iter().copied());
        for (revision, _, conversion) in &changes.conversions {
            self.known.conversions.insert(conversion.id, (*revision, conversion.clone()));
        }
        // What the next judgement reads is what was committed, nothing else.
        for postback in &mut self.feed.postbacks {
            postback.settled = self.known.decisions[&postback.receipt].settled;
        }
        let told = self.known.conversions.values();
        self.feed.held = told
            .map(|(_, one)| {
                (
                    one.slot().unwrap(),
                    Held {
                        holder: one.holder,
                        amount_from: one.amount_from,
                        amount_closed: false,
                        terms: one.terms,
                    },
                )
            })
            .collect();
    }

    /// What must not depend on the order in which things were processed.
    pub(super) fn meaning(&self) -> Meaning {
        let mut codes = BTreeMap::new();
        for decision in self.known.decisions.values() {
            let word = if decision.code.is_repeat() { "a repeat" } else { decision.code.as_str() };
            *codes.entry(word).or_default() += 1;
        }
        let conflict = self.known.decisions.values().any(|decision| decision.code == Code::Conflict);
        let conversions = self.known.conversions.values().map(|(_, one)| {
            let amount = one.reported.money.filter(|_| !conflict);
            ((one.event, one.occurrence.clone()), (one.verdict, one.code, amount))
        });
        Meaning { codes, conversions: conversions.collect() }
    }
}

/// A conversion's verdict, its reason, and the amount that counts.
type Stands = (Verdict, VerdictCode, Option<kernel::Money>);

/// Codes with repeats counted together, verdicts by occurrence, and amounts where no conflict is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meaning {
    codes: BTreeMap<&'static str, usize>,
    conversions: BTreeMap<(OfferEventId, String), Stands>,
}
