//! The partner feed: what a publisher sees of the offers that are shared with it, and how far it has read.
//!
//! A publisher never learns what the advertiser pays. A payout that is a share of the revenue would tell it, so it is shown as
//! what it comes to.

use kernel::{LinkId, Micros, OfferId, PublisherId, Timestamp};

use super::{
    event::{Payout, Revenue},
    offer::OfferType,
    records::Offer,
    status::DisplayStatus,
};

/// Parts of a basis point in a percent of percent.
const PARTS_PER_POINT: u64 = 10_000;

/// What a publisher earns for one conversion, as it sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartnerPayout {
    /// Always the same.
    Flat(Micros),
    /// Of the amount that the postback reports, in millionths of a percent.
    Percent {
        /// 1,000,000 is one percent.
        millionths: u64,
    },
}

impl PartnerPayout {
    /// What a payout comes to. As in the ledger a flat one is floored to the micro; a share of a share is exact.
    #[must_use]
    pub fn of(revenue: Option<Revenue>, payout: Payout) -> Option<Self> {
        let percent = |parts: u64| Some(Self::Percent { millionths: parts });
        match (payout, revenue) {
            (Payout::Flat(amount), _) => Some(Self::Flat(amount)),
            (Payout::PercentOfAmount(share), _) => {
                percent(u64::from(share.0).saturating_mul(PARTS_PER_POINT))
            }
            (Payout::ShareOfRevenue(share), Some(Revenue::Flat(amount))) => {
                amount.floor_share(share).map(Self::Flat)
            }
            (Payout::ShareOfRevenue(share), Some(Revenue::PercentOfAmount(of))) => {
                percent(u64::from(share.0).saturating_mul(u64::from(of.0)))
            }
            (Payout::ShareOfRevenue(_), None) => None,
        }
    }
}

/// What a publisher does with an offer now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartnerStatus {
    /// Shows it.
    Live,
    /// Waits for its launch date.
    Scheduled,
    /// Hides it; it may come back.
    Paused,
    /// Takes it away.
    Ended,
}

impl PartnerStatus {
    /// Of a shared offer.
    #[must_use]
    pub const fn of(status: DisplayStatus) -> Self {
        match status {
            DisplayStatus::Live => Self::Live,
            DisplayStatus::Scheduled => Self::Scheduled,
            // The first two are never shared.
            DisplayStatus::Draft
            | DisplayStatus::Ready
            | DisplayStatus::Paused
            | DisplayStatus::BudgetSpent => Self::Paused,
            DisplayStatus::Expired | DisplayStatus::Ended => Self::Ended,
        }
    }

    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "Live",
            Self::Scheduled => "Scheduled",
            Self::Paused => "Paused",
            Self::Ended => "Ended",
        }
    }
}

/// How far a feed has come: its last written change, and the last date (a launch, an end, a budget's midnight) that has come by itself. Two
/// moments and not the later one: a change may be written before a date comes and be seen only after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedVersion {
    /// Of the last change.
    pub changed_at: Timestamp,
    /// The last launch, end or resumption of a budget that has come.
    pub date_at: Timestamp,
}

impl FeedVersion {
    /// Of a feed that never had anything in it.
    pub const EMPTY: Self =
        Self { changed_at: Timestamp::from_micros(0), date_at: Timestamp::from_micros(0) };

    /// Everything up to a moment.
    #[must_use]
    pub const fn at(moment: Timestamp) -> Self {
        Self { changed_at: moment, date_at: moment }
    }

    /// As it is written.
    #[must_use]
    pub fn to_text(self) -> String {
        format!("{}-{}", self.changed_at.as_micros(), self.date_at.as_micros())
    }

    /// Reads [`FeedVersion::to_text`] back.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (changed, date) = text.split_once('-')?;
        let moment = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|_micros| plain).map(Timestamp::from_micros)
        };
        Some(Self { changed_at: moment(changed)?, date_at: moment(date)? })
    }
}

/// Where in the feed a page begins: after an offer, in the order of sharing, which never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedPlace {
    /// When it was shared.
    pub shared_at: Timestamp,
    /// The offer.
    pub offer_id: OfferId,
}

/// Where a page of the feed begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedStart {
    /// So many offers from the beginning.
    Skip(i64),
    /// Behind an offer.
    After(FeedPlace),
}

