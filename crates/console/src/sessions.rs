//! Who is signed in.
//!
//! The browser holds a random number and nothing else; the API token stays here, in memory. A restart signs everybody out:
//! the price of having no place from which tokens could be stolen.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kernel::{Clock, IdSource, Timestamp};
use secrecy::SecretString;

/// Sessions kept at once, some 1 KB each. Opening one takes a valid token, so this is a bound, not a defence.
const SESSIONS_MAX: usize = 10_000;
const SECONDS_PER_MINUTE: i64 = 60;

/// What a session knows.
#[derive(Clone)]
pub struct Session {
    /// Speaks for the account manager at the other services.
    pub token: SecretString,
    /// In every form of this session's pages.
    pub form_token: FormToken,
    /// Whose pages these are.
    pub tenant: String,
}

/// A number that a page of another site can not know: whoever sends it back has read one of our pages.
#[derive(Clone)]
pub struct FormToken(String);

impl FormToken {
    /// A fresh one.
    pub fn random(ids: &dyn IdSource) -> Self {
        Self(hex::encode(random(ids)))
    }

    /// For the form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is what came back.
    pub fn matches(&self, given: &str) -> bool {
        same(&self.0, given)
    }
}

/// Compares in time that does not depend on where the texts differ.
pub fn same(one: &str, other: &str) -> bool {
    signing::same(one.as_bytes(), other.as_bytes())
}

fn random(ids: &dyn IdSource) -> [u8; 32] {
    let mut bytes = [0; 32];
    ids.fill_random(&mut bytes);
    bytes
}

struct Open {
    session: Session,
    ends_at: Timestamp,
}

/// All sessions of this process.
pub struct Sessions {
    open: Mutex<HashMap<[u8; 32], Open>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    seconds: i64,
}

impl Sessions {
    /// None yet; each will last `minutes`.
    pub fn new(clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>, minutes: u32) -> Self {
        let seconds = i64::from(minutes).saturating_mul(SECONDS_PER_MINUTE);
        Self { open: Mutex::default(), clock, ids, seconds }
    }

    /// A form token for a page before the sign-in.
    pub fn form_token(&self) -> FormToken {
        FormToken::random(&*self.ids)
    }

    /// How long a session lasts, for the cookie.
    pub fn seconds(&self) -> i64 {
        self.seconds
    }

    /// Opens a session and returns the text of its cookie. Makes room by closing those that ended and, should that not be
    /// enough, the one that would end first.
    pub fn open(&self, token: SecretString, tenant: String) -> String {
        let id = random(&*self.ids);
        let now = self.clock.now();
        let ends_at = now.saturating_add_seconds(self.seconds);
        let session = Session { token, form_token: self.form_token(), tenant };
        let mut open = self.lock();
        open.retain(|_, one| one.ends_at > now);
        if open.len() >= SESSIONS_MAX {
            let first = open.iter().min_by_key(|(_, one)| one.ends_at).map(|(id, _)| *id);
            first.and_then(|id| open.remove(&id));
        }
        open.insert(id, Open { session, ends_at });
        hex::encode(id)
    }

    /// The session of a cookie, when it is one of ours and still lasts.
    pub fn find(&self, cookie: &str) -> Option<Session> {
        let id = read(cookie)?;
        let now = self.clock.now();
        self.lock().get(&id).filter(|open| open.ends_at > now).map(|open| open.session.clone())
    }

    /// Ends it: its token is forgotten.
    pub fn close(&self, cookie: &str) {
        if let Some(id) = read(cookie) {
            self.lock().remove(&id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Open>> {
        // Every change is one call of the map: it is whole whatever happened.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(cookie: &str) -> Option<[u8; 32]> {
    let mut id = [0; 32];
    hex::decode_to_slice(cookie, &mut id).ok()?;
    Some(id)
}
