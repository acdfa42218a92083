//! `PostbackReceived` → a stamped, parsed postback.

use std::sync::Arc;

use contracts::{
    ContractError,
    envelope::Envelope,
    ingest::{HttpMethod, PostbackReceived},
    open, read,
};
use kernel::{ClickId, CredentialId, ReceiptId, TenantId};
use postback_parser::{Postback, Request};
use telemetry::TraceContext;

use crate::domain::{Claims, Settled, Stamped};

/// A postback as it arrived, parsed.
#[derive(Debug, Clone)]
pub struct Received {
    /// Whose.
    pub tenant: TenantId,
    /// Stamped, for the rules.
    pub stamped: Stamped,
    /// Parsed, whole.
    pub parsed: Postback,
    /// As ingest said it.
    pub raw: PostbackReceived,
    /// The trace of AppsFlyer's call.
    pub context: TraceContext,
}

impl Received {
    /// The journey it belongs to; none without a usable click id.
    #[must_use]
    pub fn journey(&self) -> Option<(TenantId, ClickId)> {
        Some((self.tenant, self.parsed.click.id()?))
    }

    /// The method's name.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self.raw.method() {
            HttpMethod::Post => "POST",
            HttpMethod::Get | HttpMethod::Unspecified => "GET",
        }
    }

    /// What was odd about it, as codes.
    #[must_use]
    pub fn notes(&self) -> String {
        let codes: Vec<&str> = self.parsed.notes.iter().map(postback_parser::Note::code).collect();
        codes.join(" ")
    }
}

/// Reads one item. Whatever AppsFlyer wrote is readable; only what ingest wrote can be wrong.
///
/// # Errors
/// [`ContractError`] naming the field.
pub fn received(item: &Envelope) -> Result<Received, ContractError> {
    let raw: PostbackReceived = open(item)?;
    let tenant = read::tenant_id(item)?;
    if read::id(TenantId::from_slice, &raw.tenant_id, "tenant_id")? != tenant {
        return Err(read::field_error("tenant_id", "must be the envelope's"));
    }
    let content_type = Some(raw.content_type.as_str()).filter(|text| !text.is_empty());
    let parsed = Postback::parse(&Request { query: &raw.query, content_type, body: &raw.body });
    let stamped = Stamped {
        receipt: ReceiptId::from_uuid(read::fact_id(item)?.as_uuid()),
        received_at: read::time(item.recorded_at_micros),
        credential: read::id(CredentialId::from_slice, &raw.credential_id, "credential_id")?,
        generation: raw.credential_generation,
        claims: Arc::new(Claims::of(&parsed)),
        settled: Settled::default(),
    };
    let context = TraceContext { traceparent: item.traceparent.clone(), tracestate: item.tracestate.clone() };
    Ok(Received { tenant, stamped, parsed, raw, context })
}
