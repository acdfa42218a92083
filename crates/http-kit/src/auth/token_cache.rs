//! A short memory of tokens that were found, so that a busy caller does not cost a query a request.
//!
//! Only hits are kept: a flood of made-up tokens can neither fill it nor make a fresh token wait. What it costs is
//! that a revoked token may work until its entry is too old, which is why entries live for seconds.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::token_auth::{Grant, TokenHash};

pub(super) struct TokenCache {
    lifetime: Duration,
    capacity: usize,
    entries: Mutex<HashMap<TokenHash, (Grant, Instant)>>,
}

impl TokenCache {
    pub(super) fn new(lifetime: Duration, capacity: usize) -> Self {
        Self { lifetime, capacity, entries: Mutex::default() }
    }

    pub(super) fn get(&self, hash: &TokenHash, now: Instant) -> Option<Grant> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(hash).filter(|(_, since)| self.is_fresh(*since, now)).map(|(grant, _)| *grant)
    }

    pub(super) fn put(&self, hash: TokenHash, grant: Grant, now: Instant) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.capacity {
            entries.retain(|_, (_, since)| self.is_fresh(*since, now));
        }
        // Still full: as many tokens are busy at once. Not remembering one more is slower and never wrong.
        if entries.len() < self.capacity {
            entries.insert(hash, (grant, now));
        }
    }

    fn is_fresh(&self, since: Instant, now: Instant) -> bool {
        now.saturating_duration_since(since) < self.lifetime
    }
}

#[cfg(test)]
mod tests {
    use kernel::{Principal, Role, Scopes, TenantId, TokenId};
    use uuid::Uuid;

    use super::*;

    fn grant() -> Grant {
        Grant {
            principal: Principal {
                tenant: TenantId::from_uuid(Uuid::nil()),
                token: TokenId::from_uuid(Uuid::nil()),
                role: Role::Owner,
                publisher: None,
                scopes: Scopes::FULL,
            },
            expires_at: None,
        }
    }

    #[test]
    fn an_entry_lives_as_long_as_it_was_told() {
        let cache = TokenCache::new(Duration::from_secs(5), 10);
        let start = Instant::now();
        cache.put([1; 32], grant(), start);
        assert!(cache.get(&[1; 32], start + Duration::from_millis(4_999)).is_some());
        assert!(cache.get(&[1; 32], start + Duration::from_secs(5)).is_none());
        assert!(cache.get(&[2; 32], start).is_none());
    }

    #[test]
    fn it_never_grows_beyond_its_capacity_and_makes_room_by_age() {
        let cache = TokenCache::new(Duration::from_secs(5), 2);
        let start = Instant::now();
        for token in 1..=3 {
            cache.put([token; 32], grant(), start);
        }
        assert!(cache.get(&[3; 32], start).is_none());
        let later = start + Duration::from_secs(6);
        cache.put([3; 32], grant(), later);
        assert!(cache.get(&[3; 32], later).is_some());
    }

    #[test]
    fn a_lifetime_of_zero_remembers_nothing() {
        let cache = TokenCache::new(Duration::ZERO, 2);
        let now = Instant::now();
        cache.put([1; 32], grant(), now);
        assert!(cache.get(&[1; 32], now).is_none());
    }
}
