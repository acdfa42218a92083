//! The keys that callers give their calls.

use kernel::{TenantId, TokenId};

/// The longest key.
pub const KEY_BYTES_MAX: usize = 255;

/// A call's key, with whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerKey {
    /// Whose.
    pub tenant: TenantId,
    /// Which caller's: two tokens of a tenant may use the same key for different things.
    pub token: TokenId,
    /// As the caller made it up.
    pub key: String,
}
