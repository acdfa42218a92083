//! `ClickRecorded` → [`Click`].

use contracts::{ContractError, read, tracker::ClickRecorded};
use kernel::{AdvertiserId, LinkId, OfferId, PublisherId};

use crate::domain::Click;

/// Reads a click.
///
/// # Errors
/// [`ContractError`] naming the field that is no id.
pub fn click(fact: &ClickRecorded) -> Result<Click, ContractError> {
    Ok(Click {
        clicked_at: read::time(fact.clicked_at_micros),
        link: read::id(LinkId::from_slice, &fact.link_id, "link_id")?,
        offer: read::id(OfferId::from_slice, &fact.offer_id, "offer_id")?,
        offer_version: fact.offer_version,
        advertiser: read::id(AdvertiserId::from_slice, &fact.advertiser_id, "advertiser_id")?,
        publisher: read::id(PublisherId::from_slice, &fact.publisher_id, "publisher_id")?,
        member: fact
            .publisher_parameters
            .as_ref()
            .map(|parameters| parameters.pub_member_id.clone())
            .filter(|member| !member.is_empty()),
    })
}
