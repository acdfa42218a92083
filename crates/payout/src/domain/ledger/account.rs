//! Accounts are named by what they are, so nobody looks one up to write a transfer.

use kernel::{AdvertiserId, Currency, PublisherId, TenantId};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// What an account counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountKind {
    /// What an advertiser owes.
    AdvertiserReceivable,
    /// What a publisher has earned.
    PublisherPayable,
    /// What stays with the tenant.
    Margin,
    /// What was paid: to publishers on its credit side, by advertisers on its debit side.
    Settled,
}

impl AccountKind {
    /// Every kind.
    pub const ALL: [Self; 4] =
        [Self::AdvertiserReceivable, Self::PublisherPayable, Self::Margin, Self::Settled];

    /// The word in tables and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::AdvertiserReceivable => "advertiser_receivable",
            Self::PublisherPayable => "publisher_payable",
            Self::Margin => "margin",
            Self::Settled => "settled",
        }
    }
}

/// The id of an account: computed from what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub Uuid);

/// An account of one tenant, one currency and, except for margin and settled, one party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    /// Whose books.
    pub tenant: TenantId,
    /// What it counts.
    pub kind: AccountKind,
    /// The advertiser or publisher; nil for the tenant's own.
    pub party: Uuid,
    /// In which currency.
    pub currency: Currency,
}

impl Account {
    /// What `advertiser` owes.
    #[must_use]
    pub const fn receivable(tenant: TenantId, currency: Currency, advertiser: AdvertiserId) -> Self {
        Self { tenant, kind: AccountKind::AdvertiserReceivable, party: advertiser.as_uuid(), currency }
    }

    /// What `publisher` has earned.
    #[must_use]
    pub const fn payable(tenant: TenantId, currency: Currency, publisher: PublisherId) -> Self {
        Self { tenant, kind: AccountKind::PublisherPayable, party: publisher.as_uuid(), currency }
    }

    /// What stays with the tenant.
    #[must_use]
    pub const fn margin(tenant: TenantId, currency: Currency) -> Self {
        Self { tenant, kind: AccountKind::Margin, party: Uuid::nil(), currency }
    }

    /// What was paid.
    #[must_use]
    pub const fn settled(tenant: TenantId, currency: Currency) -> Self {
        Self { tenant, kind: AccountKind::Settled, party: Uuid::nil(), currency }
    }

    /// The account's id: the same wherever it is computed.
    #[must_use]
    pub fn id(&self) -> AccountId {
        AccountId(derive(
            "gokart account 1",
            &[
                self.tenant.as_uuid().as_bytes(),
                self.kind.word().as_bytes(),
                self.party.as_bytes(),
                self.currency.code().as_bytes(),
            ],
        ))
    }
}

/// The first 128 bits of SHA-256 over a label and parts of known length, marked as `UUIDv8`.
pub(crate) fn derive(label: &str, parts: &[&[u8]]) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(label.as_bytes());
    for part in parts {
        hash.update(part);
    }
    let digest = hash.finalize();
    let mut bytes = [0_u8; 16];
    for (to, from) in bytes.iter_mut().zip(digest.iter()) {
        *to = *from;
    }
    uuid::Builder::from_bytes(bytes)
        .with_variant(uuid::Variant::RFC4122)
        .with_version(uuid::Version::Custom)
        .into_uuid()
}
