//! An offer for the tests of the rules.

use kernel::{AdvertiserId, LinkId, OfferId, PublisherId, TenantId, TimeWindow, Timestamp};
use uuid::Uuid;

use super::{Budget, Destination, LiveOffer, OfferStatus, Parts, Targeting};

/// Ready, from 100 to 200 µs after 1970 began.
pub fn sample_offer() -> LiveOffer {
    let offer = OfferId::from_uuid(Uuid::from_u128(3));
    let publisher = PublisherId::from_uuid(Uuid::from_u128(5));
    let parts = Parts { offer_link: "https://app.appsflyer.com/id1", offer, name: "Golfin iOS", publisher };
    LiveOffer {
        tenant: TenantId::from_uuid(Uuid::from_u128(1)),
        link: LinkId::from_uuid(Uuid::from_u128(2)),
        offer,
        version: 1,
        advertiser: AdvertiserId::from_uuid(Uuid::from_u128(4)),
        publisher,
        destination: Destination::of(&parts).ok(),
        fallback: None,
        status: OfferStatus::Ready,
        dates: TimeWindow { from: Timestamp::from_micros(100), until: Some(Timestamp::from_micros(200)) },
        targeting: Targeting::default(),
        budget: Budget::Open,
        headline: "Play Golfin".into(),
    }
}
