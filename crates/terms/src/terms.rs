//! What one version of an offer says about the money of one event.

use kernel::{Bps, Currency, Micros};

/// What the advertiser owes for one conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revenue {
    /// This much, whatever the user spent.
    Flat(Micros),
    /// This share of what the user spent.
    PercentOfAmount(Bps),
}

/// What the publisher earns for one conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payout {
    /// This much, whatever the user spent.
    Flat(Micros),
    /// This share of what the user spent.
    PercentOfAmount(Bps),
    /// This share of what the advertiser owes.
    ShareOfRevenue(Bps),
}

/// The money terms of one offer event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Currency of flat amounts and of the result.
    pub currency: Currency,
    /// What the advertiser owes.
    pub revenue: Revenue,
    /// What the publisher earns.
    pub payout: Payout,
    /// Points the publisher's user sees.
    pub reward_points: i64,
}

impl Terms {
    /// Whether the money depends on what the user spent.
    #[must_use]
    pub const fn need_an_amount(&self) -> bool {
        matches!(self.revenue, Revenue::PercentOfAmount(_))
            || matches!(self.payout, Payout::PercentOfAmount(_))
    }
}
