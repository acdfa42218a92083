//! The doors of the API: which roles pass, and with which scope. One table for handlers, document and tests.

use kernel::{Role, Scope, Scopes};

use crate::problem::Problem;

/// A group of operations that the same callers may call.
///
/// A handler asks [`Caller`](super::Caller) for its door and names it in its description,
/// `security(("apiToken" = ["write"]))`; [`openapi::json`](crate::openapi::json) then writes out who that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    /// Users, tokens, credentials and the tenant itself.
    Manage,
    /// Offers, partners and conversions of the tenant.
    Write,
    /// Looking at the whole tenant.
    Read,
    /// Looking: the tenant's own people see all of it, a publisher's users what is theirs.
    ReadOwn,
    /// What is made for publishers alone, and shows one of them its own.
    Partner,
}

impl Door {
    /// Each of them.
    pub const ALL: [Self; 5] = [Self::Manage, Self::Write, Self::Read, Self::ReadOwn, Self::Partner];

    /// Its name in the document.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manage => "manage",
            Self::Write => "write",
            Self::Read => "read",
            Self::ReadOwn => "read-own",
            Self::Partner => "partner",
        }
    }

    /// Reads [`Door::as_str`] back.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|door| door.as_str() == name)
    }

    /// The roles that pass. A scope takes from them and adds nothing.
    #[must_use]
    pub const fn roles(self) -> &'static [Role] {
        match self {
            Self::Manage => &[Role::Owner],
            Self::Write => &[Role::Owner, Role::Manager],
            Self::Read => &[Role::Owner, Role::Manager, Role::Analyst],
            Self::ReadOwn => &[Role::Owner, Role::Manager, Role::Analyst, Role::Publisher],
            Self::Partner => &[Role::Publisher],
        }
    }

    /// The scope that a token must hold besides.
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            Self::Manage => Scope::Manage,
            Self::Write => Scope::Write,
            Self::Read | Self::ReadOwn | Self::Partner => Scope::Read,
        }
    }

    /// Whether a role passes.
    #[must_use]
    pub fn admits(self, role: Role) -> bool {
        self.roles().contains(&role)
    }

    /// Lets a token with this role and these scopes pass.
    ///
    /// # Errors
    /// 403 otherwise.
    pub(super) fn check(self, role: Role, scopes: Scopes) -> Result<(), Problem> {
        if !self.admits(role) {
            return Err(Problem::forbidden(format!(
                "this takes {} token; yours is one of role {}",
                self.whose(),
                role.as_str()
            )));
        }
        if !scopes.hold(self.scope()) {
            return Err(Problem::forbidden(format!(
                "this takes a token with the scope `{}`, which yours is without",
                self.scope().as_str()
            )));
        }
        Ok(())
    }

    /// What somebody who does not pass is answered, as an example: for a wrong role, or where every role passes, for a token
    /// that may do everything but this.
    pub(crate) fn refusal(self) -> Option<Problem> {
        let without = Scopes::FULL.iter().filter(|scope| *scope != self.scope()).collect();
        [Role::Analyst, Role::Publisher]
            .into_iter()
            .find_map(|role| self.check(role, Scopes::FULL).err())
            .or_else(|| self.check(Role::Owner, without).err())
    }

    /// Whose tokens pass, for a sentence: `this takes … token`.
    const fn whose(self) -> &'static str {
        match self {
            Self::Manage => "an owner's",
            Self::Write => "an owner's or manager's",
            Self::Read => "an owner's, manager's or analyst's",
            Self::ReadOwn => "a tenant's or publisher's",
            Self::Partner => "a publisher's",
        }
    }

    /// Who may call, for people who read the document.
    pub(crate) const fn sentence(self) -> &'static str {
        match self {
            Self::Manage => "For tokens of owners with the scope `manage`.",
            Self::Write => "For tokens of owners and managers with the scope `write`.",
            Self::Read => "For tokens of owners, managers and analysts with the scope `read`.",
            Self::ReadOwn => {
                "For tokens of every role with the scope `read`; a publisher's token sees its own publisher only."
            }
            Self::Partner => {
                "For tokens of publishers with the scope `read`: each sees what is shared with its own publisher."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_passes_its_own_doors() {
        let passes = |role| Door::ALL.map(|door| door.admits(role));
        assert_eq!(passes(Role::Owner), [true, true, true, true, false]);
        assert_eq!(passes(Role::Manager), [false, true, true, true, false]);
        assert_eq!(passes(Role::Analyst), [false, false, true, true, false]);
        assert_eq!(passes(Role::Publisher), [false, false, false, true, true]);
    }

    #[test]
    fn a_door_says_what_it_does() {
        for door in Door::ALL {
            assert_eq!(Door::parse(door.as_str()), Some(door));
            assert!(door.sentence().contains(&format!("`{}`", door.scope().as_str())), "{door:?}");
            for role in Role::ALL.into_iter().filter(|_role| door != Door::ReadOwn) {
                let named = door.sentence().contains(&format!("{}s", role.as_str()));
                assert_eq!(named, door.admits(role), "{door:?} {role:?}");
                assert_eq!(door.whose().contains(role.as_str()), door.admits(role), "{door:?} {role:?}");
            }
        }
        assert_eq!(Door::parse("everybody"), None);
    }
}
