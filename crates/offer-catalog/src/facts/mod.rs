//! What the catalog tells the other services: one function a fact, from a record to its message, and the stamp that makes
//! it an outbox row. Pure but for the ids that the stamp draws.

mod credentials;
mod generations;
mod offers;
mod partners;
mod tenants;
mod tokens;

use contracts::{Fact, Stamp};
use kernel::{FactId, IdSource, TenantId, Timestamp};
use postgres_kit::outbox::Outgoing;
use prost::Message as _;
use telemetry::TraceContext;

pub use self::{
    credentials::credential_changed,
    generations::credential_generations,
    offers::{FactError, offer_changed, offer_version_created},
    partners::{advertiser_changed, publisher_changed},
    tenants::tenant_changed,
    tokens::api_token_changed,
};

/// Stamps the facts of one change of one tenant: all happened at one moment, for one cause.
pub struct Stamper<'a> {
    ids: &'a dyn IdSource,
    tenant: TenantId,
    at: Timestamp,
    trace: TraceContext,
}

impl<'a> Stamper<'a> {
    /// For a change of `tenant` at `at`, caused by the call in whose span this runs.
    #[must_use]
    pub fn new(ids: &'a dyn IdSource, tenant: TenantId, at: Timestamp) -> Self {
        Self { ids, tenant, at, trace: TraceContext::current() }
    }

    /// The outbox row of a fact.
    #[must_use]
    pub fn outgoing<F: Fact>(&self, fact: &F) -> Outgoing {
        let fact_id = FactId::from_uuid(self.ids.uuid_v7());
        let stamp = Stamp {
            fact_id,
            tenant: Some(self.tenant),
            recorded_at: self.at,
            traceparent: self.trace.traceparent.clone(),
            tracestate: self.trace.tracestate.clone(),
        };
        Outgoing {
            fact_id,
            exchange: String::from(F::EXCHANGE),
            routing_key: String::from(F::ROUTING_KEY),
            envelope: contracts::seal(stamp, fact).encode_to_vec(),
        }
    }
}
