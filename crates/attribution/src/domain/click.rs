//! The click as attribution looks at it.

use kernel::{AdvertiserId, LinkId, OfferId, PublisherId, Timestamp};

/// A click that was redirected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Click {
    /// When.
    pub clicked_at: Timestamp,
    /// Through which tracking link.
    pub link: LinkId,
    /// To which offer.
    pub offer: OfferId,
    /// Under which version of it: these terms are the click's for ever.
    pub offer_version: u32,
    /// Whose offer it is.
    pub advertiser: AdvertiserId,
    /// Who sent the user.
    pub publisher: PublisherId,
    /// The publisher's id of its user (`pub_member_id`); none when the click names none.
    pub member: Option<String>,
}
