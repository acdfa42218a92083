//! API tokens: shown once, kept as a keyed hash, told to every service.

use kernel::{PublisherId, Role, Scope, Scopes, TenantId, Timestamp, TokenId, UserId};
use postgres_kit::{Retries, Snapshot, transact};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::{
    Answer, Catalog, FlowError, Once,
    users::check_publisher,
    write::{Change, States},
};
use crate::{
    domain::{
        audit::{Actor, AuditAction},
        listing::{Slice, Sort, TokenFilter, Window},
        records::{Revision, Token},
    },
    facts::api_token_changed,
    store::{Conn, tokens, users},
};

/// What a token is to be.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// What people call it; its role when left out.
    pub label: Option<String>,
    /// Whose rights it has.
    pub holder: Holder,
    /// What it is for, within those rights.
    pub scopes: Scopes,
    /// From when on it is void.
    pub expires_at: Option<Timestamp>,
}

/// Whose rights a token has.
#[derive(Debug, Clone, Copy)]
pub enum Holder {
    /// A user's, also when they change.
    User(UserId),
    /// Its own: it stands alone.
    Nobody {
        /// What it may do.
        role: Role,
        /// Set exactly for [`Role::Publisher`].
        publisher_id: Option<PublisherId>,
    },
}

/// The rights of a holder as they stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rights {
    pub(super) user_id: Option<UserId>,
    pub(super) role: Role,
    pub(super) publisher_id: Option<PublisherId>,
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
    /// `Invalid` for an unknown user or publisher or an inactive one, `Conflict` and `KeyReused` when its key is in use or was used, `Store`.
    pub async fn issue_token(
        &self,
        tenant: TenantId,
        actor: TokenId,
        request: TokenRequest,
        once: &Once<IssuedToken>,
    ) -> Result<Answer, FlowError> {
        let (change, request) = (&Change::new(self.ids(), tenant, Actor::Token(actor), self.now()), &request);
        transact(self.pool(), Retries::default(), async |conn| {
            if let Some(answer) = self.said_before(conn, once).await? {
                return Ok(answer);
            }
            let rights = rights_of(conn, tenant, request.holder).await?;
            let issued = self.new_token(tenant, request.clone(), rights, change.at);
            let token = &issued.token;
            tokens::insert(conn, token).await?;
            let states = States::new(&logged(token))?;
            change.audit(conn, AuditAction::TokenIssued, token.token_id.as_uuid(), states).await?;
            change.tell(conn, &[change.stamper().outgoing(&api_token_changed(token))]).await?;
            self.say(conn, once, issued).await
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
            tokens::save(conn, &after).await?;
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
        transact(self.pool(), Snapshot, async |conn| {
            Ok(tokens::list(conn, tenant, filter, sort, window).await?)
        })
        .await
    }

    pub(super) fn new_token(
        &self,
        tenant: TenantId,
        request: TokenRequest,
        rights: Rights,
        now: Timestamp,
    ) -> IssuedToken {
        let secret = signing::token::generate(self.random());
        let token = Token {
            tenant_id: tenant,
            token_id: TokenId::from_uuid(self.ids().uuid_v7()),
            label: request.label.unwrap_or_else(|| rights.role.as_str().to_owned()),
            hash: signing::token::hash(&self.parts.token_pepper, secret.expose_secret()),
            user_id: rights.user_id,
            role: rights.role,
            publisher_id: rights.publisher_id,
            scopes: request.scopes,
            expires_at: request.expires_at,
            revoked_at: None,
            suspended_at: None,
            last_used_at: None,
            revision: Revision::FIRST,
            created_at: now,
        };
        IssuedToken { token, secret }
    }
}

/// A user's rights are theirs to keep: nobody takes them away until the transaction ends.
async fn rights_of(conn: &mut Conn, tenant: TenantId, holder: Holder) -> Result<Rights, FlowError> {
    let (user_id, role, publisher_id) = match holder {
        Holder::Nobody { role, publisher_id } => (None, role, publisher_id),
        Holder::User(id) => match users::lock(conn, tenant, id).await? {
            None => return Err(FlowError::field("userId", "there is no such user")),
            Some(user) if !user.active => {
                return Err(FlowError::field("userId", "this user was deactivated, which is final"));
            }
            Some(user) => (Some(id), user.fields.role, user.fields.publisher_id),
        },
    };
    check_publisher(conn, tenant, publisher_id).await?;
    Ok(Rights { user_id, role, publisher_id })
}

/// What the audit log shows of a token.
pub(super) fn logged(token: &Token) -> serde_json::Value {
    json!({
        "label": token.label,
        "userId": token.user_id,
        "scopes": token.scopes.iter().map(Scope::as_str).collect::<Vec<_>>(),
        "suspended": token.suspended_at.is_some(),
        "role": token.role.as_str(),
        "publisherId": token.publisher_id,
        "revoked": token.revoked_at.is_some(),
    })
}
