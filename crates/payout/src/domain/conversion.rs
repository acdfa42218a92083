//! The decision: a conversion, what happened to it → the conversion after it, its ledger transfers, and whether the
//! publisher hears of it.

use kernel::{
    AdvertiserId, ClickId, ConversionId, Days, Micros, OfferEventId, OfferId, PublisherId, TenantId,
    Timestamp,
};
use terms::{Breakdown, Priced, Reported, Review, Terms};

mod counting;
mod successors;

use super::{
    ledger::{self, Books, Goal, Transfer},
    limits::{Desk, Over, RateOf},
    standing::{Actor, Decision, Illegal, Standing, Status, Told, Word},
};
pub use counting::{Counted, WAITS_FOR_OFFER};
pub use successors::{Cause, PeopleSaid, Step, is_held, on_rejected_before, on_restored_before};

/// Who and what a conversion is about. Never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// Whose row it is.
    pub tenant: TenantId,
    /// Its id.
    pub conversion: ConversionId,
    /// The journey.
    pub click: ClickId,
    /// Who owes.
    pub advertiser: AdvertiserId,
    /// Who earns.
    pub publisher: PublisherId,
    /// The offer.
    pub offer: OfferId,
    /// The event of the offer.
    pub offer_event: OfferEventId,
}

/// What happened, as attribution saw it. The conversion's id is made of it, so only the time of receipt can change, when an
/// earlier postback turns out to hold the occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occasion {
    /// The Event ID of the offer's event.
    pub event_id: String,
    /// Which repeat. Compared and never taken apart.
    pub occurrence: String,
    /// When ingest received the postback that holds the occurrence: the hold begins here.
    pub received_at: Timestamp,
}

/// A stable code and a sentence for people; both empty when there is nothing to explain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reason {
    /// Such as `REJECTED_FRAUD`.
    pub code: String,
    /// Such as "AppsFlyer flagged the install as fraud".
    pub text: String,
}

/// Attribution's verdict, as far as money and status depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Who and what it is about.
    pub subject: Subject,
    /// Attribution's count; a lower one is ignored.
    pub revision: u64,
    /// What it says.
    pub word: Word,
    /// Why.
    pub reason: Reason,
    /// What happened.
    pub occasion: Occasion,
    /// Its place in the sequence; absent for an Independent event.
    pub number: Option<u32>,
    /// How many decisions of people on the click's conversions it was judged by; absent when its sender does not say.
    pub decisions_heard: Option<u32>,
    /// The hold.
    pub pending: Days,
    /// The money terms.
    pub terms: Terms,
    /// Whether fraud takes back what was released.
    pub reverses: bool,
    /// What the user spent.
    pub reported: Reported,
    /// Until when attribution had read what came in. What came later may contradict it, so it releases by itself only what
    /// was due by then.
    pub heard_until: Timestamp,
}

/// A conversion as payout keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversion {
    /// Who and what it is about.
    pub subject: Subject,
    /// What happened.
    pub occasion: Occasion,
    /// Where it is.
    pub standing: Standing,
    /// Payout's own count of its changes; 0 before the first.
    pub status_revision: u64,
    /// The verdict it answers.
    pub verdict_revision: u64,
    /// Why it is where it is.
    pub reason: Reason,
    /// When its pending time ends.
    pub due_at: Timestamp,
    /// What it is worth; absent while that is not known.
    pub money: Option<Breakdown>,
    /// What the money was computed from.
    pub reported: Reported,
    /// What the ledger holds of it.
    pub books: Books,
    /// How it stands with the limits of its offer.
    pub counted: Counted,
}

/// What became of a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// A newer verdict is known already.
    Stale,
    /// Nothing that anyone sees has changed; only the revision is to be remembered.
    Silent(Conversion),
    /// Something changed.
    Changed(Change),
}

/// A change of a conversion, complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The conversion after it.
    pub conversion: Conversion,
    /// What to write into the ledger.
    pub transfers: Vec<Transfer>,
    /// Whether what a publisher was told is no longer so.
    pub is_told: bool,
}

