//! From a token to the principal it stands for.

use std::{
    error::Error,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;
use kernel::{Clock, Principal, Timestamp};
use secrecy::SecretString;
use serde::Deserialize;
use settings::{Problems, Validate};

use super::{header, token_cache::TokenCache};
use crate::problem::Problem;

/// Tokens remembered at once: some 150 bytes each.
const CACHE_CAPACITY: usize = 10_000;
/// A revoked token must fail within 5 s on every replica.
const CACHE_LIMIT_MS: u64 = 5_000;
/// What a caller waits before trying again when the token store is down.
const RETRY_AFTER_SECONDS: u32 = 5;

/// The keyed hash of a token: what is stored and looked up.
pub type TokenHash = [u8; 32];

/// Why a look-up failed; any error of the store. Not "unknown token", which is `Ok(None)`.
pub type LookupError = Box<dyn Error + Send + Sync>;

type Lookup = dyn Fn(TokenHash) -> BoxFuture<'static, Result<Option<Grant>, LookupError>> + Send + Sync;

/// A token that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// Who it stands for.
    pub principal: Principal,
    /// The first moment at which it is no longer valid, when there is one.
    pub expires_at: Option<Timestamp>,
}

/// The `[auth]` section of a service's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthSettings {
    /// Key of the tokens' hashes; the same in every service, because they share the token facts.
    pub token_pepper: SecretString,
    /// How long a found token is remembered, and so how long a revoked one may still work. 0 looks up every time.
    #[serde(default = "default_cache_ms")]
    pub cache_ms: u64,
}

const fn default_cache_ms() -> u64 {
    2_000
}

impl Validate for AuthSettings {
    fn validate(&self, problems: &mut Problems) {
        problems.secret_not_empty("token_pepper", &self.token_pepper);
        problems.in_range("cache_ms", &self.cache_ms, &(0..=CACHE_LIMIT_MS));
    }
}

/// Verifies tokens; put it into the app's data as `web::Data<TokenAuth>` and take [`Caller`](super::Caller) as an
/// argument.
pub struct TokenAuth {
    pepper: SecretString,
    clock: Arc<dyn Clock>,
    cache: TokenCache,
    lookup: Box<Lookup>,
}

impl fmt::Debug for TokenAuth {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("TokenAuth")
    }
}

impl TokenAuth {
    /// Verifies tokens with the store behind `lookup`, such as `postgres_kit::tokens::find` over a pool.
    pub fn new<F, R>(settings: &AuthSettings, clock: Arc<dyn Clock>, lookup: F) -> Self
    where
        F: Fn(TokenHash) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Option<Grant>, LookupError>> + Send + 'static,
    {
        Self {
            pepper: settings.token_pepper.clone(),
            clock,
            cache: TokenCache::new(Duration::from_millis(settings.cache_ms), CACHE_CAPACITY),
            lookup: Box::new(move |hash| Box::pin(lookup(hash))),
        }
    }

    /// The hash to look a token up by.
    #[must_use]
    pub fn hash(&self, token: &str) -> TokenHash {
        signing::token::hash(&self.pepper, token)
    }

    /// The principal of a token by its hash.
    ///
    /// # Errors
    /// 401 when it is unknown or expired, 503 when the store could not be asked.
    pub async fn verify(&self, hash: TokenHash) -> Result<Principal, Problem> {
        let remembered = self.cache.get(&hash, Instant::now());
        let grant = match remembered {
            Some(grant) => grant,
            None => self.look_up(hash).await?,
        };
        if grant.expires_at.is_some_and(|end| end <= self.clock.now()) {
            return Err(header::refused());
        }
        Ok(grant.principal)
    }

    async fn look_up(&self, hash: TokenHash) -> Result<Grant, Problem> {
        let found = (self.lookup)(hash).await.map_err(|cause| unavailable().because(cause))?;
        let grant = found.ok_or_else(header::refused)?;
        self.cache.put(hash, grant, Instant::now());
        Ok(grant)
    }
}

/// The answer while tokens can not be looked up.
pub(crate) fn unavailable() -> Problem {
    Problem::unavailable("tokens cannot be checked at the moment", RETRY_AFTER_SECONDS)
}
