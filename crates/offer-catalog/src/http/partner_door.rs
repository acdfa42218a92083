//! The door of the partner feed: only for a publisher's own users, and for each token only so often.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use actix_web::{
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    web,
};
use http_kit::{
    Problem,
    auth::{Caller, Door},
};
use kernel::{PublisherId, Role, TokenId};

use crate::{domain::call_rate::CallRate, settings::FeedSettings};

/// Tokens remembered at once, some 100 bytes each. A token is forgotten when it has not called for a while.
const TOKENS_MAX: usize = 20_000;

/// How often each token has called here. Every replica counts its own calls.
pub struct PartnerDoor {
    rate: CallRate,
    per_minute: u32,
    began: Instant,
    /// When a token is as good as one that never called.
    rested: Mutex<HashMap<TokenId, Duration>>,
}

impl PartnerDoor {
    /// With the rate of the settings.
    pub fn new(settings: FeedSettings) -> web::Data<Self> {
        web::Data::new(Self {
            rate: CallRate::new(settings.calls_per_minute, settings.burst),
            per_minute: settings.calls_per_minute,
            began: Instant::now(),
            rested: Mutex::default(),
        })
    }

    /// The publisher whose feed a caller may read now.
    ///
    /// # Errors
    /// 403 for other tokens, 429 for one that called too often.
    pub fn enter(&self, caller: &Caller) -> Result<PublisherId, Problem> {
        if !Door::Partner.admits(caller.role) {
            return Err(not_for(caller.role));
        }
        let publisher = caller.require_partner()?;
        self.count(caller.token, self.began.elapsed()).map_err(|wait| too_often(self.per_minute, wait))?;
        Ok(publisher)
    }

    fn count(&self, token: TokenId, now: Duration) -> Result<(), Duration> {
        let mut tokens = self.rested.lock().unwrap_or_else(PoisonError::into_inner);
        let rested = tokens.get(&token).copied().unwrap_or_default();
        let rested = self.rate.admit(rested, now)?;
        if tokens.len() >= TOKENS_MAX && !tokens.contains_key(&token) {
            tokens.retain(|_token, rested| *rested > now);
        }
        // Still full: as many are busy at once. One more is served and not counted.
        if tokens.len() < TOKENS_MAX || tokens.contains_key(&token) {
            tokens.insert(token, rested);
        }
        drop(tokens);
        Ok(())
    }
}

/// 403: what the tenant's own people read instead.
pub fn not_for(role: Role) -> Problem {
    Problem::forbidden(format!(
        "the partner feed shows a publisher what is shared with it, so it takes a publisher's token; yours is one of role {}: \
         read /api/v1/offers?publisherId=… instead",
        role.as_str()
    ))
}

/// 429: how often a token may call, and when it may again.
pub fn too_often(per_minute: u32, wait: Duration) -> Problem {
    let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
    Problem::of_status(StatusCode::TOO_MANY_REQUESTS)
        .detail(format!(
            "this token may call the partner feed {per_minute} times a minute; call again in {seconds} s. To keep up, \
             send If-None-Match or changedSince instead of reading everything again"
        ))
        .header(header::RETRY_AFTER, HeaderValue::from(seconds))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_token_has_its_own_rate_and_memory_is_bounded() {
        let door = PartnerDoor::new(FeedSettings { calls_per_minute: 60, burst: 1 });
        let token = |number: usize| TokenId::from_uuid(Uuid::from_u128(number.try_into().unwrap()));
        let now = Duration::from_secs(10);
        for number in 0..TOKENS_MAX + 10 {
            assert_eq!(door.count(token(number), now), Ok(()));
        }
        assert_eq!(door.count(token(0), now), Err(Duration::from_secs(1)));
        assert_eq!(door.rested.lock().unwrap().len(), TOKENS_MAX);
        // Those who have rested make room.
        let later = now + Duration::from_secs(2);
        assert_eq!(door.count(token(TOKENS_MAX + 1), later), Ok(()));
        assert_eq!(door.rested.lock().unwrap().len(), 1);
    }
}
