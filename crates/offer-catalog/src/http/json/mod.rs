//! The bodies of the API, with the published names. Requests hold their fields as they came and are read by
//! [`Reader`](super::reading::Reader); answers are written from the catalog's records.

mod advertiser;
mod audit;
mod creative;
mod credential;
mod difference;
mod event_body;
mod feed_parameters;
mod finding;
mod import;
mod lineage;
mod offer;
mod offer_body;
mod offer_event;
mod offer_parameters;
mod partner_offer;
mod partner_parameters;
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
    creative::UploadedCreativeJson,
    credential::{CredentialBody, CredentialJson, RevealedJson, RotateBody},
    difference::{DiffJson, PreviewJson},
    feed_parameters::FeedParameters,
    finding::{FindingJson, LintJson},
    import::{ImportBody, ImportJson, ImportResultJson},
    lineage::LineageJson,
    offer::{OfferFieldsJson, OfferJson, OfferSummaryJson, PauseBody, VersionJson},
    offer_body::OfferBody,
    offer_parameters::OfferParameters,
    partner_offer::{PartnerFeedJson, PartnerOfferJson},
    partner_parameters::PartnerParameters,
    postback::{
        EndpointJson, EndpointsJson, KeyedEndpointJson, NewPostbackBody, PostbackChangeBody, RotateSecretBody,
    },
    publisher::{CreatedPublisherJson, PublisherBody, PublisherChangeBody, PublisherJson},
    rates::{RatesBody, RatesJson},
    reference::{CategoriesJson, CategoryBody, ReferenceJson},
    scheduled_change::{ScheduledChangeBody, ScheduledChangeJson},
    share::{ShareBody, ShareWith, SharedJson},
    tenant::{CreatedTenantJson, TenantBody, TenantJson, TenantProfileBody},
    ticks::{CreateBody, read_ticks},
    token::{IssuedTokenJson, TokenBody, TokenJson},
    user::{UserBody, UserJson},
};

/// A part of a name that a list is searched for: a name is not longer.
const NAME_PART_CHARS_MAX: usize = 200;
