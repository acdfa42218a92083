//! The authenticated caller as an argument of a handler.

use std::ops::Deref;

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use futures_util::future::LocalBoxFuture;
use kernel::{Principal, PublisherId, Role, Scope};
use tracing::Span;

use super::{header, token_auth::TokenAuth};
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
        self.require(self.role.may_write(), "an owner's or manager's")?;
        self.require_scope(Scope::Write)
    }

    /// The caller may read the whole tenant.
    ///
    /// # Errors
    /// 403 otherwise.
    pub fn require_read_tenant(&self) -> Result<(), Problem> {
        self.require(self.role.may_read_tenant(), "an owner's, manager's or analyst's")?;
        self.require_scope(Scope::Read)
    }

    /// The caller may manage users, tokens, credentials and the tenant.
    ///
    /// # Errors
    /// 403 otherwise.
    pub fn require_owner(&self) -> Result<(), Problem> {
        self.require(self.role == Role::Owner, "an owner's")?;
        self.require_scope(Scope::Manage)
    }

    /// The only publisher whose rows this reading call may see; `None` when it may see the whole tenant.
    ///
    /// # Errors
    /// 403 for a publisher's token that names no publisher, and for one without the scope `read`: it may see nothing.
    pub fn visible_publisher(&self) -> Result<Option<PublisherId>, Problem> {
        self.require_scope(Scope::Read)?;
        if self.role.may_read_tenant() {
            return Ok(None);
        }
        self.publisher.map(Some).ok_or_else(|| Problem::forbidden("this token belongs to no publisher"))
    }

    fn require_scope(&self, scope: Scope) -> Result<(), Problem> {
        if self.scopes.hold(scope) {
            return Ok(());
        }
        Err(Problem::forbidden(format!(
            "this takes a token with the scope `{}`, which yours is without",
            scope.as_str()
        )))
    }

    fn require(&self, allowed: bool, whose: &str) -> Result<(), Problem> {
        if allowed {
            return Ok(());
        }
        Err(Problem::forbidden(format!(
            "this takes {whose} token; yours is one of role {}",
            self.role.as_str()
        )))
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
    use kernel::{Scopes, TenantId, TokenId};
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
    fn each_role_passes_its_own_doors() {
        let doors = |role| {
            let caller = caller(role, None);
            (
                caller.require_owner().is_ok(),
                caller.require_write().is_ok(),
                caller.require_read_tenant().is_ok(),
            )
        };
        assert_eq!(doors(Role::Owner), (true, true, true));
        assert_eq!(doors(Role::Manager), (false, true, true));
        assert_eq!(doors(Role::Analyst), (false, false, true));
        assert_eq!(doors(Role::Publisher), (false, false, false));
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
        assert!(held_to(Role::Publisher, Scope::Write).visible_publisher().is_err());
    }

    #[test]
    fn a_publisher_sees_itself_only_and_without_one_nothing() {
        let own = PublisherId::from_uuid(Uuid::max());
        assert_eq!(caller(Role::Manager, None).visible_publisher().unwrap(), None);
        assert_eq!(caller(Role::Publisher, Some(own)).visible_publisher().unwrap(), Some(own));
        assert!(caller(Role::Publisher, None).visible_publisher().is_err());
    }
}
