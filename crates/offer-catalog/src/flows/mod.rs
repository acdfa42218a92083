//! What a caller can ask for, one file each: load → decide (in `domain`) → save, audit and tell, all in one transaction.

mod accept_warnings;
mod advertisers;
mod apply_scheduled;
mod audit_log;
mod broadcast;
mod catalog;
mod categories;
mod change_offer;
mod clone_offer;
mod create_offer;
mod credential_uses;
mod credentials;
mod draft_offer;
mod error;
mod lineage;
mod lint_offer;
mod move_offer;
mod offers;
mod once;
mod postbacks;
mod preview_change;
mod publishers;
mod republish;
mod schedule_change;
mod share_offer;
mod share_with_several;
mod tenants;
mod token_uses;
mod tokens;
mod users;
mod watch;
mod write;

pub use self::{
    catalog::{Catalog, CatalogParts},
    credential_uses::{CONSUMER as CREDENTIAL_USES, CredentialView, UseError},
    credentials::Revealed,
    error::FlowError,
    lineage::Lineage,
    offers::OfferView,
    once::{Answer, Once, OnceKey},
    postbacks::KeyedEndpoint,
    preview_change::Preview,
    publishers::CreatedPublisher,
    schedule_change::{ChangeRequest, When, WhichEvent},
    tenants::CreatedTenant,
    token_uses::TokenUses,
    tokens::{Holder, IssuedToken, TokenRequest},
};
