//! Between the price and the ledger: what a conversion takes from its offer's limits, and what becomes of it when there is no
//! room.
//!
//! Pending, on review by a verdict, Success and flagged count; what is refused does not, nor what a limit put on review: it
//! takes its room when a person approves it. What is taken is remembered with the conversion and given back once, to the
//! periods in which it was taken.

use kernel::{Money, Timestamp};
use terms::Breakdown;

use super::{Conversion, Reason, Refused};
use crate::domain::{
    limits::{Answer, Desk, Limit, Over, OverLimit, RateOf, Taking},
    standing::{Actor, Standing, Status},
};

/// The code of a conversion that waits for its offer's limits.
pub const WAITS_FOR_OFFER: &str = "REVIEW_LIMITS_UNKNOWN";

/// How a conversion stands with the limits of its offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// It counts nowhere: it is not earned, or a limit refused it, or nobody knows what it is worth.
    Nowhere,
    /// It would count, but the offer's limits are not known here yet.
    Waiting,
    /// It counts.
    Taken(Taking),
    /// It was accepted above a limit, which is named unless that was before limits were written down: worth 0, and counts nowhere,
    /// for ever.
    Unpaid(Option<Limit>),
}

impl Counted {
    /// Whether the ledger may reserve for it.
    #[must_use]
    pub const fn holds(self) -> bool {
        matches!(self, Self::Taken(_) | Self::Unpaid(_))
    }

    /// Whether nothing is paid for it although it is accepted.
    #[must_use]
    pub const fn is_unpaid(self) -> bool {
        matches!(self, Self::Unpaid(_))
    }
}

/// `after` as the limits leave it, where nobody can be asked.
pub(super) fn counted(
    before: &Conversion,
    after: Conversion,
    rate: RateOf<'_>,
    desk: &mut Desk,
    now: Timestamp,
) -> Conversion {
    match settle(before, &after, rate, desk, now) {
        Settled::As(counted) => with(before, after, counted),
        Settled::Unknown => waiting(after),
        Settled::Over(over) => over_limit(after, &over, desk),
    }
}

/// `after` as the limits leave it, for a person who can be told why not.
pub(super) fn counted_or_refused(
    before: &Conversion,
    after: Conversion,
    rate: RateOf<'_>,
    desk: &mut Desk,
    now: Timestamp,
) -> Result<Conversion, Refused> {
    match settle(before, &after, rate, desk, now) {
        Settled::As(counted) => Ok(Conversion { counted, ..after }),
        Settled::Unknown => Err(Refused::Unknown),
        Settled::Over(over) => Err(Refused::Over(over)),
    }
}

enum Settled {
    As(Counted),
    Unknown,
    Over(Over),
}

fn settle(
    before: &Conversion,
    after: &Conversion,
    rate: RateOf<'_>,
    desk: &mut Desk,
    now: Timestamp,
) -> Settled {
    let subject = &after.subject;
    let answer = match (before.counted, wish(after)) {
        (Counted::Unpaid(_), _) => return Settled::As(before.counted),
        (Counted::Nowhere | Counted::Waiting, None) => return Settled::As(Counted::Nowhere),
        (Counted::Taken(taken), None) => {
            desk.give_back(subject, taken);
            return Settled::As(Counted::Nowhere);
        }
        (Counted::Taken(_), Some(revenue)) if before.money.is_some_and(|money| is_worth(&money, revenue)) => {
            return Settled::As(before.counted);
        }
        (Counted::Taken(taken), Some(revenue)) => desk.retake(subject, taken, revenue, rate),
        (Counted::Nowhere | Counted::Waiting, Some(revenue)) => desk.take(subject, revenue, rate, now),
    };
    match answer {
        Answer::Counted(taken) => Settled::As(Counted::Taken(taken)),
        Answer::Unknown => Settled::Unknown,
        Answer::Over(over) => Settled::Over(over),
    }
}

