//! API tokens.

use http_kit::Problem;
use kernel::Role;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    domain::records::Token,
    flows::{IssuedToken, TokenRequest},
    http::reading::{Field, Reader, Unknown, moments::written},
};

const ROLES: [(&str, Role); 4] = [
    ("owner", Role::Owner),
    ("manager", Role::Manager),
    ("analyst", Role::Analyst),
    ("publisher", Role::Publisher),
];

/// A new token.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"label": "CI", "role": "manager"}))]
pub struct TokenBody {
    /// What people call it; the role when left out.
    #[schema(value_type = Option<String>)]
    label: Field,
    /// owner, manager, analyst or publisher.
    #[schema(value_type = String)]
    role: Field,
    /// For role publisher: whose offers it may see.
    #[schema(value_type = Option<Uuid>)]
    publisher_id: Field,
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
        let role = r.required("role", role, "owner, manager, analyst or publisher");
        let publisher_id = r.id("publisherId", self.publisher_id);
        let expires_at = r.moment("expiresAt", self.expires_at);
        if role == Some(Role::Publisher) {
            r.required("publisherId", publisher_id, "the publisher whose offers the token may see");
        } else if role.is_some() && publisher_id.is_some() {
            r.wrong("publisherId", "goes only with role publisher");
        }
        let request = role.map(|role| TokenRequest {
            label: label.unwrap_or_else(|| role.as_str().to_owned()),
            role,
            publisher_id,
            expires_at,
        });
        r.finish(request)
    }
}

/// A token, without its text.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Token)]
pub struct TokenJson {
    token_id: Uuid,
    label: String,
    #[schema(example = "manager")]
    role: &'static str,
    publisher_id: Option<Uuid>,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    created_at: String,
}

impl From<Token> for TokenJson {
    fn from(token: Token) -> Self {
        Self {
            token_id: token.token_id.as_uuid(),
            label: token.label,
            role: token.role.as_str(),
            publisher_id: token.publisher_id.map(kernel::PublisherId::as_uuid),
            expires_at: token.expires_at.map(written),
            revoked_at: token.revoked_at.map(written),
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
