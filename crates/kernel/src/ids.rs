//! One type per id. The registry below is the only place where an id kind is born.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text or byte string that is not the id it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}: expected a UUID (16 bytes, or 36 characters as 8-4-4-4-12)")]
pub struct IdError {
    /// The kind of id that was expected, for people.
    pub kind: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $kind:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that is known to be of this kind.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID inside, for SQL and text.
            #[must_use]
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }

            /// The 16 bytes, for messages.
            #[must_use]
            pub fn to_vec(self) -> Vec<u8> {
                self.0.as_bytes().to_vec()
            }

            /// Reads the 16 bytes of a message.
            ///
            /// # Errors
            /// [`IdError`] when there are not exactly 16.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, IdError> {
                Uuid::from_slice(bytes).map(Self).map_err(|_wrong_length| IdError { kind: $kind })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, out)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::try_parse(text.trim()).map(Self).map_err(|_not_a_uuid| IdError { kind: $kind })
            }
        }
    )+};
}

ids! {
    /// A customer of GoKart: one offer network with its own domain.
    TenantId, "tenant id";
    /// An API token's id (never the token itself).
    TokenId, "token id";
    /// A person, or a program, that holds API tokens of a tenant.
    UserId, "user id";
    /// A company whose app reports events through AppsFlyer.
    AdvertiserId, "advertiser id";
    /// A partner that sends users to offers and is paid for conversions.
    PublisherId, "publisher id";
    /// A postback credential; its generations are numbered.
    CredentialId, "credential id";
    /// An offer, whatever its version.
    OfferId, "offer id";
    /// The lasting id of one event of an offer: it survives renaming of the Event ID.
    OfferEventId, "offer event id";
    /// An uploaded picture.
    CreativeId, "creative id";
    /// A tracking link: an offer shared with a publisher.
    LinkId, "link id";
    /// An accepted inbound postback; also its inbox key.
    ReceiptId, "receipt";
    /// One occurrence of an offer event on a click: see [`ConversionId::derive`].
    ConversionId, "conversion id";
    /// One ledger transfer.
    TransferId, "transfer id";
    /// A publisher's postback endpoint.
    EndpointId, "endpoint id";
    /// One outbound delivery of one conversion status to one endpoint.
    DeliveryId, "delivery id";
    /// One published fact; the inbox key of its consumers.
    FactId, "fact id";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_from_its_text_and_its_bytes() {
        let id = OfferId::from_uuid(Uuid::from_u128(7));
        assert_eq!(id.to_string().parse::<OfferId>(), Ok(id));
        assert_eq!(OfferId::from_slice(&id.to_vec()), Ok(id));
    }

    #[test]
    fn a_wrong_id_says_what_was_expected() {
        let error = "abc".parse::<OfferId>().unwrap_err();
        assert!(error.to_string().contains("offer id"));
        assert_eq!(TenantId::from_slice(&[1, 2]), Err(IdError { kind: "tenant id" }));
    }
}
