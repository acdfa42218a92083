//! Taking one call: authenticate, scrub, make durable, answer. What it says is not looked at.

use std::{borrow::Cow, net::IpAddr, sync::Arc};

use bus::{Item, PublishError, Publisher, Route};
use contracts::{
    Stamp,
    ingest::{HttpMethod, PostbackReceived},
    seal_encoded,
};
use kernel::{Clock, FactId, IdSource, ReceiptId, Timestamp};
use postback_parser::scrub;
use signing::{
    Keyring,
    credential::{self, VerifiedCredential},
};
use telemetry::TraceContext;

use super::{Callers, Refusals, UsedCredentials, generation_set::GenerationSet};
use crate::domain::{Address, BaseDomain, CredentialParameters, app_id};

/// One call as the door saw it.
#[derive(Clone)]
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
    pub caller_ip: Option<IpAddr>,
    /// The caller's trace, or the one of the span that is recorded here; may be empty.
    pub trace: TraceContext,
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

/// A call that may be made durable.
struct Accepted {
    receipt: ReceiptId,
    received_at: Timestamp,
    credential: VerifiedCredential,
    item: Item,
}

impl Receiver {
    /// Takes a call and returns its receipt once `publish` says that a quorum queue, or this machine's spool, has it on
    /// disk.
    ///
    /// # Errors
    /// [`ReceiveError`].
    pub async fn receive(
        &self,
        call: Call<'_>,
        publish: impl AsyncFnOnce(&Route, Item) -> Result<(), PublishError>,
    ) -> Result<ReceiptId, ReceiveError> {
        let Accepted { receipt, received_at, credential, item } = self.accept(&call)?;
        let route = const { Route::of::<PostbackReceived>() };
        publish(&route, item).await.map_err(ReceiveError::NotDurable)?;
        self.used.note(&credential, app_id(call.query, form_of(&call)), received_at);
        fail::fail_point!("ingest::answered", |_action| std::process::abort());
        Ok(receipt)
    }

    /// Everything that needs no waiting: whose call it is, and the fact that it becomes.
    fn accept(&self, call: &Call<'_>) -> Result<Accepted, ReceiveError> {
        let received_at = self.clock.now();
        let parameters = CredentialParameters::read(call.query, form_of(call));
        let Some(credential) = self.authenticate(call, &parameters, received_at) else {
            self.refusals.note();
            return Err(ReceiveError::Refused);
        };
        fail::fail_point!("ingest::parsed", |_action| std::process::abort());

        let receipt = ReceiptId::from_uuid(self.ids.uuid_v7());
        let fact = PostbackReceived {
            tenant_id: credential.tenant_id.to_vec(),
            credential_id: credential.credential_id.to_vec(),
            credential_generation: u32::from(credential.generation),
            method: call.method.into(),
            query: without_secrets(scrub::query(call.query), call.segment, &parameters),
            content_type: call.content_type.map(String::from).unwrap_or_default(),
            body: without_secrets(scrub::body(call.content_type, call.body), call.segment, &parameters),
            caller_ip: call.caller_ip.map(|address| address.to_string()).unwrap_or_default(),
            caller_outside_ranges: self.callers.is_outside(call.caller_ip),
        };
        let stamp = stamp(receipt, credential, received_at, call.trace.clone());
        let item = Item::encoded(seal_encoded(&stamp, &fact));
        Ok(Accepted { receipt, received_at, credential, item })
    }

    fn authenticate(
        &self,
        call: &Call<'_>,
        parameters: &CredentialParameters,
        received_at: Timestamp,
    ) -> Option<VerifiedCredential> {
        let credential = self.verify(call, parameters)?;
        let generation = u32::from(credential.generation);
        self.generations.accept(credential.credential_id, generation, received_at).then_some(credential)
    }

    fn verify(&self, call: &Call<'_>, parameters: &CredentialParameters) -> Option<VerifiedCredential> {
        // A call without a usable address is verified all the same, against a domain that no tenant can have: it must
        // not be told apart by the work done.
        let domain = Address { host: call.host, parameter: parameters.domain() }
            .domain(&self.base_domain)
            .unwrap_or_default();
        credential::verify(&self.keyring, &domain, call.segment, parameters.signature()).ok()
    }
}

/// What scrubbing by names has left, without the values that opened the door, wherever else they stand: a caller may send
/// its whole postback URL as a parameter.
fn without_secrets(kept: Cow<'_, [u8]>, segment: &str, parameters: &CredentialParameters) -> Vec<u8> {
    let tokens = segment.split('/').map(str::as_bytes);
    scrub::secrets(kept, tokens.chain([parameters.signature().as_bytes()])).into_owned()
}

/// The receipt is also the fact's identity and, where no caller and no collector knows one, the trace's: one id leads
/// from the answer to everything that became of it.
fn stamp(
    receipt: ReceiptId,
    credential: VerifiedCredential,
    received_at: Timestamp,
    trace: TraceContext,
) -> Stamp {
    let trace_id = receipt.as_uuid().into_bytes();
    let [.., s0, s1, s2, s3, s4, s5, s6, s7] = trace_id;
    let trace = trace.or_unrecorded(trace_id, [s0, s1, s2, s3, s4, s5, s6, s7]);
    Stamp {
        fact_id: FactId::from_uuid(receipt.as_uuid()),
        tenant: Some(credential.tenant_id),
        recorded_at: received_at,
        traceparent: trace.traceparent,
        tracestate: trace.tracestate,
    }
}

/// The body, when it is a form.
fn form_of<'a>(call: &Call<'a>) -> Option<&'a [u8]> {
    call.content_type
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
        .then_some(call.body)
}