/// Why a person's decision was not carried out; nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The status does not allow it.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// Nobody knows what would be paid.
    #[error("what the conversion is worth is not known: {0}")]
    Worthless(String),
    /// The offer's limits have not arrived.
    #[error("the limits of the offer are not known here yet")]
    Unknown,
    /// A limit has no room.
    #[error("{0}")]
    Over(Over),
}

/// Settles a verdict. `now` is the database's clock. A conversion whose pending time was over when attribution said so is
/// released at once; one whose time ended on the way here waits for the sweep, for a veto may be behind it. What it takes
/// from the offer's limits, or gives back to them, is noted at `desk`. `unheard` is a person's rejection before it of which the
/// verdict had not heard ([`PeopleSaid::unheard`]): what it qualifies waits on review for one that has.
#[must_use]
pub fn on_verdict(
    current: Option<&Conversion>,
    verdict: &Verdict,
    unheard: Option<Cause>,
    rate: RateOf<'_>,
    desk: &mut Desk,
    now: Timestamp,
) -> Settlement {
    if current.is_some_and(|current| verdict.revision <= current.verdict_revision) {
        return Settlement::Stale;
    }
    let mut before = current.cloned().unwrap_or_else(|| unknown(verdict));
    if !before.standing.status.was_released() {
        before.due_at = due_at(verdict);
    }
    let money = reprice(&before, verdict, rate);
    let (word, reason) = match money.review {
        // The money must be clear before time may release it.
        Some(cause) if verdict.word == Word::Qualified => (
            Word::OnReview { reverses: false },
            Reason { code: String::from(cause.code()), text: cause.to_string() },
        ),
        _ if verdict.word == Word::Qualified => (verdict.word, Reason::default()),
        _ => (verdict.word, verdict.reason.clone()),
    };
    let standing = before.standing_but_for_its_offer().after_verdict(word);
    let (mut standing, reason) = match unheard {
        Some(cause) if successors::waits_for_time(standing) => (successors::HELD, cause.reason()),
        Some(_) | None => (standing, reason),
    };
    if is_over(before.due_at, verdict.occasion.received_at, now.min(verdict.heard_until)) {
        standing = standing.after_due();
    }
    // A standing that no verdict could move keeps the reason it was put there for.
    let keeps_reason = standing == before.standing && before.standing.by != Actor::Verdict;
    let after = Conversion {
        occasion: verdict.occasion.clone(),
        standing,
        verdict_revision: verdict.revision,
        reason: if keeps_reason { before.reason.clone() } else { reason },
        money: money.breakdown,
        reported: money.reported,
        ..before.clone()
    };
    let after = counting::counted(&before, after, rate, desk, now);
    if after.shows_the_same_as(&before) {
        Settlement::Silent(after)
    } else {
        Settlement::Changed(change(&before, after))
    }
}

/// Releases a conversion whose pending time is over; `None` when time does not move it (any more, or yet).
#[must_use]
pub fn on_due(current: &Conversion, now: Timestamp) -> Option<Change> {
    let standing = current.standing.after_due();
    if now < current.due_at || standing == current.standing {
        return None;
    }
    let reason = if current.counted.is_unpaid() { current.reason.clone() } else { Reason::default() };
    Some(change(current, Conversion { standing, reason, ..current.clone() }))
}

/// Counts a conversion that waited for its offer's limits, once `desk` knows them; `None` while it does not. Time releases it
/// when its hold was over at `released_until`.
#[must_use]
pub fn on_offer(
    current: &Conversion,
    rate: RateOf<'_>,
    desk: &mut Desk,
    now: Timestamp,
    released_until: Timestamp,
) -> Option<Change> {
    if current.counted != Counted::Waiting {
        return None;
    }
    let mut standing = current.standing_but_for_its_offer();
    let reason = if standing == current.standing { current.reason.clone() } else { Reason::default() };
    if is_over(current.due_at, current.occasion.received_at, released_until) {
        standing = standing.after_due();
    }
    let after = Conversion { standing, reason, ..current.clone() };
    let after = counting::counted(current, after, rate, desk, now);
    (!after.shows_the_same_as(current)).then(|| change(current, after))
}