/// What a publisher asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedRequest {
    /// Whose feed.
    pub publisher: PublisherId,
    /// Only these offers.
    pub offer_type: Option<OfferType>,
    /// Only what changed after this.
    pub since: Option<FeedVersion>,
    /// Where the page begins.
    pub start: FeedStart,
    /// How long it is.
    pub limit: i64,
}

/// What the feed notes of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedLine {
    /// When something was changed last.
    pub changed_at: Timestamp,
    /// When its daily budget resumes, or did last.
    pub resumes_at: Option<Timestamp>,
}

/// An offer in the feed.
#[derive(Debug, Clone)]
pub struct PartnerOffer {
    /// The offer.
    pub offer: Offer,
    /// What the publisher does with it now.
    pub status: PartnerStatus,
    /// Its tracking link's id.
    pub link_id: LinkId,
    /// Since when it is the publisher's.
    pub shared_at: Timestamp,
    /// When what the publisher sees of it changed last.
    pub version: FeedVersion,
}

impl PartnerOffer {
    /// An offer as its publisher sees it at `now`; `None` when it is nobody's.
    #[must_use]
    pub fn of(offer: Offer, line: FeedLine, now: Timestamp) -> Option<Self> {
        let FeedLine { changed_at, resumes_at } = line;
        let share = offer.state.share?;
        let (launch, end) = (offer.fields.launch_at, offer.fields.end_at);
        let come = [launch, end, resumes_at].into_iter().flatten().filter(|date| *date <= now).max();
        Some(Self {
            status: PartnerStatus::of(offer.display(now)),
            link_id: share.link_id,
            shared_at: share.shared_at,
            version: FeedVersion { changed_at, date_at: come.unwrap_or(FeedVersion::EMPTY.date_at) },
            offer,
        })
    }

    /// When what its publisher sees of it changed last.
    #[must_use]
    pub fn updated_at(&self) -> Timestamp {
        self.version.changed_at.max(self.version.date_at)
    }

    /// Its place in the feed.
    #[must_use]
    pub const fn place(&self) -> FeedPlace {
        FeedPlace { shared_at: self.shared_at, offer_id: self.offer.offer_id }
    }
}

#[cfg(test)]
mod tests {
    use kernel::Bps;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Revenue::Flat(Micros(5_000_000)), Payout::Flat(Micros(3)), Some(PartnerPayout::Flat(Micros(3))))]
    #[case(
        Revenue::Flat(Micros(333)),
        Payout::ShareOfRevenue(Bps(5_000)),
        Some(PartnerPayout::Flat(Micros(166)))
    )]
    #[case(Revenue::PercentOfAmount(Bps(2_000)), Payout::PercentOfAmount(Bps(1_250)), Some(PartnerPayout::Percent { millionths: 12_500_000 }))]
    // 70 % of 20 % are 14 %; 33.33 % of 12.34 % are 4.112922 %.
    #[case(Revenue::PercentOfAmount(Bps(2_000)), Payout::ShareOfRevenue(Bps(7_000)), Some(PartnerPayout::Percent { millionths: 14_000_000 }))]
    #[case(Revenue::PercentOfAmount(Bps(1_234)), Payout::ShareOfRevenue(Bps(3_333)), Some(PartnerPayout::Percent { millionths: 4_112_922 }))]
    fn a_payout_is_what_it_comes_to(
        #[case] revenue: Revenue,
        #[case] payout: Payout,
        #[case] expected: Option<PartnerPayout>,
    ) {
        assert_eq!(PartnerPayout::of(Some(revenue), payout), expected);
    }

    #[test]
    fn a_version_reads_back() {
        let version =
            FeedVersion { changed_at: Timestamp::from_micros(7), date_at: Timestamp::from_micros(9) };
        assert_eq!(FeedVersion::parse(&version.to_text()), Some(version));
    }

    #[rstest]
    #[case("")]
    #[case("7")]
    #[case("7-")]
    #[case("-7-9")]
    #[case("+7-9")]
    #[case("2026-12-01")]
    #[case("99999999999999999999-1")]
    fn what_is_no_version_is_none(#[case] text: &str) {
        assert_eq!(FeedVersion::parse(text), None);
    }
}
