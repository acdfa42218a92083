//! The bodies of the API, with the published names. Requests hold their fields as they came and are read by
//! [`Reader`](super::reading::Reader); answers are written from the catalog's records.

mod advertiser;
mod audit;
mod creative;
mod credential;
mod event_body;
mod finding;
mod offer;
mod offer_body;
mod offer_event;
mod publisher;
mod tenant;
mod terms;
mod token;

pub use self::{
    advertiser::{AdvertiserBody, AdvertiserJson},
    audit::AuditJson,
    creative::UploadedCreativeJson,
    credential::{CredentialBody, CredentialJson, RevealedJson, RotateBody},
    finding::FindingJson,
    offer::{OfferJson, OfferSummaryJson, PauseBody, ShareBody, VersionJson},
    offer_body::OfferBody,
    publisher::{CreatedPublisherJson, PublisherBody, PublisherJson},
    tenant::{CreatedTenantJson, TenantBody, TenantJson},
    token::{IssuedTokenJson, TokenBody, TokenJson},
};
