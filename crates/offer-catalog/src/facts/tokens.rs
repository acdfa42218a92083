use contracts::{
    catalog::{ApiTokenChanged, TokenRole},
    scopes,
};
use kernel::{PublisherId, Role, Timestamp};

use crate::domain::records::Token;

/// The token as it stands: its keyed hash, never the token.
#[must_use]
pub fn api_token_changed(token: &Token) -> ApiTokenChanged {
    let role = match token.role {
        Role::Owner => TokenRole::Owner,
        Role::Manager => TokenRole::Manager,
        Role::Analyst => TokenRole::Analyst,
        Role::Publisher => TokenRole::Publisher,
    };
    ApiTokenChanged {
        tenant_id: token.tenant_id.to_vec(),
        token_id: token.token_id.to_vec(),
        version: token.revision.0,
        token_hash: token.hash.to_vec(),
        role: role.into(),
        publisher_id: token.publisher_id.map(PublisherId::to_vec),
        expires_at_micros: token.expires_at.map(Timestamp::as_micros),
        revoked_at_micros: token.closed_at().map(Timestamp::as_micros),
        scopes: scopes::to_message(token.scopes),
    }
}
