//! From a stored verdict and a claimed delivery to what a publisher may know.

use contracts::{
    ContractError,
    attribution::{ConversionVerdict, JourneyClick},
    catalog::Gender,
    read,
};
use kernel::{ClickId, OfferEventId, OfferId};
use prost::Message as _;

use crate::{
    domain::postback::{Story, TrackingSystem},
    store::deliveries::Claimed,
};

/// Why a stored verdict does not tell a story: a bug, because it was read once before it was stored.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoryError {
    #[error("the stored verdict does not decode")]
    Decode(#[from] prost::DecodeError),
    #[error("the stored verdict is not one")]
    Content(#[from] ContractError),
}

pub(super) fn story(claimed: &Claimed) -> Result<Story, StoryError> {
    let verdict = ConversionVerdict::decode(claimed.verdict.as_slice())?;
    let click: &JourneyClick = read::required(verdict.click.as_ref(), "verdict.click")?;
    let parameters = click.publisher_parameters.clone().unwrap_or_default();
    let tracking = verdict.tracking_system.clone().unwrap_or_default();
    let reported = verdict.reported.unwrap_or_default();
    Ok(Story {
        delivery: claimed.id,
        conversion: claimed.conversion,
        revision: claimed.revision,
        status: claimed.told.word(),
        reason: claimed.reason.clone(),
        click: read::id(ClickId::from_slice, &click.gk_click_id, "verdict.click.gk_click_id")?,
        clicked_at: read::time(click.clicked_at_micros),
        publisher: claimed.publisher,
        offer: read::id(OfferId::from_slice, &verdict.offer_id, "verdict.offer_id")?,
        offer_name: verdict.offer_name,
        offer_event: read::id(OfferEventId::from_slice, &verdict.offer_event_id, "verdict.offer_event_id")?,
        event_id: verdict.event_id,
        event_name: verdict.event_name,
        sequence_number: verdict.sequence_number,
        event_time: read::time(verdict.event_time_micros.unwrap_or(verdict.effective_at_micros)),
        received_at: read::time(verdict.received_at_micros),
        payout: claimed.payout,
        amount: read::optional_money(reported.amount.as_ref(), "verdict.reported.amount")?,
        reward_points: claimed.reward_points,
        pub_gender: match parameters.gender() {
            Gender::Unspecified => None,
            Gender::Female => Some("female"),
            Gender::Male => Some("male"),
        },
        pub_age: parameters.age,
        pub_click_id: parameters.pub_click_id,
        pub_member_id: parameters.pub_member_id,
        pub_subs: parameters.pub_subs,
        country: click.visitor.as_ref().and_then(|visitor| visitor.country.clone()),
        tracking_system: TrackingSystem {
            event_id: tracking.event_id,
            conversion_id: tracking.conversion_id,
            amount: tracking.amount,
            ip_address: tracking.ip_address,
            email: tracking.email,
            user_id: tracking.user_id,
            subs: tracking.subs,
        },
    })
}
