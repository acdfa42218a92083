//! What was odd about a postback and could be lived with. A note never changes an answer; it explains one.

use std::fmt;

use crate::field::Field;

/// One oddity. The text is for people; [`Note::code`] is for machines.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// NUL characters were replaced: no table can hold them.
    NulReplaced,
    /// Bytes that are not UTF-8 were replaced.
    BadUtf8Replaced,
    /// Two parameters for the same field carried different values; the first counts.
    Disagreement(Field),
    /// The time could not be read; the raw text is kept.
    UnreadableTime(Field),
    /// The amount could not be read; the raw text is kept.
    UnreadableAmount(Field),
    /// The amount had more than six digits after the point and was rounded half away from zero.
    AmountRounded(Field),
    /// The currency is not a code of three letters; the raw text is kept.
    UnreadableCurrency,
    /// The flag is neither true nor false; the raw text is kept.
    UnreadableFlag(Field),
    /// The click id is there and is no UUID.
    UnreadableClickId,
    /// There is no event id; the event's name serves as one. Unless the offer has an Event ID that looks absent.
    EventNameAsId,
    /// There is neither an event id nor an event name: it is the install. Unless the offer has an Event ID that looks
    /// absent.
    InstallByDefault,
    /// `event_value` is not JSON; the raw text is kept.
    EventValueNotJson,
    /// The body could not be read as what it says it is; it is kept as it came.
    UnreadableBody,
    /// More bytes or parameters than we read; the rest is ignored.
    Truncated,
}

impl Note {
    /// A stable word for machines.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NulReplaced => "nul_replaced",
            Self::BadUtf8Replaced => "bad_utf8_replaced",
            Self::Disagreement(_) => "disagreement",
            Self::UnreadableTime(_) => "unreadable_time",
            Self::UnreadableAmount(_) => "unreadable_amount",
            Self::AmountRounded(_) => "amount_rounded",
            Self::UnreadableCurrency => "unreadable_currency",
            Self::UnreadableFlag(_) => "unreadable_flag",
            Self::UnreadableClickId => "unreadable_click_id",
            Self::EventNameAsId => "event_name_as_id",
            Self::InstallByDefault => "install_by_default",
            Self::EventValueNotJson => "event_value_not_json",
            Self::UnreadableBody => "unreadable_body",
            Self::Truncated => "truncated",
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NulReplaced => out.write_str("NUL characters were replaced"),
            Self::BadUtf8Replaced => out.write_str("bytes that are not UTF-8 were replaced"),
            Self::Disagreement(field) => {
                write!(out, "several values for {} disagree; the first one counts", field.canonical())
            }
            Self::UnreadableTime(field) => write!(out, "{} is not a time we can read", field.canonical()),
            Self::UnreadableAmount(field) => {
                write!(out, "{} is not an amount we can read", field.canonical())
            }
            Self::AmountRounded(field) => {
                write!(out, "{} was rounded to six digits after the point", field.canonical())
            }
            Self::UnreadableCurrency => out.write_str("the currency is not a three-letter code"),
            Self::UnreadableFlag(field) => write!(out, "{} is neither true nor false", field.canonical()),
            Self::UnreadableClickId => out.write_str("the click id is not a UUID"),
            Self::EventNameAsId => out.write_str("there is no event id; the event's name serves as one"),
            Self::InstallByDefault => out.write_str("there is neither event id nor event name: an install"),
            Self::EventValueNotJson => out.write_str("event_value is not JSON"),
            Self::UnreadableBody => out.write_str("the body could not be read and was kept as it came"),
            Self::Truncated => out.write_str("the postback is larger than we read; the rest was ignored"),
        }
    }
}
