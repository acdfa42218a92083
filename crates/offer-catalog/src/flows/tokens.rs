//! API tokens: shown once, kept as a keyed hash, told to every service.

use kernel::{PublisherId, Role, TenantId, Timestamp, TokenId};
use postgres_kit::{Retries, transact};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::{
    Answer, Catalog, FlowError, Once,
    write::{Change, States},
};
use crate::{
    domain::{
        audit::{Actor, AuditAction},
        listing::{Slice, Sort, TokenFilter, Window},
        records::{Revision, Token},
    },
    facts::api_token_changed,
    store::{publishers, tokens},
};

/// What a token is to be.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// What people call it.
    pub label: String,
    /// What it may do.
    pub role: Role,
    /// Set exactly for [`Role::Publisher`].
    pub publisher_id: Option<PublisherId>,
    /// From when on it is void.
    pub expires_at: Option<Timestamp>,
}

/// A new token with its text, which is shown once.
pub struct IssuedToken {
    /// Without the text.
    pub token: Token,
    /// The text.
    pub secret: SecretString,
}

impl Catalog {
    /// Issues a token.
    ///
    /// # Errors
    /// `Invalid` for an unknown publisher, `Conflict` and `KeyReused` when its key is in use or was used, `Store`.
    pub async fn issue_token(
        &self,
        tenant: TenantId,
        actor: TokenId,
        request: TokenRequest,
        once: &Once<IssuedToken>,
    ) -> Result<Answer, FlowError> {
        let now = self.now();
        let issued = self.new_token(tenant, request, now);
        let change = Change::new(self.ids(), tenant, Actor::Token(actor), now);
        let (token, secret, change) = (&issued.token, &issued.secret, &change);
        transact(self.pool(), Retries::default(), async |conn| {
            if let Some(answer) = self.said_before(conn, once).await? {
                return Ok(answer);
            }
            if let Some(publisher) = token.publisher_id
                && publishers::find(conn, tenant, publisher).await?.is_none()
            {
                return Err(FlowError::field("publisherId", "there is no such publisher"));
            }
            tokens::insert(conn, token).await?;
            let states = States::new(&logged(token))?;
            change.audit(conn, AuditAction::TokenIssued, token.token_id.as_uuid(), states).await?;
            change.tell(conn, &[change.stamper().outgoing(&api_token_changed(token))]).await?;
            self.say(conn, once, IssuedToken { token: token.clone(), secret: secret.clone() }).await
        })
        .await
    }

    /// Revokes a token. Revoking it again changes nothing.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn revoke_token(&self, tenant: TenantId, actor: TokenId, id: TokenId) -> Result<(), FlowError> {
        let change = &Change::new(self.ids(), tenant, Actor::Token(actor), self.now());
        transact(self.pool(), Retries::default(), async |conn| {
            let before = tokens::lock(conn, tenant, id).await?.ok_or(FlowError::NotFound("token"))?;
            if before.revoked_at.is_some() {
                return Ok(());
            }
            let revision = before.revision.next();
            let after = Token { revoked_at: Some(change.at), revision, ..before.clone() };
            tokens::save_revocation(conn, &after).await?;
            let states = States::changed(&logged(&before), &logged(&after))?;
            change.audit(conn, AuditAction::TokenRevoked, id.as_uuid(), states).await?;
            change.tell(conn, &[change.stamper().outgoing(&api_token_changed(&after))]).await
        })
        .await
    }

    /// A page of a tenant's tokens, without their texts.
    ///
    /// # Errors
    /// `Store`.
    pub async fn list_tokens(
        &self,
        tenant: TenantId,
        filter: TokenFilter,
        sort: Sort,
        window: Window,
    ) -> Result<Slice<Token>, FlowError> {
        transact(self.pool(), Retries::default(), async |conn| {
            Ok(tokens::list(conn, tenant, filter, sort, window).await?)
        })
        .await
    }

    pub(super) fn new_token(&self, tenant: TenantId, request: TokenRequest, now: Timestamp) -> IssuedToken {
        let secret = signing::token::generate(self.random());
        let token = Token {
            tenant_id: tenant,
            token_id: TokenId::from_uuid(self.ids().uuid_v7()),
            label: request.label,
            hash: signing::token::hash(&self.parts.token_pepper, secret.expose_secret()),
            role: request.role,
            publisher_id: request.publisher_id,
            expires_at: request.expires_at,
            revoked_at: None,
            revision: Revision::FIRST,
            created_at: now,
        };
        IssuedToken { token, secret }
    }
}

fn logged(token: &Token) -> serde_json::Value {
    json!({
        "label": token.label,
        "role": token.role.as_str(),
        "publisherId": token.publisher_id,
        "revoked": token.revoked_at.is_some(),
    })
}
