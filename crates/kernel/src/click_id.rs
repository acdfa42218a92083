//! The shape of a `gk_click_id`: a `UUIDv8` of 48 bits milliseconds, 4 bits key id, 38 random bits and 32 bits MAC.
//!
//! Only the shape lives here. The MAC tells "ours, not arrived yet" from "never ours"; `signing` makes and checks it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::IdError;

/// The id of one click: the journey's name for its whole life, round-tripped through AppsFlyer as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClickId(Uuid);

impl ClickId {
    /// Wraps a UUID.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID inside.
    #[must_use]
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }

    /// The 16 bytes, for messages.
    #[must_use]
    pub fn to_vec(self) -> Vec<u8> {
        self.0.as_bytes().to_vec()
    }

    /// Reads the 16 bytes of a message.
    ///
    /// # Errors
    /// [`IdError`] when there are not exactly 16.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, IdError> {
        Uuid::from_slice(bytes).map(Self).map_err(|_wrong_length| IdError { kind: "gk_click_id" })
    }
}

impl fmt::Display for ClickId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

impl fmt::Debug for ClickId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ClickId({})", self.0)
    }
}

impl FromStr for ClickId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Uuid::try_parse(text.trim()).map(Self).map_err(|_not_a_uuid| IdError { kind: "gk_click_id" })
    }
}
