//! What Pending conversions will probably come to.
//!
//! The model is simple on purpose: of conversions of the same offer whose postbacks came within the last 90 days and which
//! are decided, the share that ended Rejected (in the hold, or reversed later) is the share that is lost of what is Pending.
//! An offer with fewer than [`SAMPLE_MIN`] decided ones borrows the share of the whole tenant; with fewer than that there, too,
//! nothing is taken off. What a limit refused was never Pending and is in no sample.

use kernel::{Bps, Micros};

/// Decided conversions below which a share says nothing: with 100 it is known to about ± 10 percent points at worst.
pub const SAMPLE_MIN: u64 = 100;
/// Days back that decided conversions are looked at.
pub const SAMPLE_DAYS: i32 = 90;

/// Decided conversions, and how many of them were lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sample {
    /// Ended Success or Rejected.
    pub decided: u64,
    /// Ended Rejected.
    pub lost: u64,
}

/// Whose past a share is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The offer's own.
    Offer,
    /// All offers of the tenant: the offer has too few.
    Tenant,
    /// Nobody's: there are too few.
    Nothing,
}

/// The share that will probably be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// Whose past.
    pub basis: Basis,
    /// What it is taken from.
    pub sample: Sample,
    /// The share.
    pub share: Bps,
}

/// The share to expect for an offer.
#[must_use]
pub fn loss(offer: Sample, tenant: Sample) -> Loss {
    if offer.decided >= SAMPLE_MIN {
        Loss { basis: Basis::Offer, sample: offer, share: share(offer) }
    } else if tenant.decided >= SAMPLE_MIN {
        Loss { basis: Basis::Tenant, sample: tenant, share: share(tenant) }
    } else {
        Loss { basis: Basis::Nothing, sample: offer, share: Bps(0) }
    }
}

/// What is left of an amount, rounded down to the micro.
#[must_use]
pub fn floor_expected(amount: Micros, loss: Bps) -> Micros {
    let kept = Bps(Bps::WHOLE.0.saturating_sub(loss.0));
    // A share of at most the whole always fits.
    amount.floor_share(kept).unwrap_or(Micros::ZERO)
}

/// Rounded up to the basis point: rather expected too little than too much.
fn share(sample: Sample) -> Bps {
    let whole = u128::from(Bps::WHOLE.0);
    let parts = u128::from(sample.lost.min(sample.decided)).saturating_mul(whole);
    let bps = parts.div_ceil(u128::from(sample.decided.max(1)));
    Bps(u32::try_from(bps).unwrap_or(Bps::WHOLE.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const fn of(decided: u64, lost: u64) -> Sample {
        Sample { decided, lost }
    }

    #[rstest]
    #[case::own(of(100, 7), of(1_000, 500), Basis::Offer, 700)]
    #[case::too_few(of(99, 99), of(1_000, 500), Basis::Tenant, 5_000)]
    #[case::nobody(of(99, 99), of(99, 99), Basis::Nothing, 0)]
    #[case::thirds(of(300, 1), of(300, 1), Basis::Offer, 34)]
    #[case::all_lost(of(200, 200), of(200, 200), Basis::Offer, 10_000)]
    fn a_share_needs_a_sample(
        #[case] offer: Sample,
        #[case] tenant: Sample,
        #[case] basis: Basis,
        #[case] bps: u32,
    ) {
        let loss = loss(offer, tenant);
        assert_eq!((loss.basis, loss.share), (basis, Bps(bps)));
    }

    proptest! {
        #[test]
        fn never_more_is_expected_than_is_pending(amount in 0_i64..i64::MAX, decided: u64, lost: u64) {
            let expected = floor_expected(Micros(amount), loss(of(decided, lost), of(0, 0)).share);
            prop_assert!(expected.0 >= 0 && expected.0 <= amount);
        }
    }
}
