//! Users: who works for a tenant. A user has a role and holds API tokens, which have the user's rights; there are no passwords.

use kernel::{PublisherId, Role};
use serde::{Deserialize, Serialize};

/// What is entered about a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserFields {
    /// Shown to people.
    pub name: String,
    /// Where people reach them.
    pub email: Option<String>,
    /// What they may do.
    pub role: Role,
    /// Set exactly for [`Role::Publisher`].
    pub publisher_id: Option<PublisherId>,
}

/// Why a user can not become what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UserConflict {
    /// Nobody could manage the tenant any more.
    #[error("this is the last active owner of the tenant: make another user an owner first")]
    LastOwner,
    /// It is final.
    #[error("this user was deactivated, which is final: make a new user instead")]
    Deactivated,
}

impl UserConflict {
    /// Stable.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::LastOwner => "last_owner",
            Self::Deactivated => "user_deactivated",
        }
    }
}

/// Whether an active user of role `was` may get the role `becomes`, or none at all, while the tenant has `other_owners` that are
/// active.
///
/// # Errors
/// [`UserConflict::LastOwner`].
pub const fn may_become(was: Role, becomes: Option<Role>, other_owners: u64) -> Result<(), UserConflict> {
    let is_owner = matches!(was, Role::Owner);
    let stays_owner = matches!(becomes, Some(Role::Owner));
    if is_owner && !stays_owner && other_owners == 0 { Err(UserConflict::LastOwner) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Role::Owner, None, 0, false)]
    #[case(Role::Owner, Some(Role::Manager), 0, false)]
    #[case(Role::Owner, Some(Role::Owner), 0, true)]
    #[case(Role::Owner, None, 1, true)]
    #[case(Role::Owner, Some(Role::Analyst), 1, true)]
    #[case(Role::Manager, None, 0, true)]
    #[case(Role::Analyst, Some(Role::Owner), 0, true)]
    fn a_tenant_keeps_an_owner(
        #[case] was: Role,
        #[case] becomes: Option<Role>,
        #[case] other_owners: u64,
        #[case] allowed: bool,
    ) {
        assert_eq!(may_become(was, becomes, other_owners).is_ok(), allowed);
    }
}
