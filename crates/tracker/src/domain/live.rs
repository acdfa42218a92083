//! Whether an offer takes a click now: a function of the offer, the user and the moment.

use kernel::Timestamp;

use super::{
    destination::Destination,
    offer::{LiveOffer, OfferStatus},
    targeting::User,
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
    /// Nothing is left to pay for it.
    BudgetSpent,
    /// The offer's link leads nowhere.
    BrokenLink,
    /// The user is elsewhere.
    Country,
    /// The offer can not be done on this device.
    Platform,
    /// The publisher says that the user is not whom the offer is for.
    Gender,
    /// The same of the age.
    Age,
}

/// Where `offer` sends a click of anybody at `now`.
///
/// # Errors
/// The first reason in the order: status, pause, dates, budget, link.
pub fn open(offer: &LiveOffer, now: Timestamp) -> Result<&Destination, Refusal> {
    match offer.status {
        OfferStatus::Draft | OfferStatus::Ended => Err(Refusal::NotLive),
        OfferStatus::Paused => Err(Refusal::Paused),
        OfferStatus::Ready if !offer.dates.contains(now) => Err(Refusal::OutsideDates),
        OfferStatus::Ready if !offer.budget.is_open(now) => Err(Refusal::BudgetSpent),
        OfferStatus::Ready => offer.destination.as_ref().ok_or(Refusal::BrokenLink),
    }
}

/// Where `offer` sends the click of `user` at `now`.
///
/// # Errors
/// The first reason: those of [`open`], then the targeting's.
pub fn judge(offer: &LiveOffer, user: User, now: Timestamp) -> Result<&Destination, Refusal> {
    let destination = open(offer, now)?;
    offer.targeting.admit(user)?;
    Ok(destination)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::domain::{Budget, Device, Platform, Targeting, sample_offer};

    fn paused(offer: LiveOffer) -> LiveOffer {
        LiveOffer { status: OfferStatus::Paused, ..offer }
    }

    fn spent(offer: LiveOffer) -> LiveOffer {
        LiveOffer { budget: Budget::Spent, ..offer }
    }

    fn broken(offer: LiveOffer) -> LiveOffer {
        LiveOffer { destination: None, ..offer }
    }

    fn on_iphones(offer: LiveOffer) -> LiveOffer {
        let platforms = [Platform::Ios].into_iter().collect();
        LiveOffer { targeting: Targeting { platforms, ..Targeting::default() }, ..offer }
    }

    #[rstest]
    #[case(sample_offer(), 100, Ok(()))]
    #[case(sample_offer(), 99, Err(Refusal::OutsideDates))]
    #[case(sample_offer(), 200, Err(Refusal::OutsideDates))]
    #[case(LiveOffer { status: OfferStatus::Draft, ..sample_offer() }, 150, Err(Refusal::NotLive))]
    #[case(LiveOffer { status: OfferStatus::Ended, ..sample_offer() }, 150, Err(Refusal::NotLive))]
    #[case(paused(sample_offer()), 150, Err(Refusal::Paused))]
    #[case(spent(sample_offer()), 150, Err(Refusal::BudgetSpent))]
    #[case(broken(sample_offer()), 150, Err(Refusal::BrokenLink))]
    #[case(on_iphones(sample_offer()), 150, Err(Refusal::Platform))]
    #[case(broken(on_iphones(sample_offer())), 150, Err(Refusal::BrokenLink))]
    #[case(spent(broken(sample_offer())), 150, Err(Refusal::BudgetSpent))]
    #[case(spent(sample_offer()), 99, Err(Refusal::OutsideDates))]
    #[case(paused(sample_offer()), 99, Err(Refusal::Paused))]
    fn the_first_reason_counts(
        #[case] offer: LiveOffer,
        #[case] at: i64,
        #[case] expected: Result<(), Refusal>,
    ) {
        let user = User { device: Some(Device::Is(Platform::Android)), ..User::default() };
        assert_eq!(judge(&offer, user, Timestamp::from_micros(at)).map(drop), expected);
    }
}
