//! Who an API call acts for. Roles are checked at the door; every query below it is scoped by the tenant.

use serde::{Deserialize, Serialize};

use crate::ids::{PublisherId, TenantId, TokenId};

/// What a token may do within its tenant. Which calls take which roles is said once, by `http_kit::auth::Door`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything, also tokens and credentials.
    Owner,
    /// Offers, publishers, advertisers, conversions.
    Manager,
    /// Reads everything of the tenant.
    Analyst,
    /// A publisher's own user: reads what was shared with that publisher.
    Publisher,
}

impl Role {
    /// Each of them, in the order they are listed.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Manager, Self::Analyst, Self::Publisher];

    /// The word used in messages, tables and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Manager => "manager",
            Self::Analyst => "analyst",
            Self::Publisher => "publisher",
        }
    }

    /// Reads [`Role::as_str`] back.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// A part of its role's rights that a token can be held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Look at what the role may see.
    Read,
    /// Change what the role may change.
    Write,
    /// Tokens, users, credentials and the tenant itself, for an owner.
    Manage,
}

impl Scope {
    /// Each of them, in the order they are listed.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Manage];

    /// The word used in messages, tables and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Manage => "manage",
        }
    }

    /// Reads [`Scope::as_str`] back.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

/// What a token is for, within the rights of its role: a call needs both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scopes {
    read: bool,
    write: bool,
    manage: bool,
}

impl Scopes {
    /// Everything that the role may do: tokens without scopes.
    pub const FULL: Self = Self { read: true, write: true, manage: true };
    /// Nothing.
    pub const NONE: Self = Self { read: false, write: false, manage: false };

    /// Whether `scope` is among them.
    #[must_use]
    pub const fn hold(self, scope: Scope) -> bool {
        match scope {
            Scope::Read => self.read,
            Scope::Write => self.write,
            Scope::Manage => self.manage,
        }
    }

    /// These and `scope`.
    #[must_use]
    pub const fn and(self, scope: Scope) -> Self {
        match scope {
            Scope::Read => Self { read: true, ..self },
            Scope::Write => Self { write: true, ..self },
            Scope::Manage => Self { manage: true, ..self },
        }
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.hold(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        scopes.into_iter().fold(Self::NONE, Self::and)
    }
}

/// The authenticated caller of an API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Principal {
    /// The only tenant whose rows this call may see.
    pub tenant: TenantId,
    /// The token that was presented.
    pub token: TokenId,
    /// What the token may do.
    pub role: Role,
    /// Set for [`Role::Publisher`]: the only publisher whose rows this call may see.
    pub publisher: Option<PublisherId>,
    /// What the token is for, within the rights of its role.
    pub scopes: Scopes,
}
