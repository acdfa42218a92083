//! The bodies of the API, with the published names. Requests hold their fields as they came and are read by
//! [`Reader`](super::reading::Reader); answers are written from the catalog's records.

mod advertiser;
mod audit;
mod credential;
mod difference;
mod event_body;
mod finding;
mod offer;
mod offer_body;
mod offer_event;
mod postback;
mod publisher;
mod rates;
mod reference;
mod scheduled_change;
mod share;
mod tenant;
mod terms;
mod ticks;
mod token;
mod user;

pub use self::{
    advertiser::{AdvertiserBody, AdvertiserJson},
    audit::AuditJson,
    credential::{CredentialBody, CredentialJson, RevealedJson, RotateBody},
    difference::{DiffJson, LintJson, PreviewJson},
    finding::FindingJson,
    offer::{OfferJson, OfferSummaryJson, PauseBody, VersionJson},
    offer_body::OfferBody,
    postback::{
        EndpointJson, EndpointsJson, KeyedEndpointJson, NewPostbackBody, PostbackChangeBody, RotateSecretBody,
    },
    publisher::{CreatedPublisherJson, PublisherBody, PublisherChangeBody, PublisherJson},
    rates::{RatesBody, RatesJson},
    reference::{CategoriesJson, CategoryBody, ReferenceJson},
    scheduled_change::{ScheduledChangeBody, ScheduledChangeJson},
    share::{LineageJson, ShareBody, ShareWith, SharedJson},
    tenant::{CreatedTenantJson, TenantBody, TenantJson, TenantProfileBody},
    ticks::CreateBody,
    token::{IssuedTokenJson, TokenBody, TokenJson},
    user::{UserBody, UserJson},
};
