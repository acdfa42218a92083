//! "Last used": which apps use a generation of a credential. Ingest counts, here it is added up.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{CredentialId, TenantId, Timestamp};

/// App ids that are told apart for one generation, for all time: who holds a credential can name any, and each is a row.
/// Those beyond count under the empty one.
pub const APPS_MAX: usize = 200;
/// App ids of a generation that are shown: those used last.
pub const APPS_SHOWN_MAX: u16 = 20;
/// Longest app id; ingest tells no longer ones than 64.
pub const APP_ID_BYTES_MAX: usize = 255;

/// A generation of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GenerationKey {
    /// Whose.
    pub tenant: TenantId,
    /// Of which credential.
    pub credential: CredentialId,
    /// 1, 2, 3 …
    pub number: u16,
}

/// How often and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// When first.
    pub first: Timestamp,
    /// When last.
    pub last: Timestamp,
    /// How often, at most what a column holds.
    pub times: i64,
}

impl Use {
    fn add(&mut self, more: Self) {
        self.first = self.first.min(more.first);
        self.last = self.last.max(more.last);
        self.times = self.times.saturating_add(more.times);
    }
}

/// One fact of ingest: how one app used one generation since it was last told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The generation.
    pub key: GenerationKey,
    /// The app, or empty.
    pub app_id: String,
    /// How.
    pub how: Use,
}

/// An app that uses a generation, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppUse {
    /// The app, or empty.
    pub app_id: String,
    /// How.
    pub how: Use,
}

/// The uses of one credential by its generation's number, each with the apps that used it last.
pub type UsesByGeneration = BTreeMap<u16, Vec<AppUse>>;

/// What is added to which row: one for each generation and app, in the order of their keys. `known` are the apps that have a
/// row; a new one gets its own while there is room, in the order in which they are told.
#[must_use]
pub fn added_up<'a>(
    told: impl IntoIterator<Item = &'a Told>,
    mut known: BTreeMap<GenerationKey, BTreeSet<String>>,
) -> BTreeMap<(GenerationKey, &'a str), Use> {
    let mut sums: BTreeMap<(GenerationKey, &str), Use> = BTreeMap::new();
    for Told { key, app_id, how } in told {
        let apps = known.entry(*key).or_default();
        let has_row = app_id.is_empty() || apps.contains(app_id);
        // Only named ones take room.
        let is_named = has_row || apps.iter().filter(|app| !app.is_empty()).count() < APPS_MAX;
        if is_named && !has_row {
            apps.insert(app_id.clone());
        }
        let app_id = if is_named { app_id.as_str() } else { "" };
        sums.entry((*key, app_id)).and_modify(|sum| sum.add(*how)).or_insert(*how);
    }
    sums
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn key(number: u16) -> GenerationKey {
        GenerationKey {
            tenant: TenantId::from_uuid(Uuid::from_u128(8)),
            credential: CredentialId::from_uuid(Uuid::from_u128(7)),
            number,
        }
    }

    fn told(number: u16, app_id: &str, first: i64, last: i64, times: i64) -> Told {
        let how = Use { first: Timestamp::from_micros(first), last: Timestamp::from_micros(last), times };
        Told { key: key(number), app_id: app_id.to_owned(), how }
    }

    #[test]
    fn what_several_replicas_tell_is_one_sum() {
        let facts = [told(1, "id1", 5, 9, 2), told(1, "id1", 3, 8, 4), told(2, "", 1, 1, 1)];
        let sums = added_up(&facts, BTreeMap::new());
        let expected = [told(1, "id1", 3, 9, 6), told(2, "", 1, 1, 1)];
        assert_eq!(
            sums.into_iter().collect::<Vec<_>>(),
            expected.each_ref().map(|line| ((line.key, line.app_id.as_str()), line.how))
        );
    }

    #[test]
    fn an_app_too_many_counts_without_its_name() {
        let known: BTreeSet<String> =
            (1..APPS_MAX).map(|number| format!("id{number}")).chain([String::new()]).collect();
        let facts = [
            told(1, "new", 1, 1, 1),
            told(1, "newer", 2, 2, 1),
            told(1, "newest", 3, 3, 1),
            told(1, "id1", 4, 4, 1),
        ];
        let sums = added_up(&facts, BTreeMap::from([(key(1), known)]));
        let apps: Vec<_> = sums.iter().map(|((_, app_id), how)| (*app_id, how.times)).collect();
        assert_eq!(apps, [("", 2), ("id1", 1), ("new", 1)]);
    }

    #[test]
    fn sums_stay_within_a_column() {
        let facts = [told(1, "", 1, 1, i64::MAX), told(1, "", 1, 1, 1)];
        assert_eq!(added_up(&facts, BTreeMap::new()).values().next().unwrap().times, i64::MAX);
    }
}