/// The revenue that is to be counted; `None` when the conversion does not count.
fn wish(conversion: &Conversion) -> Option<Money> {
    let counts = match conversion.standing.status {
        Status::Pending | Status::Success | Status::Flagged => true,
        Status::OnReview => conversion.standing.by != Actor::Limit,
        Status::Unreached | Status::Rejected | Status::Reversed => false,
    };
    conversion.money.filter(|_| counts).map(|money| Money::new(money.revenue, money.currency))
}

fn is_worth(money: &Breakdown, revenue: Money) -> bool {
    Money::new(money.revenue, money.currency) == revenue
}

/// An unpaid conversion goes on saying why nothing is paid for it.
fn with(before: &Conversion, after: Conversion, counted: Counted) -> Conversion {
    let is_silent = after.reason == Reason::default();
    let reason = match counted {
        Counted::Unpaid(_) if is_silent && before.reason.code.starts_with(UNPAID) => before.reason.clone(),
        Counted::Unpaid(Some(limit)) if is_silent => unpaid(limit.kind(), &limit.to_string()),
        Counted::Unpaid(None) if is_silent => unpaid("LIMIT", "a limit of the offer was reached"),
        Counted::Nowhere | Counted::Waiting | Counted::Taken(_) | Counted::Unpaid(_) => after.reason.clone(),
    };
    Conversion { reason, counted, ..after }
}

/// What becomes Pending again after it stood on review, as it stands with the limits: unpaid says so again, for what held it has
/// taken that reason's place.
pub(super) fn pending_again(after: Conversion) -> Conversion {
    match after.counted {
        Counted::Waiting => waiting(after),
        unpaid @ Counted::Unpaid(_) => with(&after.clone(), after, unpaid),
        Counted::Nowhere | Counted::Taken(_) => after,
    }
}

const UNPAID: &str = "UNPAID_";

fn unpaid(kind: &str, why: &str) -> Reason {
    Reason { code: format!("{UNPAID}{kind}"), text: format!("accepted unpaid: {why}") }
}

/// What would be Pending or Success waits on review; what is on review for a reason of its own keeps that.
fn waiting(after: Conversion) -> Conversion {
    let after = Conversion { counted: Counted::Waiting, ..after };
    if after.standing.status == Status::OnReview {
        return after;
    }
    Conversion {
        standing: Standing { status: Status::OnReview, by: Actor::Limit },
        reason: Reason {
            code: String::from(WAITS_FOR_OFFER),
            text: String::from("the limits of the offer are not known here yet: it is decided when they are"),
        },
        ..after
    }
}

fn over_limit(after: Conversion, over: &Over, desk: &Desk) -> Conversion {
    let put = |status, begin: &str| Conversion {
        standing: Standing { status, by: Actor::Limit },
        reason: Reason { code: format!("{begin}{}", over.kind()), text: over.to_string() },
        counted: Counted::Nowhere,
        ..after.clone()
    };
    let action = match over {
        // Nobody knows whether there is room.
        Over::NoRate { .. } => OverLimit::Review,
        Over::Cap { .. } | Over::Budget { .. } => desk.action(&after.subject),
    };
    match action {
        OverLimit::Reject => put(Status::Rejected, "REJECTED_"),
        OverLimit::Review => put(Status::OnReview, "REVIEW_"),
        OverLimit::AcceptUnpaid => Conversion {
            money: after.money.map(without_pay),
            // What is on review says first why.
            reason: if after.reason == Reason::default() {
                unpaid(over.kind(), &over.to_string())
            } else {
                after.reason.clone()
            },
            counted: Counted::Unpaid(over.limit()),
            ..after
        },
    }
}

/// The user did the step: points are promised by the publisher, money is not.
fn without_pay(money: Breakdown) -> Breakdown {
    let nothing = kernel::Micros::ZERO;
    Breakdown { revenue: nothing, payout: nothing, margin: nothing, ..money }
}
