#![doc = include_str!("../README.md")]
#![deny(clippy::arithmetic_side_effects)]

mod click_id;
mod conversion_id;
mod ids;
mod money;
mod principal;
mod time;

pub use click_id::ClickId;
pub use conversion_id::Occurrence;
pub use ids::{
    AdvertiserId, ConversionId, CreativeId, CredentialId, DeliveryId, EndpointId, FactId, IdError, LinkId,
    OfferEventId, OfferId, PublisherId, ReceiptId, TenantId, TokenId, TransferId, UserId,
};
pub use money::{Bps, Currency, CurrencyError, Micros, Money};
pub use principal::{Principal, Role, Scope, Scopes};
pub use time::{Clock, Days, IdSource, TimeWindow, Timestamp};
