//! Who an API call acts for. Roles are checked at the door; every query below it is scoped by the tenant.

use serde::{Deserialize, Serialize};

use crate::ids::{PublisherId, TenantId, TokenId};

/// What a token may do within its tenant. Each role may do what the ones above it in this list may not take away:
/// see [`Role::may_write`].
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
    /// Whether this role may change the tenant's offers, partners and conversions.
    #[must_use]
    pub const fn may_write(self) -> bool {
        matches!(self, Self::Owner | Self::Manager)
    }

    /// Whether this role may read the whole tenant.
    #[must_use]
    pub const fn may_read_tenant(self) -> bool {
        matches!(self, Self::Owner | Self::Manager | Self::Analyst)
    }

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
        [Self::Owner, Self::Manager, Self::Analyst, Self::Publisher]
            .into_iter()
            .find(|role| role.as_str() == word)
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
}
