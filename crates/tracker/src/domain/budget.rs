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
    /// Whether a click at `now` can still be paid. A daily budget resumes by itself: a click after midnight does not wait
    /// for payout to say so.
    #[must_use]
    pub fn is_open(self, now: Timestamp) -> bool {
        match self {
            Self::Open => true,
            Self::Spent => false,
            Self::SpentUntil(resumes_at) => resumes_at <= now,
        }
    }
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
    }
}
