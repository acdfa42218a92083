//! What Pending conversions will probably come to.
//!
//! The model is simple on purpose: of conversions of the same offer whose postbacks came within the last 90 days and which
//! are decided, the share that ended Rejected (in the hold, or reversed later) is the share that is lost of what is Pending.
//! An offer with fewer than [`SAMPLE_MIN`] decided ones borrows the share of the whole tenant; with fewer than that there, too,
//! nothing is taken off. What a limit refused was never Pending and is in no sample.

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use kernel::{Bps, Micros, Timestamp};

use super::statements::{day_at, day_begins_at};

/// Decided conversions below which a share says nothing: with 100 it is known to about ± 10 percent points at worst.
pub const SAMPLE_MIN: u64 = 100;
/// Days back that decided conversions are looked at.
pub const SAMPLE_DAYS: i32 = 90;

/// Days after today by which everything matures: the longest pending time is 365 times 24 hours.
const DAYS_AHEAD: u64 = 366;

/// The days on which what is Pending can mature, by the calendar of a zone. What is due already matures today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    today: NaiveDate,
    /// Where the days after today begin, in their order.
    pub beginnings: Vec<Timestamp>,
}

impl Calendar {
    /// The days from `now` on.
    #[must_use]
    pub fn from(now: Timestamp, zone: Tz) -> Self {
        let today = day_at(now, zone);
        let days = (1..=DAYS_AHEAD).filter_map(|ahead| today.checked_add_days(Days::new(ahead)));
        Self { today, beginnings: days.map(|day| day_begins_at(day, zone)).collect() }
    }

    /// The day behind so many [`Calendar::beginnings`].
    #[must_use]
    pub fn day(&self, begun: u64) -> NaiveDate {
        self.today.checked_add_days(Days::new(begun)).unwrap_or(self.today)
    }
}

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

    fn at(text: &str) -> Timestamp {
        Timestamp::from_micros(text.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_micros())
    }

    #[rstest]
    #[case::due_already(Tz::UTC, "2026-02-28T12:00:00Z", "2026-02-01T00:00:00Z", "2026-02-28")]
    #[case::later_today(Tz::UTC, "2026-02-28T12:00:00Z", "2026-02-28T23:59:59.999999Z", "2026-02-28")]
    #[case::no_leap_day(Tz::UTC, "2026-02-28T12:00:00Z", "2026-03-01T00:00:00Z", "2026-03-01")]
    #[case::leap_day(Tz::UTC, "2028-02-26T12:00:00Z", "2028-02-29T12:00:00Z", "2028-02-29")]
    // Three days of 24 hours over the night in which Berlin's clocks are put back: an hour earlier by the clock.
    #[case::hour_twice(Tz::Europe__Berlin, "2026-10-23T22:30:00Z", "2026-10-26T22:30:00Z", "2026-10-26")]
    #[case::and_put_forward(Tz::Europe__Berlin, "2026-03-27T23:30:00Z", "2026-03-30T23:30:00Z", "2026-03-31")]
    #[case::east_of_all(
        Tz::Pacific__Kiritimati,
        "2026-11-26T12:00:00Z",
        "2026-11-29T12:00:00Z",
        "2026-11-30"
    )]
    // Samoa had no 30th of December 2011.
    #[case::a_day_left_out(Tz::Pacific__Apia, "2011-12-29T12:00:00Z", "2011-12-30T12:00:00Z", "2011-12-31")]
    #[case::the_longest(Tz::UTC, "2027-06-01T23:59:59Z", "2028-05-31T23:59:59Z", "2028-05-31")]
    fn what_is_pending_matures_on_a_day_of_the_zone(
        #[case] zone: Tz,
        #[case] now: &str,
        #[case] due: &str,
        #[case] day: &str,
    ) {
        assert_eq!(matures_on(&Calendar::from(at(now), zone), at(due)).to_string(), day);
    }

    /// As the database counts.
    fn matures_on(calendar: &Calendar, due: Timestamp) -> NaiveDate {
        let begun = calendar.beginnings.partition_point(|begins| *begins <= due);
        calendar.day(u64::try_from(begun).unwrap())
    }

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
        fn every_moment_ahead_matures_on_the_day_it_lies_in(
            now in 0_i64..4_000_000_000_000_000,
            ahead in 0_i64..365 * 86_400_000_000,
            zone in prop::sample::select(vec![
                Tz::UTC, Tz::Europe__Berlin, Tz::America__St_Johns, Tz::America__Sao_Paulo, Tz::Africa__Cairo,
                Tz::Australia__Lord_Howe, Tz::Pacific__Apia, Tz::Pacific__Kiritimati,
            ]),
        ) {
            let now = Timestamp::from_micros(now);
            let due = now.saturating_add_micros(ahead);
            let calendar = Calendar::from(now, zone);
            prop_assert!(calendar.beginnings.is_sorted());
            prop_assert_eq!(matures_on(&calendar, due), day_at(due, zone));
        }

        #[test]
        fn never_more_is_expected_than_is_pending(amount in 0_i64..i64::MAX, decided: u64, lost: u64) {
            let expected = floor_expected(Micros(amount), loss(of(decided, lost), of(0, 0)).share);
            prop_assert!(expected.0 >= 0 && expected.0 <= amount);
        }
    }
}
