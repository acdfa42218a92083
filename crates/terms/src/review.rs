//! Why the money of an event needs a person, and what that person can do.

use kernel::{Currency, Money};

/// Why an event could not be priced by rule alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Review {
    /// Percent terms and nothing to take a percent of.
    #[error("no amount: turn on Values & Revenue in AppsFlyer")]
    NoAmount,
    /// The reported currency is not the terms', and the tenant has no rate for it.
    #[error(
        "no rate from {from} to {to}: add it to the rate table; what waits for it is then priced by itself"
    )]
    NoRate {
        /// What was reported.
        from: Currency,
        /// What the terms are in.
        to: Currency,
    },
    /// The publisher would earn more than the advertiser owes.
    #[error("payout {payout} is above revenue {revenue}: correct the offer's terms, or approve at a loss")]
    PayoutAboveRevenue {
        /// What the advertiser owes.
        revenue: Money,
        /// What the publisher would earn.
        payout: Money,
    },
    /// One event would be worth more than [`crate::WORTH_MAX`].
    #[error("the amount is too large to be real: check what the app reports")]
    TooLarge,
}

impl Review {
    /// The code of [`Self::NoRate`].
    pub const NO_RATE: &'static str = "REVIEW_NO_RATE";

    /// The stable code of this cause.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoAmount => "REVIEW_NO_AMOUNT",
            Self::NoRate { .. } => Self::NO_RATE,
            Self::PayoutAboveRevenue { .. } => "REVIEW_PAYOUT_ABOVE_REVENUE",
            Self::TooLarge => "REVIEW_AMOUNT_TOO_LARGE",
        }
    }
}
