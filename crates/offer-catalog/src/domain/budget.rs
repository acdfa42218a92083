//! Whether an offer's budget lets clicks through, as payout said last.

use kernel::Timestamp;

/// The state of an offer's budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Budget {
    /// Something is left, or payout has said nothing yet.
    #[default]
    Open,
    /// Nothing is left, until payout says otherwise.
    Spent,
    /// Nothing is left for today.
    SpentUntil(Timestamp),
}

impl Budget {
    /// Whether clicks at `now` can be paid. A daily budget resumes at its moment; nobody waits for payout to say so.
    #[must_use]
    pub fn is_open(self, now: Timestamp) -> bool {
        match self {
            Self::Open => true,
            Self::Spent => false,
            Self::SpentUntil(resumes_at) => resumes_at <= now,
        }
    }

    /// When it is open again by itself; `None` when it is open or waits for money.
    #[must_use]
    pub fn resumes_at(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::SpentUntil(resumes_at) if resumes_at > now => Some(resumes_at),
            Self::Open | Self::Spent | Self::SpentUntil(_) => None,
        }
    }
}

/// A state as payout tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToldBudget {
    /// Counts the state's changes, from 1: a lower one is older.
    pub version: i64,
    /// The state.
    pub budget: Budget,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daily_budget_resumes_at_its_moment() {
        let at = Timestamp::from_micros;
        assert!(Budget::default().is_open(at(0)));
        assert!(!Budget::Spent.is_open(at(i64::MAX)));
        assert!(!Budget::SpentUntil(at(10)).is_open(at(9)));
        assert!(Budget::SpentUntil(at(10)).is_open(at(10)));
        assert_eq!(Budget::SpentUntil(at(10)).resumes_at(at(9)), Some(at(10)));
        assert_eq!(Budget::SpentUntil(at(10)).resumes_at(at(10)), None);
    }
}
