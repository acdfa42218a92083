//! The codes. Programs and people search for them: one is never renamed or used for something else.

use serde::{Serialize, Serializer};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Stops creation and sharing.
    Error,
    /// May have been meant.
    Warning,
    /// For information.
    Info,
}

impl Severity {
    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident, $severity:ident, $word:literal;)+) => {
        /// What was found.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word in JSON.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }

            /// Reads [`Code::as_str`] back.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.as_str() == word)
            }

            /// How bad it is.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self {
                    $(Self::$name => Severity::$severity,)+
                }
            }
        }
    };
}

codes! {
    /// A field that creation requires is empty.
    Required, Error, "required";
    /// A single-event offer without exactly one event.
    SingleEventCount, Error, "single_event_count";
    /// The offer link or fallback link is not https.
    LinkNotHttps, Error, "link_not_https";
    /// `clickid` in the link is not `{gk_click_id}`.
    LinkClickId, Error, "link_clickid";
    /// The offer ends before it launches.
    EndBeforeLaunch, Error, "end_before_launch";
    /// A cap of 0.
    CapBelowOne, Error, "cap_below_one";
    /// Caps on a multi-event offer itself.
    OfferCapsOnMultiEvent, Error, "offer_caps_on_multi_event";
    /// The daily budget is above the total.
    DailyAboveTotal, Error, "daily_budget_above_total";
    /// An Event ID twice, byte for byte.
    EventIdDuplicate, Error, "event_id_duplicate";
    /// Two Event IDs that differ only in case or white space.
    EventIdTwins, Error, "event_id_twins";
    /// An Event ID that reads like "no value" in a postback.
    EventIdLooksAbsent, Error, "event_id_looks_absent";
    /// A multi-event AppsFlyer offer without `Install`.
    InstallMissing, Error, "install_missing";
    /// An Event ID that is `Install` but for its spelling.
    InstallMisspelt, Error, "install_misspelt";
    /// `Install` is neither number 1 nor Independent.
    InstallPosition, Error, "install_position";
    /// The lowest sequence number is not 1.
    SequenceStart, Error, "sequence_start";
    /// A sequence number is left out.
    SequenceGap, Warning, "sequence_gap";
    /// Number 1 holds other events than Install, App Open and FTUE.
    SequenceFirstNumber, Warning, "sequence_first_number";
    /// A rule for a number that no event has.
    SequenceRuleUnused, Warning, "sequence_rule_unused";
    /// The link's host is not AppsFlyer's.
    LinkHost, Warning, "link_host";
    /// The flat payout is above the flat revenue.
    PayoutAboveRevenue, Warning, "payout_above_revenue";
    /// The deadline is over before the minimum times of the numbers before can be.
    DeadlineBelowMinTimes, Warning, "deadline_below_min_times";
    /// The pending time is shorter than the advertiser's review window.
    PendingBelowReviewWindow, Warning, "pending_below_review_window";
    /// The launch date is in the past.
    LaunchInPast, Warning, "launch_in_past";
    /// The budgets of the offer and its relatives are above the advertiser's.
    LineageBudget, Warning, "lineage_budget_above_advertisers";
    /// No picture.
    NoCreative, Warning, "no_creative";
    /// `clickid` is added to the link.
    ClickIdAdded, Info, "clickid_added";
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