/// Prices a conversion that waited on review for a rate, by the terms of its verdict; `None` while there is none, and when something else
/// has moved it by now. Time releases it when its hold was over at `released_until`. `unheard` as for [`on_verdict`].
#[must_use]
pub fn on_rate(
    current: &Conversion,
    (terms, unheard): (&Terms, Option<Cause>),
    rate: RateOf<'_>,
    desk: &mut Desk,
    now: Timestamp,
    released_until: Timestamp,
) -> Option<Change> {
    if !current.waits_for_rate() {
        return None;
    }
    let (mut standing, reason, money) = match terms::price(terms, &current.reported, rate) {
        Priced::Money(money) => {
            (Standing { status: Status::Pending, by: Actor::Verdict }, Reason::default(), Some(money))
        }
        Priced::Review { cause: Review::NoRate { .. }, .. } => return None,
        Priced::Review { cause, breakdown } => {
            let reason = Reason { code: String::from(cause.code()), text: cause.to_string() };
            (current.standing, reason, breakdown)
        }
    };
    let reason = match unheard {
        Some(cause) if successors::waits_for_time(standing) => {
            standing = successors::HELD;
            cause.reason()
        }
        Some(_) | None => reason,
    };
    if is_over(current.due_at, current.occasion.received_at, released_until) {
        standing = standing.after_due();
    }
    let after = Conversion { standing, reason, money, ..current.clone() };
    let after = counting::counted(current, after, rate, desk, now);
    (!after.shows_the_same_as(current)).then(|| change(current, after))
}

/// Carries out what a person decided. What it makes count takes room like everything else. `priced`: by the rates of now it is worth
/// this, when nobody could say so before.
///
/// # Errors
/// [`Refused`]; then nothing has changed.
pub fn on_decision(
    current: &Conversion,
    (decision, priced): (Decision, Option<Breakdown>),
    why: &str,
    rate: RateOf<'_>,
    desk: &mut Desk,
    now: Timestamp,
) -> Result<Change, Refused> {
    let mut standing = current.standing.decided(decision)?;
    let money = current.money.or(priced);
    if standing.status.told() != Some(Told::Rejected) && money.is_none() {
        return Err(Refused::Worthless(current.reason.text.clone()));
    }
    if now >= current.due_at {
        standing = standing.after_due();
    }
    let reason = Reason { code: String::from(decision.code()), text: String::from(why) };
    let after = Conversion { standing, reason, money, ..current.clone() };
    let after = counting::counted_or_refused(current, after, rate, desk, now)?;
    Ok(change(current, after))
}

impl Conversion {
    /// When time will move this conversion by itself.
    #[must_use]
    pub fn released_by_time_at(&self) -> Option<Timestamp> {
        (self.standing.status == Status::Pending).then_some(self.due_at)
    }

    /// What the publisher earns, once that is known.
    #[must_use]
    pub fn payout(&self) -> Option<Micros> {
        self.money.map(|money| money.payout)
    }

    /// Where it would be if only its offer's limits were known.
    fn standing_but_for_its_offer(&self) -> Standing {
        if self.counted == Counted::Waiting && self.standing.by == Actor::Limit {
            Standing { status: Status::Pending, by: Actor::Verdict }
        } else {
            self.standing
        }
    }

    fn waits_for_rate(&self) -> bool {
        self.standing == Standing { status: Status::OnReview, by: Actor::Verdict }
            && self.money.is_none()
            && self.reason.code == Review::NO_RATE
    }

