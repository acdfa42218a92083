//! Whether a delivery that ended may be told again. A publisher must never end on a stale status: what is told again is
//! always the conversion's status as it stands now, and never beside another telling to the same place.

use kernel::{TenantId, TokenId};
use uuid::Uuid;

use super::{ledger::derive, standing::Told};

/// Deliveries of one publisher that a replay may have due, and not tried yet, at a time: what is new never waits behind
/// more of them than that, however many are told again.
pub const DUE_AT_ONCE: u16 = 50;

/// Deliveries of one order at most: what became of them is counted whenever somebody looks, and so many take about a second.
/// Who wants more chooses shorter periods, one after the other.
pub const ORDER_MAX: u32 = 250_000;

/// What is known of a delivery at the moment when it would be told again, its conversion locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each of them a reason")]
pub struct Candidate {
    /// Whether it is still to be told as it is.
    pub is_waiting: bool,
    /// What it tells.
    pub told: Told,
    /// What its conversion is now; nothing: it is none any more.
    pub stands: Option<Told>,
    /// Whether the endpoint was to be told of a later change, or the conversion is worth something else by now.
    pub has_newer: bool,
    /// Whether another telling of the conversion to the endpoint is outstanding.
    pub has_outstanding: bool,
    /// Whether the endpoint is to be called at all.
    pub is_endpoint_active: bool,
    /// Whether the endpoint waits for a person, after ten times 410.
    pub is_endpoint_paused: bool,
}

/// Why a delivery is not told again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Skip {
    /// It has not ended.
    AlreadyWaiting,
    /// The endpoint is about to hear of a later change.
    NewerIsWaiting,
    /// The conversion has moved on.
    Superseded,
    /// The endpoint is switched off.
    EndpointIsOff,
    /// The endpoint is paused.
    EndpointIsPaused,
}

impl Skip {
    /// Each of them.
    pub const ALL: [Self; 5] = [
        Self::AlreadyWaiting,
        Self::NewerIsWaiting,
        Self::Superseded,
        Self::EndpointIsOff,
        Self::EndpointIsPaused,
    ];

    /// The word in tables and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::AlreadyWaiting => "already_waiting",
            Self::NewerIsWaiting => "newer_is_waiting",
            Self::Superseded => "superseded",
            Self::EndpointIsOff => "endpoint_is_off",
            Self::EndpointIsPaused => "endpoint_is_paused",
        }
    }

    /// What to tell a person.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::AlreadyWaiting => {
                "it has not ended: it is told, or tried again, by itself, once its endpoint takes something"
            }
            Self::NewerIsWaiting => "a newer status of the conversion is about to be told to this endpoint",
            Self::Superseded => {
                "the conversion has moved on: telling this again would leave the publisher on a stale status. Replay the \
                newest delivery of the conversion to this endpoint, if it failed too"
            }
            Self::EndpointIsOff => "the endpoint is switched off: switch it on in the catalog first",
            Self::EndpointIsPaused => {
                "the endpoint is paused: it said ten times that it is gone. Resume it first"
            }
        }
    }
}

/// Whether it may be told again.
///
/// # Errors
/// Why not.
pub fn judge(candidate: &Candidate) -> Result<(), Skip> {
    if candidate.is_waiting {
        Err(Skip::AlreadyWaiting)
    } else if candidate.has_outstanding {
        Err(Skip::NewerIsWaiting)
    } else if candidate.has_newer || candidate.stands != Some(candidate.told) {
        Err(Skip::Superseded)
    } else if !candidate.is_endpoint_active {
        Err(Skip::EndpointIsOff)
    } else if candidate.is_endpoint_paused {
        Err(Skip::EndpointIsPaused)
    } else {
        Ok(())
    }
}

/// The id of the order that a caller names by an `Idempotency-Key`: the same call again finds it.
#[must_use]
pub fn replay_id(tenant: TenantId, token: TokenId, key: &str) -> Uuid {
    derive(
        "gokart delivery replay 1",
        &[tenant.as_uuid().as_bytes(), token.as_uuid().as_bytes(), key.as_bytes()],
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const FAILED: Candidate = Candidate {
        is_waiting: false,
        told: Told::Success,
        stands: Some(Told::Success),
        has_newer: false,
        has_outstanding: false,
        is_endpoint_active: true,
        is_endpoint_paused: false,
    };

    #[rstest]
    #[case::newest(FAILED, Ok(()))]
    #[case::not_over(Candidate { is_waiting: true, ..FAILED }, Err(Skip::AlreadyWaiting))]
    #[case::newer_on_its_way(Candidate { has_outstanding: true, has_newer: true, ..FAILED }, Err(Skip::NewerIsWaiting))]
    #[case::newer_was_told(Candidate { has_newer: true, ..FAILED }, Err(Skip::Superseded))]
    #[case::moved_on_untold(Candidate { stands: Some(Told::Rejected), ..FAILED }, Err(Skip::Superseded))]
    #[case::no_conversion(Candidate { stands: None, ..FAILED }, Err(Skip::Superseded))]
    #[case::off(Candidate { is_endpoint_active: false, ..FAILED }, Err(Skip::EndpointIsOff))]
    #[case::paused(Candidate { is_endpoint_paused: true, ..FAILED }, Err(Skip::EndpointIsPaused))]
    fn only_the_newest_is_told_again(#[case] candidate: Candidate, #[case] expected: Result<(), Skip>) {
        assert_eq!(judge(&candidate), expected);
    }

    #[test]
    fn a_key_names_one_order_of_one_token() {
        let id = Uuid::from_u128;
        let of = |token, key| replay_id(TenantId::from_uuid(id(1)), TokenId::from_uuid(id(token)), key);
        assert_eq!(of(1, "a"), of(1, "a"));
        assert_ne!(of(1, "a"), of(2, "a"));
        assert_ne!(of(1, "a"), of(1, "b"));
    }
}
