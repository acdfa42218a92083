//! API tokens.

use http_kit::Problem;
use kernel::{Role, Scope, Scopes};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    domain::records::Token,
    flows::{Holder, IssuedToken, TokenRequest},
    http::reading::{Field, Reader, Unknown, moments::written},
};

/// Roles.
pub const ROLES: [(&str, Role); 4] = [
    ("owner", Role::Owner),
    ("manager", Role::Manager),
    ("analyst", Role::Analyst),
    ("publisher", Role::Publisher),
];

/// Scopes.
pub const SCOPES: [(&str, Scope); 3] =
    [("read", Scope::Read), ("write", Scope::Write), ("manage", Scope::Manage)];

/// A new token.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"label": "CI", "role": "manager", "scopes": ["read"], "expiresAt": "2027-12-31"}))]
pub struct TokenBody {
    /// What people call it; the role when left out.
    #[schema(value_type = Option<String>, max_length = 100)]
    label: Field,
    /// Whose it is: it has that user's role, also when it changes. Left out: it stands alone and needs a role of its own.
    #[schema(value_type = Option<Uuid>)]
    user_id: Field,
    /// owner, manager, analyst or publisher; not with userId.
    #[schema(value_type = Option<String>)]
    role: Field,
    /// For role publisher: whose offers it may see.
    #[schema(value_type = Option<Uuid>)]
    publisher_id: Field,
    /// What it is for, within the rights of its role: read (look), write (change offers, partners, conversions), manage (an
    /// owner's: users, tokens, credentials, the tenant). Everything the role may do when left out.
    #[schema(value_type = Option<Vec<String>>, max_items = 3)]
    scopes: Field,
    /// From when on it is void.
    #[schema(value_type = Option<String>)]
    expires_at: Field,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl TokenBody {
    /// Reads the token.
    ///
    /// # Errors
    /// 422 with every wrong field.
    pub fn read(self) -> Result<TokenRequest, Problem> {
        let mut r = Reader::new();
        r.refuse_unknown(&self.unknown);
        let label = r.text("label", self.label, 100);
        let role = r.word("role", self.role, &ROLES);
        let user_id = r.id("userId", self.user_id);
        let publisher_id = r.id("publisherId", self.publisher_id);
        let scopes = r.list("scopes", self.scopes, SCOPES.len(), |r, item| r.word("", item, &SCOPES));
        if scopes.as_ref().is_some_and(Vec::is_empty) && !r.concerns("scopes") {
            r.wrong(
                "scopes",
                "must name at least one of read, write, manage; leave it out for everything the role may do",
            );
        }
        let expires_at = r.moment("expiresAt", self.expires_at);
        if let Some(user) = user_id {
            if role.is_some() {
                r.wrong("role", "does not go with userId: the token has its user's role");
            }
            if publisher_id.is_some() {
                r.wrong("publisherId", "does not go with userId: the token sees its user's publisher");
            }
            return r.finish(Some(TokenRequest {
                label,
                holder: Holder::User(user),
                scopes: scopes.map_or(Scopes::FULL, Scopes::from_iter),
                expires_at,
            }));
        }
        let role = r.required("role", role, "owner, manager, analyst or publisher, or a userId");
        if role == Some(Role::Publisher) {
            r.required("publisherId", publisher_id, "the publisher whose offers the token may see");
        } else if role.is_some() && publisher_id.is_some() {
            r.wrong("publisherId", "goes only with role publisher");
        }
        let request = role.map(|role| TokenRequest {
            label,
            holder: Holder::Nobody { role, publisher_id },
            scopes: scopes.map_or(Scopes::FULL, Scopes::from_iter),
            expires_at,
        });
        r.finish(request)
    }
}

/// A token, without its text.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Token)]
#[schema(example = json!({
    "tokenId": "0193a1f0-0000-7000-8000-00000000000b",
    "label": "CI",
    "userId": null,
    "role": "manager",
    "publisherId": null,
    "scopes": ["read", "write"],
    "expiresAt": "2027-12-31T00:00:00Z",
    "revokedAt": null,
    "suspendedAt": null,
    "lastUsedAt": "2026-11-26T09:30:00Z",
    "createdAt": "2026-11-20T08:00:00Z"
}))]
pub struct TokenJson {
    /// Its id.
    token_id: Uuid,
    /// What people call it.
    label: String,
    /// Whose it is; null: it stands alone.
    user_id: Option<Uuid>,
    /// owner, manager, analyst or publisher.
    #[schema(example = "manager")]
    role: &'static str,
    /// For role publisher: whose offers it may see.
    publisher_id: Option<Uuid>,
    /// What it is for, within the rights of its role.
    #[schema(value_type = Vec<String>, example = json!(["read", "write", "manage"]))]
    scopes: Vec<&'static str>,
    /// From when on it is void; null: never.
    expires_at: Option<String>,
    /// When it was revoked; null: it was not.
    revoked_at: Option<String>,
    /// Since when it is refused because its publisher is inactive.
    suspended_at: Option<String>,
    /// When it was used last at this API, to the minute.
    last_used_at: Option<String>,
    /// When it was issued.
    created_at: String,
}

impl From<Token> for TokenJson {
    fn from(token: Token) -> Self {
        Self {
            token_id: token.token_id.as_uuid(),
            label: token.label,
            user_id: token.user_id.map(kernel::UserId::as_uuid),
            role: token.role.as_str(),
            publisher_id: token.publisher_id.map(kernel::PublisherId::as_uuid),
            scopes: token.scopes.iter().map(Scope::as_str).collect(),
            expires_at: token.expires_at.map(written),
            revoked_at: token.revoked_at.map(written),
            suspended_at: token.suspended_at.map(written),
            last_used_at: token.last_used_at.map(written),
            created_at: written(token.created_at),
        }
    }
}

/// A new token with its text.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = IssuedToken)]
pub struct IssuedTokenJson {
    #[serde(flatten)]
    token: TokenJson,
    /// `gkt_…`: shown now and never again. Goes into `Authorization: ApiToken …`.
    #[schema(example = "gkt_…")]
    api_token: String,
}

impl From<IssuedToken> for IssuedTokenJson {
    fn from(issued: IssuedToken) -> Self {
        Self { token: issued.token.into(), api_token: issued.secret.expose_secret().to_owned() }
    }
}
