//! The bodies of the API, with the published names. Requests hold their fields as they came and are read by
//! [`Reader`](super::reading::Reader); answers are written from the catalog's records.

mod advertiser;
mod audit;
mod creative;
mod credential;
mod difference;
mod event_body;
mod finding;
mod lineage;
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
    creative::UploadedCreativeJson,
    credential::{CredentialBody, CredentialJson, RevealedJson, RotateBody},
    difference::{DiffJson, PreviewJson},
    finding::{FindingJson, LintJson},
    lineage::LineageJson,
    offer::{OfferJson, OfferSummaryJson, PauseBody, VersionJson},
    offer_body::OfferBody,
    publisher::{CreatedPublisherJson, PublisherBody, PublisherJson},
    scheduled_change::{ScheduledChangeBody, ScheduledChangeJson},
    share::{ShareBody, ShareWith, SharedJson},
    tenant::{CreatedTenantJson, TenantBody, TenantJson},
    ticks::CreateBody,
    token::{IssuedTokenJson, TokenBody, TokenJson},
};
