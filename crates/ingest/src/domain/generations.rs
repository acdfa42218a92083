//! The small set of credential generations that no longer simply hold. The catalog broadcasts it whole; a credential that
//! is not in it accepts every generation that carries a valid signature, so an ingest that never heard a broadcast works.

use std::collections::HashMap;

use kernel::{CredentialId, Timestamp};

/// The set, as of one version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Generations {
    version: u64,
    credentials: HashMap<CredentialId, Accepted>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Accepted {
    minimum: u32,
    valid_until: HashMap<u32, Timestamp>,
}

impl Generations {
    /// An empty set of a version.
    #[must_use]
    pub fn new(version: u64) -> Self {
        Self { version, credentials: HashMap::new() }
    }

    /// The set's version; a higher one replaces a lower one.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Adds one credential: what is below `minimum` is refused, what is in `ending` holds until its moment.
    pub fn insert(
        &mut self,
        credential: CredentialId,
        minimum: u32,
        ending: impl IntoIterator<Item = (u32, Timestamp)>,
    ) {
        self.credentials.insert(credential, Accepted { minimum, valid_until: ending.into_iter().collect() });
    }

    /// Whether a generation of a credential holds at `at`.
    #[must_use]
    pub fn accept(&self, credential: CredentialId, generation: u32, at: Timestamp) -> bool {
        self.credentials.get(&credential).is_none_or(|accepted| {
            generation >= accepted.minimum
                && accepted.valid_until.get(&generation).is_none_or(|until| at < *until)
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_old_generation_holds_through_its_overlap_and_not_after() {
        let credential = CredentialId::from_uuid(Uuid::from_u128(1));
        let at = Timestamp::from_micros;
        let mut set = Generations::new(7);
        set.insert(credential, 2, [(2, at(100))]);
        assert!(!set.accept(credential, 1, at(0)));
        assert!(set.accept(credential, 2, at(99)));
        assert!(!set.accept(credential, 2, at(100)));
        assert!(set.accept(credential, 3, at(1_000)));
        assert!(
            set.accept(CredentialId::from_uuid(Uuid::from_u128(2)), 1, at(0)),
            "not listed: no restriction"
        );
    }
}
