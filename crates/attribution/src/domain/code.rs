//! The stable codes of decisions. A code is written into tables, messages and people's heads: it is never reused.

use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $lift:ident, $sentence:literal;)+) => {
        /// Why a postback stands where it stands.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $variant,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable text.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// One sentence for a person.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)+ }
            }

            /// Whether something that is processed later (a click, a version, a predecessor) may decide it anew.
            #[must_use]
            pub const fn may_be_lifted(self) -> bool {
                match self { $(Self::$variant => lift!($lift),)+ }
            }
        }
    };
}

macro_rules! lift {
    (open) => {
        true
    };
    (closed) => {
        false
    };
}

codes! {
    /// Rule 1.
    UnattributedPrivacy = "UNATTRIBUTED_PRIVACY", closed,
        "Sent under Advanced Privacy: it names no click and no device. Turn Advanced Privacy off in AppsFlyer.";
    /// Rule 1.
    UnattributedOrganic = "UNATTRIBUTED_ORGANIC", closed,
        "Organic, or brought by a media source that is not one of yours.";
    /// Rule 1.
    UnattributedNoClick = "UNATTRIBUTED_NO_CLICK", closed,
        "It names no usable click id. Check that the offer link carries clickid={gk_click_id}.";
    /// Rule 2.
    UnattributedInvalidClick = "UNATTRIBUTED_INVALID_CLICK", open,
        "The click id was never given out by us.";
    /// Rule 3, while the click may still come.
    WaitingClick = "WAITING_CLICK", open,
        "The click id is ours, but its click has not arrived yet.";
    /// Rule 3, afterwards.
    UnattributedUnknownClick = "UNATTRIBUTED_UNKNOWN_CLICK", open,
        "The click id is ours, but its click did not arrive within seven days.";
    /// Rule 4.
    RejectedCredential = "REJECTED_CREDENTIAL", closed,
        "It came in under a credential that was not valid then, or that belongs to another advertiser.";
    /// Rule 5.
    IgnoredNotPrimary = "IGNORED_NOT_PRIMARY", closed,
        "AppsFlyer reports the same event under another, primary attribution.";
    /// Rule 5.
    IgnoredReengagement = "IGNORED_REENGAGEMENT", closed,
        "A re-engagement of an existing user, reported as an install.";
    /// Rule 6.
    Refund = "REFUND", closed,
        "A refund: what it refers to is put on review.";
    /// Rule 7.
    RejectedFraud = "REJECTED_FRAUD", closed,
        "AppsFlyer's fraud protection rejected it.";
    /// Rule 8, and rule 4 when the credential is not known here yet.
    WaitingTerms = "WAITING_TERMS", open,
        "The offer's version or the credential is not known here yet; decided when it arrives.";
    /// Rule 9.
    UnmappedEvent = "UNMAPPED_EVENT", open,
        "No event of the offer has this Event ID. Map it, and this postback is decided by itself.";
    /// Rule 10.
    RejectedOutsideDates = "REJECTED_OUTSIDE_DATES", closed,
        "The event lies outside the offer's dates.";
    /// Rule 10.
    RejectedOfferPaused = "REJECTED_OFFER_PAUSED", closed,
        "The event happened while all events of the offer were stopped.";
    /// Rule 10.
    RejectedWrongApp = "REJECTED_WRONG_APP", closed,
        "It comes from another app than the offer's.";
    /// Rule 11.
    RejectedTargeting = "REJECTED_TARGETING", open,
        "The country or the platform is not one of the offer's.";
    /// Rule 12.
    RejectedLate = "REJECTED_LATE", closed,
        "The event happened after its deadline.";
    /// Rule 13, within the grace.
    WaitingSequence = "WAITING_SEQUENCE", open,
        "An earlier step has not been reported yet; decided when it arrives.";
    /// Rule 13, after the grace.
    RejectedSequence = "REJECTED_SEQUENCE", open,
        "An earlier step was not reported in time.";
    /// Rule 13, with a min time.
    RejectedTooFast = "REJECTED_TOO_FAST", open,
        "It came sooner after the previous step than the offer allows.";
    /// Rule 14.
    Duplicate = "DUPLICATE", closed,
        "The same event was already counted.";
    /// Rule 14.
    Amendment = "AMENDMENT", closed,
        "A repeat that brings the amount the first one lacked.";
    /// Rule 14.
    Conflict = "CONFLICT", closed,
        "A repeat with another amount than the one that counts: recorded, no effect.";
    /// Rule 15.
    RejectedMemberRepeat = "REJECTED_MEMBER_REPEAT", closed,
        "The same member has already done this event of the offer through another click.";
    /// Everything passed.
    Qualified = "QUALIFIED", closed,
        "Accepted.";
}

impl Code {
    /// Reads [`Code::as_str`] back.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }

    /// Whether it waits for something that has a name and, mostly, a time.
    #[must_use]
    pub const fn is_waiting(self) -> bool {
        matches!(self, Self::WaitingClick | Self::WaitingTerms | Self::WaitingSequence)
    }

    /// Whether it repeats a postback that counts.
    #[must_use]
    pub const fn is_repeat(self) -> bool {
        matches!(self, Self::Duplicate | Self::Amendment | Self::Conflict)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_read_back() {
        for code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(*code));
        }
        assert_eq!(Code::parse("qualified"), None);
    }
}
