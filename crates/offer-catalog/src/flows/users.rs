//! Users: their role is that of every token they hold, so a change of it changes those too, in one transaction.

use kernel::{PublisherId, Role, TenantId, TokenId, UserId};
use postgres_kit::{Retries, Snapshot, outbox::Outgoing, transact};

use super::{
    Answer, Catalog, FlowError, Once,
    tenants::lock_tenant,
    tokens,
    write::{Change, States},
};
use crate::{
    domain::{
        audit::{Actor, AuditAction},
        listing::{Slice, Window},
        records::{Revision, Token, User},
        user::{self, UserConflict, UserFields},
    },
    facts::api_token_changed,
    store::{Conn, publishers, tokens as stored_tokens, users},
};

impl Catalog {
    /// Makes a user, who has no token yet.
    ///
    /// # Errors
    /// `Invalid` for an unknown publisher, `Conflict` and `KeyReused` when its key is in use or was used, `Store`.
    pub async fn create_user(
        &self,
        tenant: TenantId,
        actor: TokenId,
        fields: UserFields,
        once: &Once<User>,
    ) -> Result<Answer, FlowError> {
        let change = &Change::new(self.ids(), tenant, Actor::Token(actor), self.now());
        let user = &self.new_user(tenant, fields, change.at);
        transact(self.pool(), Retries::default(), async |conn| {
            if let Some(answer) = self.said_before(conn, once).await? {
                return Ok(answer);
            }
            check_publisher(conn, tenant, user.fields.publisher_id).await?;
            users::insert(conn, user).await?;
            let states = States::new(&user.fields)?;
            change.audit(conn, AuditAction::UserCreated, user.user_id.as_uuid(), states).await?;
            self.say(conn, once, user.clone()).await
        })
        .await
    }

    /// Replaces what is entered about a user. Saving what is there changes nothing.
    ///
    /// # Errors
    /// `NotFound`, `Stale`, `Invalid` for an unknown publisher, `Conflict` when nobody would be owner any more or the user was
    /// deactivated, `Store`.
    pub async fn change_user(
        &self,
        tenant: TenantId,
        actor: TokenId,
        id: UserId,
        fields: UserFields,
        expected: Option<Revision>,
    ) -> Result<User, FlowError> {
        let (change, fields) = (&Change::new(self.ids(), tenant, Actor::Token(actor), self.now()), &fields);
        transact(self.pool(), Retries::default(), async |conn| {
            let before = lock_user(conn, tenant, id, expected).await?;
            if before.fields == *fields {
                return Ok(before);
            }
            if !before.active {
                return Err(UserConflict::Deactivated.into());
            }
            may_become(conn, &before, Some(fields.role)).await?;
            check_publisher(conn, tenant, fields.publisher_id).await?;
            let revision = before.revision.next();
            let after = User { fields: fields.clone(), revision, ..before.clone() };
            users::save(conn, &after).await?;
            let states = States::changed(&before.fields, &after.fields)?;
            change.audit(conn, AuditAction::UserChanged, id.as_uuid(), states).await?;
            if (before.fields.role, before.fields.publisher_id) != (fields.role, fields.publisher_id) {
                let now_theirs = |token: Token| Token {
                    role: fields.role,
                    publisher_id: fields.publisher_id,
                    // The publisher of their new role takes part, or there is none.
                    suspended_at: None,
                    revision: token.revision.next(),
                    ..token
                };
                let held = stored_tokens::lock_of_user(conn, tenant, id).await?;
                change_tokens(conn, change, held, now_theirs).await?;
            }
            Ok(after)
        })
        .await
    }

