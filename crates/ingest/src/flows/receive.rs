//! Taking one call: authenticate, scrub, make durable, answer. What it says is not looked at.

use std::sync::Arc;

use bus::{PublishError, Publisher, Route};
use contracts::{
    Stamp,
    ingest::{HttpMethod, PostbackReceived},
    seal,
};
use kernel::{Clock, FactId, IdSource, ReceiptId};
use postback_parser::scrub;
use signing::{
    Keyring,
    credential::{self, VerifiedCredential},
};
use telemetry::TraceContext;

use super::{Callers, Refusals, UsedCredentials, generation_set::GenerationSet};
use crate::domain::{Address, BaseDomain, CredentialParameters, app_id};

/// One call as the door saw it.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// GET or POST.
    pub method: HttpMethod,
    /// The `Host` header.
    pub host: Option<&'a str>,
    /// The path behind `/api/v1/`, undecoded: the security segment.
    pub segment: &'a str,
    /// The query, undecoded.
    pub query: &'a [u8],
    /// `Content-Type`, when there is a body.
    pub content_type: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
    /// Who called, as far as the network tells.
    pub caller_ip: &'a str,
}

/// Why a call was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// Segment, domain, signature or generation do not hold. Which of them is nobody's business.
    #[error("the credential is not valid")]
    Refused,
    /// It could not be made durable in time; nothing may be promised.
    #[error("making the postback durable")]
    NotDurable(#[source] PublishError),
}

/// Takes calls; one for each process.
#[derive(Clone)]
pub struct Receiver {
    /// Keys of the credentials' signatures.
    pub keyring: Arc<Keyring>,
    /// The installation's own domain.
    pub base_domain: BaseDomain,
    /// Which generations hold.
    pub generations: GenerationSet,
    /// Which of them are used.
    pub used: UsedCredentials,
    /// How many calls are refused.
    pub refusals: Refusals,
    /// Whether callers are AppsFlyer's.
    pub callers: Callers,
    /// The confirmed publisher.
    pub publisher: Publisher,
    /// The process's clock.
    pub clock: Arc<dyn Clock>,
    /// The process's ids.
    pub ids: Arc<dyn IdSource>,
}

impl Receiver {
    /// Takes a call and returns its receipt once a quorum queue has it on disk.
    ///
    /// # Errors
    /// [`ReceiveError`].
    pub async fn receive(&self, call: Call<'_>) -> Result<ReceiptId, ReceiveError> {
        let received_at = self.clock.now();
        let holds = |credential: &VerifiedCredential| {
            let generation = u32::from(credential.generation);
            self.generations.current().accept(credential.credential_id, generation, received_at)
        };
        let Some(credential) = self.verify(call).filter(holds) else {
            self.refusals.note();
            return Err(ReceiveError::Refused);
        };
        fail::fail_point!("ingest::parsed");

        let receipt = ReceiptId::from_uuid(self.ids.uuid_v7());
        let fact = PostbackReceived {
            tenant_id: credential.tenant_id.to_vec(),
            credential_id: credential.credential_id.to_vec(),
            credential_generation: u32::from(credential.generation),
            method: call.method.into(),
            query: scrub::query(call.query).into_owned(),
            content_type: call.content_type.map(String::from).unwrap_or_default(),
            body: scrub::body(call.content_type, call.body).into_owned(),
            caller_ip: String::from(call.caller_ip),
            caller_outside_ranges: self.callers.is_outside(call.caller_ip),
        };
        let trace = TraceContext::current();
        let stamp = Stamp {
            fact_id: FactId::from_uuid(receipt.as_uuid()),
            tenant: Some(credential.tenant_id),
            recorded_at: received_at,
            traceparent: trace.traceparent,
            tracestate: trace.tracestate,
        };
        let route = Route::of::<PostbackReceived>();
        self.publisher.publish(&route, seal(stamp, &fact)).await.map_err(ReceiveError::NotDurable)?;
        self.used.note(&credential, app_id(call.query, form_of(call)), received_at);
        Ok(receipt)
    }

    fn verify(&self, call: Call<'_>) -> Option<VerifiedCredential> {
        let parameters = CredentialParameters::read(call.query, form_of(call));
        // A call without a usable address is verified all the same, against a domain that no tenant can have: it must
        // not be told apart by the work done.
        let domain = Address { host: call.host, parameter: parameters.domain() }
            .domain(&self.base_domain)
            .unwrap_or_default();
        credential::verify(&self.keyring, &domain, call.segment, parameters.signature()).ok()
    }
}

/// The body, when it is a form.
fn form_of(call: Call<'_>) -> Option<&[u8]> {
    call.content_type
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
        .then_some(call.body)
}
