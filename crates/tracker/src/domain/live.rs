//! Whether an offer takes a click now. Targeting and budget join these rules with the catalog's own issue.

use kernel::Timestamp;

use super::offer::{LiveOffer, OfferStatus};

/// Why a click is not sent to the advertiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Not created, or ended.
    NotLive,
    /// Paused by a person.
    Paused,
    /// Before launch or after the end.
    OutsideDates,
}

/// Whether `offer` takes a click at `now`.
///
/// # Errors
/// The first reason in the order: status, pause, dates.
pub fn judge(offer: &LiveOffer, now: Timestamp) -> Result<(), Refusal> {
    match offer.status {
        OfferStatus::Draft | OfferStatus::Ended => Err(Refusal::NotLive),
        OfferStatus::Paused => Err(Refusal::Paused),
        OfferStatus::Ready if !offer.dates.contains(now) => Err(Refusal::OutsideDates),
        OfferStatus::Ready => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use kernel::{AdvertiserId, LinkId, OfferId, PublisherId, TenantId, TimeWindow};
    use uuid::Uuid;

    use super::*;

    fn offer(status: OfferStatus) -> LiveOffer {
        LiveOffer {
            tenant: TenantId::from_uuid(Uuid::from_u128(1)),
            domain: None,
            link: LinkId::from_uuid(Uuid::from_u128(2)),
            offer: OfferId::from_uuid(Uuid::from_u128(3)),
            version: 1,
            advertiser: AdvertiserId::from_uuid(Uuid::from_u128(4)),
            publisher: PublisherId::from_uuid(Uuid::from_u128(5)),
            name: String::from("Golfin iOS"),
            offer_link: String::from("https://app.appsflyer.com/id1"),
            fallback_link: None,
            status,
            dates: TimeWindow { from: Timestamp::from_micros(100), until: Some(Timestamp::from_micros(200)) },
        }
    }

    #[test]
    fn only_a_ready_offer_within_its_dates_takes_clicks() {
        let at = Timestamp::from_micros;
        assert_eq!(judge(&offer(OfferStatus::Ready), at(100)), Ok(()));
        assert_eq!(judge(&offer(OfferStatus::Ready), at(99)), Err(Refusal::OutsideDates));
        assert_eq!(judge(&offer(OfferStatus::Ready), at(200)), Err(Refusal::OutsideDates));
        assert_eq!(judge(&offer(OfferStatus::Paused), at(150)), Err(Refusal::Paused));
        assert_eq!(judge(&offer(OfferStatus::Draft), at(150)), Err(Refusal::NotLive));
        assert_eq!(judge(&offer(OfferStatus::Ended), at(150)), Err(Refusal::NotLive));
    }
}