    /// Takes a user's rights and revokes all their tokens, for ever. Doing it again changes nothing.
    ///
    /// # Errors
    /// `NotFound`, `Stale`, `Conflict` when nobody would be owner any more, `Store`.
    pub async fn deactivate_user(
        &self,
        tenant: TenantId,
        actor: TokenId,
        id: UserId,
        expected: Option<Revision>,
    ) -> Result<User, FlowError> {
        let change = &Change::new(self.ids(), tenant, Actor::Token(actor), self.now());
        transact(self.pool(), Retries::default(), async |conn| {
            let before = lock_user(conn, tenant, id, expected).await?;
            if !before.active {
                return Ok(before);
            }
            may_become(conn, &before, None).await?;
            let after = User { active: false, revision: before.revision.next(), ..before };
            users::save(conn, &after).await?;
            change
                .audit(conn, AuditAction::UserDeactivated, id.as_uuid(), States::new(&after.fields)?)
                .await?;
            let void = |token: Token| Token {
                revoked_at: token.revoked_at.or(Some(change.at)),
                revision: token.revision.next(),
                ..token
            };
            let held = stored_tokens::lock_of_user(conn, tenant, id).await?;
            change_tokens(conn, change, held, void).await?;
            Ok(after)
        })
        .await
    }

    /// One user.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn user(&self, tenant: TenantId, id: UserId) -> Result<User, FlowError> {
        transact(self.pool(), Retries::default(), async |conn| {
            users::find(conn, tenant, id).await?.ok_or(FlowError::NotFound("user"))
        })
        .await
    }

    /// A page of a tenant's users.
    ///
    /// # Errors
    /// `Store`.
    pub async fn list_users(&self, tenant: TenantId, window: Window) -> Result<Slice<User>, FlowError> {
        transact(self.pool(), Snapshot, async |conn| Ok(users::list(conn, tenant, window).await?)).await
    }

    pub(super) fn new_user(&self, tenant: TenantId, fields: UserFields, now: kernel::Timestamp) -> User {
        User {
            tenant_id: tenant,
            user_id: UserId::from_uuid(self.ids().uuid_v7()),
            fields,
            active: true,
            revision: Revision::FIRST,
            created_at: now,
        }
    }
}

/// A user for a change. The tenant first: of two owners who demote each other at once, the second is refused.
async fn lock_user(
    conn: &mut Conn,
    tenant: TenantId,
    id: UserId,
    expected: Option<Revision>,
) -> Result<User, FlowError> {
    lock_tenant(conn, tenant, None).await?;
    let user = users::lock(conn, tenant, id).await?.ok_or(FlowError::NotFound("user"))?;
    if expected.is_some_and(|expected| expected != user.revision) {
        return Err(FlowError::Stale);
    }
    Ok(user)
}

async fn may_become(conn: &mut Conn, user: &User, role: Option<Role>) -> Result<(), FlowError> {
    let others = users::other_owners(conn, user.tenant_id, user.user_id).await?;
    Ok(user::may_become(user.fields.role, role, others)?)
}

/// The publisher that a token or user is to see must be the tenant's, and take part.
pub(super) async fn check_publisher(
    conn: &mut Conn,
    tenant: TenantId,
    publisher: Option<PublisherId>,
) -> Result<(), FlowError> {
    let Some(publisher) = publisher else { return Ok(()) };
    match publishers::lock(conn, tenant, publisher).await? {
        None => Err(FlowError::field("publisherId", "there is no such publisher")),
        Some(publisher) if !publisher.active => {
            Err(FlowError::field("publisherId", "this publisher is inactive: make it active first"))
        }
        Some(_) => Ok(()),
    }
}

/// Changes those of these tokens that are not revoked, and tells every service.
pub(super) async fn change_tokens(
    conn: &mut Conn,
    change: &Change<'_>,
    held: Vec<Token>,
    changed: impl Fn(Token) -> Token,
) -> Result<(), FlowError> {
    let mut facts: Vec<Outgoing> = Vec::with_capacity(held.len());
    for before in held.into_iter().filter(|token| token.revoked_at.is_none()) {
        let after = changed(before.clone());
        stored_tokens::save(conn, &after).await?;
        let action =
            if after.revoked_at.is_some() { AuditAction::TokenRevoked } else { AuditAction::TokenChanged };
        let states = States::changed(&tokens::logged(&before), &tokens::logged(&after))?;
        change.audit(conn, action, after.token_id.as_uuid(), states).await?;
        facts.push(change.stamper().outgoing(&api_token_changed(&after)));
    }
    change.tell(conn, &facts).await
}
