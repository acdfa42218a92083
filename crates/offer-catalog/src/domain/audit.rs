//! What the audit log says: who did what to which thing, with its state before and after. Never a secret.

use kernel::{TenantId, Timestamp, TokenId};
use serde_json::Value;
use uuid::Uuid;

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// Whoever holds the operator token of the installation.
    Operator,
    /// Whoever holds this API token.
    Token(TokenId),
}

/// What was done. The words are stored and shown; they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditAction {
    /// A tenant came to be.
    TenantCreated,
    /// What is stated of a tenant was changed.
    TenantChanged,
    /// A tenant's rate table was replaced.
    TenantRatesChanged,
    /// A user came to be.
    UserCreated,
    /// What is entered about a user was changed.
    UserChanged,
    /// A user takes no part any more.
    UserDeactivated,
    /// A token was issued.
    TokenIssued,
    /// A token got its user's new role, was suspended or opened again.
    TokenChanged,
    /// A token was revoked.
    TokenRevoked,
    /// An advertiser came to be.
    AdvertiserCreated,
    /// What is entered about an advertiser was changed.
    AdvertiserChanged,
    /// A category was agreed on.
    CategoryAdded,
    /// A publisher came to be.
    PublisherCreated,
    /// A publisher's name or status was changed.
    PublisherChanged,
    /// A publisher is told in one more place.
    PostbackAdded,
    /// How a publisher is told was changed.
    PostbackChanged,
    /// A publisher is told in one place less.
    PostbackRemoved,
    /// A publisher's signing secret was replaced.
    PostbackSecretRotated,
    /// A credential was issued.
    CredentialIssued,
    /// Somebody looked at a credential's signature.
    CredentialRevealed,
    /// A new generation.
    CredentialRotated,
    /// No generation works any more.
    CredentialRevoked,
    /// A picture was uploaded.
    CreativeUploaded,
    /// A draft was begun.
    OfferDrafted,
    /// A draft was saved.
    OfferDraftSaved,
    /// A draft became version 1.
    OfferCreated,
    /// A change became a version.
    OfferVersioned,
    /// An offer was copied.
    OfferCloned,
    /// Warnings of the linter were said to be meant.
    OfferWarningsAccepted,
    /// An offer was bound to its publisher.
    OfferShared,
    /// A change was planned.
    OfferChangeScheduled,
    /// A planned change was taken back.
    OfferChangeCancelled,
    /// A planned change happened.
    OfferChangeApplied,
    /// A planned change could not happen any more.
    OfferChangeFailed,
    /// New clicks were stopped.
    OfferPaused,
    /// It goes on.
    OfferResumed,
    /// It is over.
    OfferEnded,
    /// A budget was raised at payout, together with a decision on a conversion.
    OfferBudgetRaised,
    /// An import was worked off.
    OffersImported,
}

impl AuditAction {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TenantCreated => "tenant.created",
            Self::TenantChanged => "tenant.changed",
            Self::TenantRatesChanged => "tenant.rates-changed",
            Self::UserCreated => "user.created",
            Self::UserChanged => "user.changed",
            Self::UserDeactivated => "user.deactivated",
            Self::TokenChanged => "token.changed",
            Self::TokenIssued => "token.issued",
            Self::TokenRevoked => "token.revoked",
            Self::AdvertiserCreated => "advertiser.created",
            Self::AdvertiserChanged => "advertiser.changed",
            Self::CategoryAdded => "category.added",
            Self::PublisherCreated => "publisher.created",
            Self::PublisherChanged => "publisher.changed",
            Self::PostbackAdded => "publisher.postback-added",
            Self::PostbackChanged => "publisher.postback-changed",
            Self::PostbackRemoved => "publisher.postback-removed",
            Self::PostbackSecretRotated => "publisher.secret-rotated",
            Self::CredentialIssued => "credential.issued",
            Self::CredentialRevealed => "credential.revealed",
            Self::CredentialRotated => "credential.rotated",
            Self::CredentialRevoked => "credential.revoked",
            Self::CreativeUploaded => "creative.uploaded",
            Self::OfferDrafted => "offer.drafted",
            Self::OfferDraftSaved => "offer.draft-saved",
            Self::OfferCreated => "offer.created",
            Self::OfferVersioned => "offer.versioned",
            Self::OfferCloned => "offer.cloned",
            Self::OfferWarningsAccepted => "offer.warnings-accepted",
            Self::OfferShared => "offer.shared",
            Self::OfferChangeScheduled => "offer.change-scheduled",
            Self::OfferChangeCancelled => "offer.change-cancelled",
            Self::OfferChangeApplied => "offer.change-applied",
            Self::OfferChangeFailed => "offer.change-failed",
            Self::OfferPaused => "offer.paused",
            Self::OfferResumed => "offer.resumed",
            Self::OfferEnded => "offer.ended",
            Self::OfferBudgetRaised => "offer.budget-raised",
            Self::OffersImported => "offers.imported",
        }
    }
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Whose log.
    pub tenant: TenantId,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    pub action: AuditAction,
    /// To which thing.
    pub subject: Uuid,
    /// Its state before, when it had one.
    pub before: Option<Value>,
    /// Its state after, when it has one.
    pub after: Option<Value>,
}

/// An entry as it is read back: the word of its action is shown as it was stored, whatever release wrote it.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedEntry {
    /// Its id.
    pub entry_id: Uuid,
    /// When.
    pub at: Timestamp,
    /// Who; `None` is the operator.
    pub token_id: Option<TokenId>,
    /// What.
    pub action: String,
    /// To which thing.
    pub subject: Uuid,
    /// Its state before.
    pub before: Option<Value>,
    /// Its state after.
    pub after: Option<Value>,
}
