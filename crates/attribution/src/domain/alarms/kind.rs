//! What an alarm is about.

use crate::domain::Code;

/// What an alarm is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlarmKind {
    /// Nothing comes any more.
    Silence,
    /// Nothing in the offer maps it.
    UnmappedShare,
    /// An earlier step is missing, or it came too fast.
    OutOfOrderShare,
    /// It came before.
    DuplicateShare,
    /// Sent under Advanced Privacy: it names no click, so no offer either.
    PrivacyShare,
}

impl AlarmKind {
    /// Each of them.
    pub const ALL: [Self; 5] =
        [Self::Silence, Self::UnmappedShare, Self::OutOfOrderShare, Self::DuplicateShare, Self::PrivacyShare];
    /// Those that are shares.
    pub const SHARES: [Self; 4] =
        [Self::UnmappedShare, Self::OutOfOrderShare, Self::DuplicateShare, Self::PrivacyShare];

    /// Its name, in tables and for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Silence => "SILENCE",
            Self::UnmappedShare => "UNMAPPED_SHARE",
            Self::OutOfOrderShare => "OUT_OF_ORDER_SHARE",
            Self::DuplicateShare => "DUPLICATE_SHARE",
            Self::PrivacyShare => "PRIVACY_SHARE",
        }
    }

    /// Reads [`AlarmKind::as_str`] back.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The codes whose share it is; none of silence.
    #[must_use]
    pub const fn codes(self) -> &'static [Code] {
        match self {
            Self::Silence => &[],
            Self::UnmappedShare => &[Code::UnmappedEvent],
            Self::OutOfOrderShare => &[Code::WaitingSequence, Code::RejectedSequence, Code::RejectedTooFast],
            Self::DuplicateShare => &[Code::Duplicate, Code::Conflict],
            Self::PrivacyShare => &[Code::UnattributedPrivacy],
        }
    }

    /// Whether it is about an Event ID in the whole tenant, and not about one of an offer.
    #[must_use]
    pub const fn is_of_tenant(self) -> bool {
        matches!(self, Self::PrivacyShare)
    }

    /// What is said of the postbacks that have its codes.
    pub(super) const fn predicate(self) -> &'static str {
        match self {
            Self::Silence => "did not come",
            Self::UnmappedShare => "are not mapped in the offer",
            Self::OutOfOrderShare => "came out of order or too fast",
            Self::DuplicateShare => "came before",
            Self::PrivacyShare => "came under Advanced Privacy",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Silence => {
                "See whether the offer still brings users (its budget, its links), whether the app still sends the event, and \
                 whether its postback to this partner is on in AppsFlyer. If it ended on purpose, pause or end the offer."
            }
            Self::UnmappedShare => {
                "Map the Event ID: the quarantine names those that may have been meant. What stands there is then decided by \
                 itself."
            }
            Self::OutOfOrderShare => {
                "See whether the earlier steps still arrive, and whether their numbers and min times fit what the app does."
            }
            Self::DuplicateShare => {
                "See whether the app or AppsFlyer sends the event more than once. If each one is to earn, allow repetitions."
            }
            Self::PrivacyShare => {
                "Turn Advanced Privacy off for this partner in AppsFlyer: what comes under it can belong to no click."
            }
        }
    }
}

/// Why an alarm is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleared {
    /// It is as usual again.
    Recovered,
    /// The offer is paused, stopped or over: nothing is expected of it.
    OfferStopped,
    /// It has lasted for as long as the past goes back: it is what is usual now.
    Aged,
}

impl Cleared {
    /// Its name, in tables and for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recovered => "RECOVERED",
            Self::OfferStopped => "OFFER_STOPPED",
            Self::Aged => "AGED",
        }
    }
}