    fn shows_the_same_as(&self, other: &Self) -> bool {
        self.standing.status == other.standing.status && self.reason == other.reason && self.money == other.money
            && self.counted == other.counted
            // Nobody sees what was never reached, so there is nothing to number yet.
            || self.standing.status == Status::Unreached && other.standing.status == Status::Unreached
    }
}

fn change(before: &Conversion, after: Conversion) -> Change {
    let revision = before.status_revision.saturating_add(1);
    let told = after.standing.status.told();
    let is_told = before.standing.status.told() != told
        // What a refused conversion would have earned is not news.
        || before.payout() != after.payout() && told.is_some_and(|told| told != Told::Rejected);
    let goal = match (after.standing.status, after.money) {
        // What counts nowhere reserves nothing: the ledger promises no more than the limits hold.
        (Status::Pending | Status::OnReview, Some(money)) if after.counted.holds() => Goal::Reserve(money),
        (Status::Unreached | Status::Rejected | Status::Reversed | Status::Pending | Status::OnReview, _)
        | (_, None) => Goal::Nothing,
        (Status::Success | Status::Flagged, Some(money)) => Goal::Post(money),
    };
    let entry = ledger::enter(
        &after.subject,
        revision,
        ledger::Held { books: before.books, money: before.money },
        goal,
    );
    Change {
        conversion: Conversion { status_revision: revision, books: entry.books, ..after },
        transfers: entry.transfers,
        is_told,
    }
}

/// The hold ends whole days of 24 hours after the postback was received, whatever the calendar does.
fn due_at(verdict: &Verdict) -> Timestamp {
    verdict.occasion.received_at.saturating_add_days(verdict.pending)
}

/// A hold of no length is over when it begins, whatever clocks say of the moment.
fn is_over(due_at: Timestamp, received_at: Timestamp, now: Timestamp) -> bool {
    now.max(received_at) >= due_at
}

fn unknown(verdict: &Verdict) -> Conversion {
    Conversion {
        subject: verdict.subject,
        occasion: verdict.occasion.clone(),
        standing: Standing::UNKNOWN,
        status_revision: 0,
        verdict_revision: 0,
        reason: Reason::default(),
        due_at: due_at(verdict),
        money: None,
        reported: Reported::default(),
        books: Books::Empty,
        counted: Counted::Nowhere,
    }
}

struct Repriced {
    breakdown: Option<Breakdown>,
    reported: Reported,
    review: Option<Review>,
}

/// The price is fixed when a conversion qualifies, with its rate. It is computed again only while nothing was released
/// and what the user spent has changed (an amount that came later), or when it could not be computed before.
fn reprice(before: &Conversion, verdict: &Verdict, rate: RateOf<'_>) -> Repriced {
    if verdict.word == Word::Unreached || before.counted.is_unpaid() {
        return Repriced { breakdown: before.money, reported: before.reported, review: None };
    }
    let is_fixed = before.money.is_some()
        && (before.standing.status.was_released() || before.reported == verdict.reported);
    if let Some(money) = before.money.filter(|_| is_fixed) {
        let is_loss = money.margin.0 < 0 && !before.standing.status.was_released();
        let review = is_loss.then(|| Review::PayoutAboveRevenue {
            revenue: kernel::Money::new(money.revenue, money.currency),
            payout: kernel::Money::new(money.payout, money.currency),
        });
        return Repriced { breakdown: before.money, reported: before.reported, review };
    }
    match terms::price(&verdict.terms, &verdict.reported, rate) {
        Priced::Money(money) => Repriced { breakdown: Some(money), reported: verdict.reported, review: None },
        // No verdict moves what a person has cleared, so time will release it: at the price that the person saw.
        Priced::Review { .. } if before.money.is_some() && before.standing.by == Actor::Person => {
            Repriced { breakdown: before.money, reported: before.reported, review: None }
        }
        Priced::Review { cause, breakdown } => {
            Repriced { breakdown, reported: verdict.reported, review: Some(cause) }
        }
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "sums of a test, far from any end")]
mod tests;
