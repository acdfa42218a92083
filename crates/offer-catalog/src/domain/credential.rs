//! The generations of a credential: rotation issues a new one, the old one works on for an overlap, revocation ends all.
//!
//! A signature stays valid for ever; what ends is the generation. Ingest therefore needs to know only the generations
//! that ended or will end: [`accepted`] says which.

use kernel::{Days, Timestamp};

/// How long the old generation works after a rotation, unless the caller chooses.
pub const OVERLAP_DAYS_DEFAULT: u16 = 7;
/// The longest overlap.
pub const OVERLAP_DAYS_MAX: u16 = 90;

/// One generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generation {
    /// 1, 2, 3 …
    pub number: u16,
    /// Since when.
    pub issued_at: Timestamp,
    /// First moment after its overlap or its revocation; `None` while it is the current one.
    pub valid_until: Option<Timestamp>,
}

/// Why a credential can not be changed. The text is for the person who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialConflict {
    /// Nothing is left to rotate or reveal.
    #[error("the credential is revoked; issue a new one")]
    Revoked,
    /// Its values were made with a server key that is no longer in the settings: they are refused everywhere.
    #[error(
        "the server key that made these values was retired, so they no longer work; rotate the credential for new ones"
    )]
    KeyRetired,
    /// Numbers are 16 bits in the security segment.
    #[error("the credential was rotated too often; issue a new one")]
    Exhausted,
}

impl CredentialConflict {
    /// A stable code for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Revoked => "credential_revoked",
            Self::KeyRetired => "credential_key_retired",
            Self::Exhausted => "credential_exhausted",
        }
    }
}

/// The generation that is shown and pasted into AppsFlyer.
#[must_use]
pub fn current(generations: &[Generation]) -> Option<Generation> {
    generations
        .iter()
        .filter(|generation| generation.valid_until.is_none())
        .max_by_key(|last| last.number)
        .copied()
}

/// The generations after a rotation at `now`: the current one ends after `overlap`, a new one begins.
///
/// # Errors
/// [`CredentialConflict`] when there is no current one, or no number left.
pub fn rotate(
    generations: &[Generation],
    now: Timestamp,
    overlap: Days,
) -> Result<Vec<Generation>, CredentialConflict> {
    let current = current(generations).ok_or(CredentialConflict::Revoked)?;
    let number = current.number.checked_add(1).ok_or(CredentialConflict::Exhausted)?;
    let until = now.saturating_add_days(overlap);
    let mut next = ended(generations, until);
    next.push(Generation { number, issued_at: now, valid_until: None });
    Ok(next)
}

/// The generations after a revocation at `now`: none works any more.
#[must_use]
pub fn revoke(generations: &[Generation], now: Timestamp) -> Vec<Generation> {
    ended(generations, now)
}

/// Every generation ends at `until`, or earlier if it already would.
fn ended(generations: &[Generation], until: Timestamp) -> Vec<Generation> {
    let end = |generation: &Generation| Generation {
        valid_until: Some(generation.valid_until.map_or(until, |earlier| earlier.min(until))),
        ..*generation
    };
    generations.iter().map(end).collect()
}

/// What ingest must know of one credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Generations below this one are refused.
    pub minimum: u32,
    /// Generations from the minimum on that end at a known moment.
    pub ending: Vec<Generation>,
}

/// What ingest must know at `now`; `None` when every generation is good (nothing ever ended).
#[must_use]
pub fn accepted(generations: &[Generation], now: Timestamp) -> Option<Accepted> {
    let over = |generation: &&Generation| generation.valid_until.is_some_and(|until| until <= now);
    let last_over = generations.iter().filter(over).map(|generation| u32::from(generation.number)).max();
    let minimum = last_over.map_or(1, |number| number.saturating_add(1));
    let ending: Vec<Generation> = generations
        .iter()
        .filter(|generation| u32::from(generation.number) >= minimum && generation.valid_until.is_some())
        .copied()
        .collect();
    if last_over.is_none() && ending.is_empty() { None } else { Some(Accepted { minimum, ending }) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 86_400_000_000;

    fn at(days: i64) -> Timestamp {
        Timestamp::from_micros(days * DAY)
    }

    fn first() -> Vec<Generation> {
        vec![Generation { number: 1, issued_at: at(0), valid_until: None }]
    }

    #[test]
    fn nothing_is_said_while_nothing_ended() {
        assert_eq!(accepted(&first(), at(100)), None);
    }

    #[test]
    fn the_old_one_works_through_its_overlap() {
        let rotated = rotate(&first(), at(10), Days(7)).unwrap();
        assert_eq!(current(&rotated).unwrap().number, 2);
        let during = accepted(&rotated, at(16)).unwrap();
        assert_eq!((during.minimum, during.ending.len()), (1, 1));
        assert_eq!(during.ending[0].valid_until, Some(at(17)));
        assert_eq!(accepted(&rotated, at(17)).unwrap(), Accepted { minimum: 2, ending: vec![] });
    }

    #[test]
    fn revocation_ends_all_at_once() {
        let revoked = revoke(&rotate(&first(), at(10), Days(7)).unwrap(), at(11));
        assert_eq!(current(&revoked), None);
        assert_eq!(accepted(&revoked, at(11)).unwrap(), Accepted { minimum: 3, ending: vec![] });
        assert_eq!(rotate(&revoked, at(12), Days(7)), Err(CredentialConflict::Revoked));
    }

    #[test]
    fn the_last_number_can_not_be_rotated() {
        let last = vec![Generation { number: u16::MAX, issued_at: at(0), valid_until: None }];
        assert_eq!(rotate(&last, at(1), Days(0)), Err(CredentialConflict::Exhausted));
    }

    proptest! {
        /// Ingest sees only `accepted`; it must judge every generation as the generations themselves say.
        #[test]
        fn what_ingest_is_told_judges_like_the_generations(
            steps in prop::collection::vec((0..20_i64, 0..30_u16, prop::bool::weighted(0.1)), 0..8),
            asked in 0..200_i64,
        ) {
            let mut generations = first();
            let mut now = 0;
            for (later, overlap, revoked) in steps {
                now += later;
                generations = if revoked {
                    revoke(&generations, at(now))
                } else {
                    rotate(&generations, at(now), Days(overlap)).unwrap_or(generations)
                };
            }
            let asked = at(now + asked);
            let told = accepted(&generations, asked);
            for generation in &generations {
                let valid = generation.valid_until.is_none_or(|until| asked < until);
                let accepted = told.as_ref().is_none_or(|told| {
                    let ends = told.ending.iter().find(|ending| ending.number == generation.number);
                    u32::from(generation.number) >= told.minimum
                        && ends.is_none_or(|ends| ends.valid_until.is_none_or(|until| asked < until))
                });
                prop_assert_eq!(valid, accepted);
            }
        }
    }
}
