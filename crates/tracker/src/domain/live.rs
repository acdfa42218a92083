//! Whether an offer takes a click now. Targeting and budget join these rules with the catalog's own issue.

use kernel::Timestamp;

use super::{
    destination::Destination,
    offer::{LiveOffer, OfferStatus},
};

/// Why a click is not sent to the advertiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Not created, or ended.
    NotLive,
    /// Paused by a person.
    Paused,
    /// Before launch or after the end.
    OutsideDates,
    /// The offer's link leads nowhere.
    BrokenLink,
}

/// Where `offer` sends a click at `now`.
///
/// # Errors
/// The first reason in the order: status, pause, dates, link.
pub fn judge(offer: &LiveOffer, now: Timestamp) -> Result<&Destination, Refusal> {
    match offer.status {
        OfferStatus::Draft | OfferStatus::Ended => Err(Refusal::NotLive),
        OfferStatus::Paused => Err(Refusal::Paused),
        OfferStatus::Ready if !offer.dates.contains(now) => Err(Refusal::OutsideDates),
        OfferStatus::Ready => offer.destination.as_ref().ok_or(Refusal::BrokenLink),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sample_offer;

    fn judged(status: OfferStatus, at: i64) -> Result<(), Refusal> {
        judge(&LiveOffer { status, ..sample_offer() }, Timestamp::from_micros(at)).map(drop)
    }

    #[test]
    fn only_a_ready_offer_within_its_dates_takes_clicks() {
        assert_eq!(judged(OfferStatus::Ready, 100), Ok(()));
        assert_eq!(judged(OfferStatus::Ready, 99), Err(Refusal::OutsideDates));
        assert_eq!(judged(OfferStatus::Ready, 200), Err(Refusal::OutsideDates));
        assert_eq!(judged(OfferStatus::Paused, 150), Err(Refusal::Paused));
        assert_eq!(judged(OfferStatus::Draft, 150), Err(Refusal::NotLive));
        assert_eq!(judged(OfferStatus::Ended, 150), Err(Refusal::NotLive));
        let broken = LiveOffer { destination: None, ..sample_offer() };
        assert_eq!(judge(&broken, Timestamp::from_micros(150)), Err(Refusal::BrokenLink));
    }
}
