//! Who is calling: API tokens of tenants, and the one token of the operator.
//!
//! A token is looked up by its keyed hash; the token itself is neither stored nor logged nor cached. A missing, an
//! unknown, an expired and a malformed token get the same status and, but for the missing one, the same text.

mod caller;
mod door;
mod header;
mod operator;
mod standing;
mod token_auth;
mod token_cache;

pub use caller::Caller;
pub use door::Door;
pub(crate) use header::refused;
pub use operator::{Operator, OperatorAuth};
pub use standing::Standing;
pub(crate) use token_auth::unavailable;
pub use token_auth::{AuthSettings, Grant, LookupError, TokenAuth, TokenHash};
