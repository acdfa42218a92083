//! The bodies of the API, with the published names. Requests hold their fields as they came and are read by
//! [`Reader`](super::reading::Reader); answers are written from the catalog's records.

mod advertiser;
mod audit;
mod credential;
mod difference;
mod event_body;
mod finding;
mod import;
mod offer;
mod offer_body;
mod offer_event;
mod publisher;
mod scheduled_change;
mod share;
mod tenant;
mod terms;
mod ticks;
mod token;

pub use self::{
    advertiser::{AdvertiserBody, AdvertiserJson},
    audit::AuditJson,
    credential::{CredentialBody, CredentialJson, RevealedJson, RotateBody},
    difference::{DiffJson, LintJson, PreviewJson},
    finding::FindingJson,
    import::{ImportBody, ImportJson, ImportResultJson},
    offer::{OfferFieldsJson, OfferJson, OfferSummaryJson, PauseBody, VersionJson},
    offer_body::OfferBody,
    publisher::{CreatedPublisherJson, PublisherBody, PublisherJson},
    scheduled_change::{ScheduledChangeBody, ScheduledChangeJson},
    share::{LineageJson, ShareBody, ShareWith, SharedJson},
    tenant::{CreatedTenantJson, TenantBody, TenantJson},
    ticks::{CreateBody, read_ticks},
    token::{IssuedTokenJson, TokenBody, TokenJson},
};
