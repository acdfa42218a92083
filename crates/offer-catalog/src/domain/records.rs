//! One of each thing as it stands: its ids, its revision (the version of its fact), and what the rules know about it.
#![expect(clippy::struct_field_names, reason = "the same word for an id from SQL to JSON")]

use kernel::{
    AdvertiserId, CredentialId, EndpointId, OfferId, PublisherId, Role, Scopes, TenantId, Timestamp, TokenId,
    UserId,
};

use super::{
    acceptance::Accepted,
    budget::Budget,
    credential::Generation,
    custom_header::CustomHeader,
    offer::OfferFields,
    partner::{AdvertiserFields, EndpointFields, EndpointScope, PublisherFields},
    rate::Rate,
    status::{DisplayStatus, OfferState},
    tenant::{TenantDomain, TenantProfile},
    user::UserFields,
};

/// Counts the changes of one aggregate, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision(pub u64);

impl Revision {
    /// Of something new.
    pub const FIRST: Self = Self(1);

    /// After one more change.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Tenant {
    /// Its id.
    pub tenant_id: TenantId,
    /// Its name in host names.
    pub domain: TenantDomain,
    /// What the operator or an owner stated.
    pub profile: TenantProfile,
    /// Its rate table.
    pub rates: Vec<Rate>,
    /// Changes so far.
    pub revision: Revision,
    /// When it came to be.
    pub created_at: Timestamp,
}

/// An API token, without the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Whose.
    pub tenant_id: TenantId,
    /// Its id.
    pub token_id: TokenId,
    /// What people call it.
    pub label: String,
    /// Its keyed hash.
    pub hash: [u8; 32],
    /// Who holds it; `None`: it stands alone, such as a program's.
    pub user_id: Option<UserId>,
    /// What it may do: its user's role.
    pub role: Role,
    /// Set exactly for [`Role::Publisher`].
    pub publisher_id: Option<PublisherId>,
    /// What it is for, within the rights of its role.
    pub scopes: Scopes,
    /// From when on it is void.
    pub expires_at: Option<Timestamp>,
    /// When it was taken back, for ever.
    pub revoked_at: Option<Timestamp>,
    /// Since when it is refused because its publisher is inactive.
    pub suspended_at: Option<Timestamp>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Changes so far.
    pub revision: Revision,
    /// When it was issued.
    pub created_at: Timestamp,
}

impl Token {
    /// Since when it opens nothing, for whatever reason but its expiry.
    #[must_use]
    pub fn closed_at(&self) -> Option<Timestamp> {
        self.revoked_at.or(self.suspended_at)
    }
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Of which tenant.
    pub tenant_id: TenantId,
    /// Their id.
    pub user_id: UserId,
    /// What was entered.
    pub fields: UserFields,
    /// Whether they take part; once not, never again.
    pub active: bool,
    /// Changes so far.
    pub revision: Revision,
    /// When they came to be.
    pub created_at: Timestamp,
}

/// An advertiser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advertiser {
    /// Whose.
    pub tenant_id: TenantId,
    /// Its id.
    pub advertiser_id: AdvertiserId,
    /// What a person entered.
    pub fields: AdvertiserFields,
    /// Whether it takes part.
    pub active: bool,
    /// Changes so far.
    pub revision: Revision,
    /// When it came to be.
    pub created_at: Timestamp,
}

/// Where a publisher is told. No `Serialize`: the audit log takes the fields alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Names it in deliveries.
    pub endpoint_id: EndpointId,
    /// What it hears of.
    pub scope: EndpointScope,
    /// As entered.
    pub fields: EndpointFields,
    /// The signing secret (`whsec_…`), sealed.
    pub sealed_secret: Vec<u8>,
    /// The one before, while it is good.
    pub old_secret: Option<OldSecret>,
    /// A header of the publisher's own.
    pub custom_header: Option<CustomHeader>,
    /// Whether it is told.
    pub active: bool,
}

/// A signing secret that was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldSecret {
    /// Sealed like the current one.
    pub sealed: Vec<u8>,
    /// The first moment at which it is no longer used.
    pub until: Timestamp,
}

/// A publisher with its endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    /// Whose.
    pub tenant_id: TenantId,
    /// Its id.
    pub publisher_id: PublisherId,
    /// What a person entered.
    pub fields: PublisherFields,
    /// Where it is told, the least specific first.
    pub endpoints: Vec<Endpoint>,
    /// Whether it takes part.
    pub active: bool,
    /// Changes so far.
    pub revision: Revision,
    /// When it came to be.
    pub created_at: Timestamp,
}

impl Publisher {
    /// Where it is told of everything that no other endpoint is for.
    #[must_use]
    pub fn global_endpoint(&self) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.scope == EndpointScope::Global)
    }
}

/// One generation with what its segment and signature are derived from again; they themselves are nowhere kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuedGeneration {
    /// Number and times.
    pub generation: Generation,
    /// The server key it was issued under.
    pub key_id: u8,
    /// Drawn when it was issued.
    pub nonce: [u8; 4],
}

/// A postback credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Whose.
    pub tenant_id: TenantId,
    /// Its id.
    pub credential_id: CredentialId,
    /// `None`: the tenant's global postback. Set: only this advertiser's offers can match.
    pub advertiser_id: Option<AdvertiserId>,
    /// Oldest first.
    pub generations: Vec<IssuedGeneration>,
    /// Changes so far.
    pub revision: Revision,
    /// When it came to be.
    pub created_at: Timestamp,
}

impl Credential {
    /// Numbers and times alone.
    #[must_use]
    pub fn plain_generations(&self) -> Vec<Generation> {
        self.generations.iter().map(|issued| issued.generation).collect()
    }

    /// The generation that is shown and pasted into AppsFlyer.
    #[must_use]
    pub fn current(&self) -> Option<&IssuedGeneration> {
        self.generations.iter().rfind(|issued| issued.generation.valid_until.is_none())
    }
}

/// An offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Whose.
    pub tenant_id: TenantId,
    /// Its id.
    pub offer_id: OfferId,
    /// What applies at once.
    pub state: OfferState,
    /// The draft, or the newest version's fields.
    pub fields: OfferFields,
    /// The warnings that somebody accepted.
    pub accepted: Accepted,
    /// What payout said of its budget last.
    pub budget: Budget,
    /// Changes so far.
    pub revision: Revision,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Offer {
    /// How people see it at `now`.
    #[must_use]
    pub fn display(&self, now: Timestamp) -> DisplayStatus {
        self.state.display(self.fields.launch_at, self.fields.end_at, self.budget, now)
    }
}

/// One immutable version of an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferVersion {
    /// Whose.
    pub tenant_id: TenantId,
    /// Of which offer.
    pub offer_id: OfferId,
    /// 1, 2, 3 …
    pub version: u32,
    /// Complete.
    pub fields: OfferFields,
    /// When it was saved.
    pub created_at: Timestamp,
}
