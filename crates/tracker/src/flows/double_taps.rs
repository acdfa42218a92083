//! Double taps of this process's users.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, Mutex, PoisonError},
};

use kernel::{ClickId, LinkId, Timestamp};

use crate::domain::{ClickParameters, TapKey, Taps};

/// The clicks of the last seconds. Cheap to clone.
#[derive(Clone, Default)]
pub struct DoubleTaps {
    keys: Arc<(RandomState, RandomState)>,
    taps: Arc<Mutex<Taps>>,
}

impl DoubleTaps {
    /// What two taps have in common.
    #[must_use]
    pub fn key(&self, link: LinkId, parameters: &ClickParameters<'_>) -> TapKey {
        let what = (link, &*parameters.pub_member_id, &*parameters.pub_click_id);
        (self.keys.0.hash_one(what), self.keys.1.hash_one(what))
    }

    /// The click that a tap repeats.
    #[must_use]
    pub fn first(&self, key: TapKey, now: Timestamp) -> Option<ClickId> {
        self.taps.lock().unwrap_or_else(PoisonError::into_inner).first(key, now)
    }

    /// Remembers a click that is durable.
    pub fn remember(&self, key: TapKey, click: ClickId, now: Timestamp) {
        self.taps.lock().unwrap_or_else(PoisonError::into_inner).remember(key, click, now);
    }
}
