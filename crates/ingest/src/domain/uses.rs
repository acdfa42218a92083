//! Which credential generations are in use, and by which apps: what there is to tell the catalog since the last time.
//!
//! Bounded, whatever the calls say: an app id too many counts under the empty one. A known app costs two look-ups and no
//! allocation.

use std::collections::{BTreeMap, HashMap};

use kernel::{CredentialId, TenantId, Timestamp};
use signing::credential::VerifiedCredential;

use super::app_id::told;

/// App ids that are told apart for one generation: an advertiser has a few apps, each on a few platforms.
pub const APPS_MAX: usize = 100;
/// Generations that are told apart; far beyond what one minute of calls uses. What is beyond is not counted.
pub const GENERATIONS_MAX: usize = 10_000;

/// How one app used one generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// When first.
    pub first: Timestamp,
    /// When last.
    pub last: Timestamp,
    /// How often.
    pub times: u64,
}

impl Use {
    const fn once(at: Timestamp) -> Self {
        Self { first: at, last: at, times: 1 }
    }

    fn add(&mut self, more: Self) {
        self.first = self.first.min(more.first);
        self.last = self.last.max(more.last);
        self.times = self.times.saturating_add(more.times);
    }
}

/// One line of what there is to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// Whose.
    pub tenant: TenantId,
    /// Which credential.
    pub credential: CredentialId,
    /// Which generation of it.
    pub generation: u16,
    /// Which app, or empty.
    pub app_id: String,
    /// How.
    pub how: Use,
}

/// Uses since the last time they were taken.
#[derive(Debug, Default)]
pub struct Uses(HashMap<(CredentialId, u16), OfGeneration>);

#[derive(Debug)]
struct OfGeneration {
    tenant: TenantId,
    nameless: Option<Use>,
    apps: HashMap<Box<str>, Use>,
}

impl Uses {
    /// Notes one call. `false`: there are too many generations, it was not counted.
    pub fn note(&mut self, credential: &VerifiedCredential, app_id: &str, at: Timestamp) -> bool {
        self.add(credential, app_id, Use::once(at))
    }

    /// Takes over what another place noted. Returns how many calls were not counted.
    pub fn merge(&mut self, other: Self) -> u64 {
        let mut uncounted = 0_u64;
        for ((credential_id, generation), of) in other.0 {
            let credential = VerifiedCredential { credential_id, tenant_id: of.tenant, generation };
            let nameless = of.nameless.map(|how| ("", how));
            for (app_id, how) in of.apps.iter().map(|(app_id, how)| (app_id.as_ref(), *how)).chain(nameless) {
                if !self.add(&credential, app_id, how) {
                    uncounted = uncounted.saturating_add(how.times);
                }
            }
        }
        uncounted
    }

    /// What there is to tell, in the order of its keys.
    #[must_use]
    pub fn into_lines(self) -> Vec<Used> {
        let mut lines: BTreeMap<(TenantId, CredentialId, u16, String), Use> = BTreeMap::new();
        for ((credential, generation), of) in self.0 {
            let nameless = of.nameless.map(|how| ("", how));
            for (app_id, how) in of.apps.iter().map(|(app_id, how)| (app_id.as_ref(), *how)).chain(nameless) {
                let key = (of.tenant, credential, generation, String::from(told(app_id)));
                lines.entry(key).and_modify(|known| known.add(how)).or_insert(how);
            }
        }
        let line = |((tenant, credential, generation, app_id), how)| Used {
            tenant,
            credential,
            generation,
            app_id,
            how,
        };
        lines.into_iter().map(line).collect()
    }

    fn add(&mut self, credential: &VerifiedCredential, app_id: &str, how: Use) -> bool {
        let key = (credential.credential_id, credential.generation);
        let has_room = self.0.len() < GENERATIONS_MAX;
        let of = match self.0.get_mut(&key) {
            Some(of) => of,
            None if has_room => self.0.entry(key).or_insert(OfGeneration {
                tenant: credential.tenant_id,
                nameless: None,
                apps: HashMap::new(),
            }),
            None => return false,
        };
        if let Some(known) = of.apps.get_mut(app_id) {
            known.add(how);
        } else if !app_id.is_empty() && of.apps.len() < APPS_MAX {
            of.apps.insert(Box::from(app_id), how);
        } else {
            of.nameless.get_or_insert(Use { times: 0, ..how }).add(how);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn credential(number: u128, generation: u16) -> VerifiedCredential {
        VerifiedCredential {
            credential_id: CredentialId::from_uuid(Uuid::from_u128(number)),
            tenant_id: TenantId::from_uuid(Uuid::from_u128(8)),
            generation,
        }
    }

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    fn seen(lines: &[Used]) -> Vec<(u16, &str, i64, i64, u64)> {
        lines
            .iter()
            .map(|line| {
                let Use { first, last, times } = line.how;
                (line.generation, line.app_id.as_str(), first.as_micros(), last.as_micros(), times)
            })
            .collect()
    }

    #[test]
    fn each_generation_and_app_has_one_line() {
        let (mut one, mut other) = (Uses::default(), Uses::default());
        one.note(&credential(7, 1), "id1", at(20));
        other.note(&credential(7, 1), "id1", at(10));
        one.note(&credential(7, 1), "id1", at(30));
        one.note(&credential(7, 1), "id2", at(5));
        other.note(&credential(7, 2), "", at(7));
        other.note(&credential(7, 2), "null", at(9));
        assert_eq!(one.merge(other), 0);
        assert_eq!(seen(&one.into_lines()), [(1, "id1", 10, 30, 3), (1, "id2", 5, 5, 1), (2, "", 7, 9, 2)]);
    }

    #[test]
    fn an_app_too_many_counts_without_its_name() {
        let mut uses = Uses::default();
        for number in 0..APPS_MAX + 5 {
            assert!(uses.note(&credential(7, 1), &format!("id{number}"), at(1)));
        }
        assert!(uses.note(&credential(7, 1), "id0", at(2)), "a known one keeps its name");
        let lines = uses.into_lines();
        assert_eq!(lines.len(), APPS_MAX + 1);
        assert_eq!(seen(&lines).first(), Some(&(1, "", 1, 1, 5)));
        assert_eq!(seen(&lines).get(1), Some(&(1, "id0", 1, 2, 2)));
    }

    #[test]
    fn a_generation_too_many_is_not_counted() {
        let mut uses = Uses::default();
        let mut other = Uses::default();
        for number in 0..GENERATIONS_MAX {
            assert!(uses.note(&credential(u128::try_from(number).unwrap(), 1), "", at(1)));
        }
        assert!(!uses.note(&credential(u128::MAX, 1), "", at(1)));
        assert!(uses.note(&credential(0, 1), "", at(1)));
        other.note(&credential(u128::MAX, 1), "", at(1));
        other.note(&credential(u128::MAX, 1), "id1", at(1));
        assert_eq!(uses.merge(other), 2);
        assert_eq!(uses.into_lines().len(), GENERATIONS_MAX);
    }
}
