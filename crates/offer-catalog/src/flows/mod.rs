//! What a caller can ask for, one file each: load → decide (in `domain`) → save, audit and tell, all in one transaction.

mod advertisers;
mod audit_log;
mod broadcast;
mod catalog;
mod change_offer;
mod clone_offer;
mod create_offer;
mod creatives;
mod credential_uses;
mod credentials;
mod draft_offer;
mod error;
mod move_offer;
mod offers;
mod publishers;
mod references;
mod republish;
mod share_offer;
mod tenants;
mod tokens;
mod watch;
mod write;

pub use self::{
    catalog::{Catalog, CatalogParts},
    creatives::{CreativeView, Upload},
    credential_uses::{CONSUMER as CREDENTIAL_USES, CredentialView, UseError},
    credentials::Revealed,
    error::FlowError,
    offers::OfferView,
    publishers::CreatedPublisher,
    tenants::CreatedTenant,
    tokens::{IssuedToken, TokenRequest},
};
