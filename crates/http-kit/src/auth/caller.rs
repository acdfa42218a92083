//! The authenticated caller as an argument of a handler.

use std::ops::Deref;

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use futures_util::future::LocalBoxFuture;
use kernel::{Principal, PublisherId};
use tracing::Span;

use super::{door::Door, header, token_auth::TokenAuth};
use crate::problem::Problem;

/// The caller, known by an API token. A handler that takes it cannot be reached without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller(pub Principal);

impl Deref for Caller {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.0
    }
}

impl Caller {
    /// The caller may change offers, partners and conversions of the tenant.
    ///
    /// # Errors
    /// 403 otherwise.
    pub fn require_write(&self) -> Result<(), Problem> {
        self.pass(Door::Write)
    }

    /// The caller may read the whole tenant.
    ///
    /// # Errors
    /// 403 otherwise.
    pub fn require_read_tenant(&self) -> Result<(), Problem> {
        self.pass(Door::Read)
    }

    /// The caller may manage users, tokens, credentials and the tenant.
    ///
    /// # Errors
    /// 403 otherwise.
    pub fn require_owner(&self) -> Result<(), Problem> {
        self.pass(Door::Manage)
    }

    /// The only publisher whose rows this reading call may see; `None` when it may see the whole tenant.
    ///
    /// # Errors
    /// 403 for a publisher's token that names no publisher, and for one without the scope `read`: it may see nothing.
    pub fn visible_publisher(&self) -> Result<Option<PublisherId>, Problem> {
        self.pass(Door::ReadOwn)?;
        if Door::Read.admits(self.role) { Ok(None) } else { self.own_publisher().map(Some) }
    }

    /// The publisher that calls for itself, where only publishers may.
    ///
    /// # Errors
    /// 403 for the tenant's own people, for a token without the scope `read` and for one that names no publisher.
    pub fn require_partner(&self) -> Result<PublisherId, Problem> {
        self.pass(Door::Partner)?;
        self.own_publisher()
    }

    fn own_publisher(&self) -> Result<PublisherId, Problem> {
        self.publisher.ok_or_else(|| Problem::forbidden("this token belongs to no publisher"))
    }

    fn pass(&self, door: Door) -> Result<(), Problem> {
        door.check(self.role, self.scopes)
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let auth = request
            .app_data::<web::Data<TokenAuth>>()
            .cloned()
            .ok_or_else(|| Problem::internal("the server was built without TokenAuth"));
        let hash = auth.and_then(|auth| {
            let hash = auth.hash(header::token(request.headers())?);
            Ok((auth, hash))
        });
        Box::pin(async move {
            let (auth, hash) = hash?;
            let principal = auth.verify(hash).await?;
            let span = Span::current();
            span.record("tenant.id", tracing::field::display(principal.tenant));
            span.record("token.id", tracing::field::display(principal.token));
            Ok(Self(principal))
        })
    }
}

#[cfg(test)]
mod tests {
    use kernel::{Role, Scope, Scopes, TenantId, TokenId};
    use uuid::Uuid;

    use super::*;

    fn caller(role: Role, publisher: Option<PublisherId>) -> Caller {
        Caller(Principal {
            tenant: TenantId::from_uuid(Uuid::nil()),
            token: TokenId::from_uuid(Uuid::nil()),
            role,
            publisher,
            scopes: Scopes::FULL,
        })
    }

    fn held_to(role: Role, scope: Scope) -> Caller {
        Caller(Principal { scopes: Scopes::NONE.and(scope), ..caller(role, None).0 })
    }

    #[test]
    fn a_scope_opens_one_door_of_those_that_its_role_opens() {
        let doors = |scope| {
            let caller = held_to(Role::Owner, scope);
            (
                caller.require_owner().is_ok(),
                caller.require_write().is_ok(),
                caller.require_read_tenant().is_ok() && caller.visible_publisher().is_ok(),
            )
        };
        assert_eq!(doors(Scope::Manage), (true, false, false));
        assert_eq!(doors(Scope::Write), (false, true, false));
        assert_eq!(doors(Scope::Read), (false, false, true));
        assert!(
            held_to(Role::Analyst, Scope::Write).require_write().is_err(),
            "a scope adds nothing to a role"
        );
        let own = Some(PublisherId::from_uuid(Uuid::max()));
        let writing = Caller(Principal { publisher: own, ..held_to(Role::Publisher, Scope::Write).0 });
        assert!(writing.visible_publisher().is_err() && writing.require_partner().is_err());
    }

    #[test]
    fn a_publisher_sees_itself_only_and_without_one_nothing() {
        let own = PublisherId::from_uuid(Uuid::max());
        assert_eq!(caller(Role::Manager, None).visible_publisher().unwrap(), None);
        assert_eq!(caller(Role::Publisher, Some(own)).visible_publisher().unwrap(), Some(own));
        assert!(caller(Role::Publisher, None).visible_publisher().is_err());
        assert_eq!(caller(Role::Publisher, Some(own)).require_partner().unwrap(), own);
        assert!(caller(Role::Publisher, None).require_partner().is_err());
        assert!(caller(Role::Manager, Some(own)).require_partner().is_err());
    }
}
