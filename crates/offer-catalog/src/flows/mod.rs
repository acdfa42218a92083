//! What a caller can ask for, one file each: load → decide (in `domain`) → save, audit and tell, all in one transaction.

mod accept_warnings;
mod advertisers;
mod apply_scheduled;
mod audit_log;
mod broadcast;
mod budget_raises;
mod budgets;
mod catalog;
mod categories;
mod change_offer;
mod clone_offer;
mod conflicts;
mod create_offer;
mod creatives;
mod credential_uses;
mod credentials;
mod draft_offer;
mod error;
mod export_offers;
mod finish_import;
mod import_row;
mod lineage;
mod lint_offer;
mod move_offer;
mod offer_counts;
mod offers;
mod once;
mod partner_feed;
mod postbacks;
mod preview_change;
mod publishers;
mod receive_import;
mod references;
mod republish;
mod run_imports;
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
    accept_warnings::Conditions,
    budget_raises::CONSUMER as RAISES,
    budgets::CONSUMER as BUDGETS,
    catalog::{Catalog, CatalogParts},
    creatives::{CreativeView, Upload},
    credential_uses::{CONSUMER as CREDENTIAL_USES, CredentialView, UseError},
    credentials::Revealed,
    error::FlowError,
    export_offers::Exported,
    lineage::Lineage,
    offers::OfferView,
    once::{Answer, Once, OnceKey},
    partner_feed::{FeedPage, PartnerOfferView},
    postbacks::KeyedEndpoint,
    preview_change::Preview,
    publishers::CreatedPublisher,
    receive_import::{ImportView, NewRow, Received},
    schedule_change::{ChangeRequest, When, WhichEvent},
    tenants::CreatedTenant,
    token_uses::TokenUses,
    tokens::{Holder, IssuedToken, TokenRequest},
};
