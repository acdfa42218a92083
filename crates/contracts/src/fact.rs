//! A fact is a message with an owner: its name, its exchange and its routing key are constants of its type.

use kernel::{FactId, TenantId, Timestamp};
use prost::Message;

use crate::{attribution, catalog, envelope::Envelope, ingest, payout, tracker};

/// The topic exchange of each owner, in the order of the pipeline.
pub const CONTEXT_EXCHANGES: [&str; 5] =
    ["catalog.events", "tracker.events", "ingest.events", "attribution.events", "payout.events"];

/// A message that is published as a fact.
pub trait Fact: Message + Default {
    /// Full protobuf name, the envelope's `fact`.
    const NAME: &'static str;
    /// The owner's topic exchange.
    const EXCHANGE: &'static str;
    /// Its routing key.
    const ROUTING_KEY: &'static str;
}

macro_rules! facts {
    ($($message:ty, $name:literal, $exchange:literal, $key:literal;)+) => {$(
        impl Fact for $message {
            const NAME: &'static str = $name;
            const EXCHANGE: &'static str = $exchange;
            const ROUTING_KEY: &'static str = $key;
        }
    )+

    /// Exchange and routing key of every fact there is.
    pub const ROUTES: &[(&str, &str)] = &[$(($exchange, $key)),+];

    /// Name of every fact there is, in the order of [`ROUTES`].
    pub const FACTS: &[&str] = &[$($name),+];
    };
}

facts! {
    catalog::TenantChanged, "gokart.catalog.v1.TenantChanged", "catalog.events", "tenant.changed.v1";
    catalog::ApiTokenChanged, "gokart.catalog.v1.ApiTokenChanged", "catalog.events", "token.changed.v1";
    catalog::CredentialChanged, "gokart.catalog.v1.CredentialChanged", "catalog.events", "credential.changed.v1";
    catalog::CredentialGenerations, "gokart.catalog.v1.CredentialGenerations", "catalog.events", "credential.generations.v1";
    catalog::AdvertiserChanged, "gokart.catalog.v1.AdvertiserChanged", "catalog.events", "advertiser.changed.v1";
    catalog::PublisherChanged, "gokart.catalog.v1.PublisherChanged", "catalog.events", "publisher.changed.v1";
    catalog::OfferVersionCreated, "gokart.catalog.v1.OfferVersionCreated", "catalog.events", "offer.version-created.v1";
    catalog::OfferChanged, "gokart.catalog.v1.OfferChanged", "catalog.events", "offer.changed.v1";
    tracker::ClickRecorded, "gokart.tracker.v1.ClickRecorded", "tracker.events", "click.recorded.v1";
    tracker::ClickRefused, "gokart.tracker.v1.ClickRefused", "tracker.events", "click.refused.v1";
    ingest::PostbackReceived, "gokart.ingest.v1.PostbackReceived", "ingest.events", "postback.received.v1";
    ingest::CredentialUsed, "gokart.ingest.v1.CredentialUsed", "ingest.events", "credential.used.v1";
    attribution::ConversionQualified, "gokart.attribution.v1.ConversionQualified", "attribution.events", "conversion.qualified.v1";
    attribution::ConversionAmended, "gokart.attribution.v1.ConversionAmended", "attribution.events", "conversion.amended.v1";
    attribution::ConversionVetoed, "gokart.attribution.v1.ConversionVetoed", "attribution.events", "conversion.vetoed.v1";
    attribution::ConversionReviewRequested, "gokart.attribution.v1.ConversionReviewRequested", "attribution.events", "conversion.review-requested.v1";
    attribution::PersonErased, "gokart.attribution.v1.PersonErased", "attribution.events", "person.erased.v1";
    attribution::AlarmRaised, "gokart.attribution.v1.AlarmRaised", "attribution.events", "alarm.raised.v1";
    attribution::AlarmCleared, "gokart.attribution.v1.AlarmCleared", "attribution.events", "alarm.cleared.v1";
    attribution::InputHeard, "gokart.attribution.v1.InputHeard", "attribution.events", "input.heard.v1";
    payout::ConversionStatusChanged, "gokart.payout.v1.ConversionStatusChanged", "payout.events", "conversion.status-changed.v1";
    payout::ConversionDecidedByPerson, "gokart.payout.v1.ConversionDecidedByPerson", "payout.events", "conversion.decided.v1";
    payout::BudgetStateChanged, "gokart.payout.v1.BudgetStateChanged", "payout.events", "budget.state-changed.v1";
    payout::BudgetRaised, "gokart.payout.v1.BudgetRaised", "payout.events", "budget.raised.v1";
    payout::DeliveryOutcome, "gokart.payout.v1.DeliveryOutcome", "payout.events", "delivery.outcome.v1";
}

/// A message that can not be taken at its word.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// The envelope holds another fact than the reader asked for.
    #[error("the envelope holds {found}, expected {expected}")]
    OtherFact {
        /// What was asked for.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// The body is not that message.
    #[error("the body of {fact} does not decode")]
    Decode {
        /// The fact's name.
        fact: &'static str,
        /// Why.
        #[source]
        source: prost::DecodeError,
    },
    /// A field is missing or holds what it may not.
    #[error("field {field}: {problem}")]
    Field {
        /// The field's path, such as `events[0].terms.money`.
        field: String,
        /// What is wrong and what would be right.
        problem: String,
    },
}

/// The stamps of a fact about to be published.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// Identity and inbox key.
    pub fact_id: FactId,
    /// The tenant it concerns; `None` only for facts about all tenants.
    pub tenant: Option<TenantId>,
    /// When it happened.
    pub recorded_at: Timestamp,
    /// W3C `traceparent` of its cause, or empty.
    pub traceparent: String,
    /// W3C `tracestate` of its cause, or empty.
    pub tracestate: String,
}

/// Puts a fact into its envelope.
#[must_use]
pub fn seal<F: Fact>(stamp: Stamp, body: &F) -> Envelope {
    Envelope {
        fact_id: stamp.fact_id.to_vec(),
        tenant_id: stamp.tenant.map(TenantId::to_vec).unwrap_or_default(),
        recorded_at_micros: stamp.recorded_at.as_micros(),
        traceparent: stamp.traceparent,
        tracestate: stamp.tracestate,
        fact: String::from(F::NAME),
        body: body.encode_to_vec().into(),
    }
}

/// The same as the bytes of that envelope, written once: for paths on which an envelope is made only to be encoded.
#[must_use]
pub fn seal_encoded<F: Fact>(stamp: &Stamp, body: &F) -> Vec<u8> {
    sealed::<F>(stamp, body.encoded_len(), |out| body.encode_raw(out))
}

/// The same for a body that is encoded already: for paths on which even the message would be made only to be encoded.
#[must_use]
pub fn seal_body<F: Fact>(stamp: &Stamp, body: &[u8]) -> Vec<u8> {
    sealed::<F>(stamp, body.len(), |out| out.extend_from_slice(body))
}

fn sealed<F: Fact>(stamp: &Stamp, body_len: usize, write_body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    use prost::encoding::{WireType, encode_key, encode_varint};

    /// A field of bytes or text, left out when it is empty, as proto3 has it.
    fn field(out: &mut Vec<u8>, number: u32, value: &[u8]) {
        if !value.is_empty() {
            encode_key(number, WireType::LengthDelimited, out);
            encode_varint(u64::try_from(value.len()).unwrap_or(u64::MAX), out);
            out.extend_from_slice(value);
        }
    }

    let tenant = stamp.tenant.map(|tenant| tenant.as_uuid().into_bytes());
    // Keys and lengths take less than ten bytes a field.
    let mut out = Vec::with_capacity(body_len.saturating_add(
        stamp.traceparent.len().saturating_add(stamp.tracestate.len()).saturating_add(F::NAME.len() + 128),
    ));
    field(&mut out, 1, stamp.fact_id.as_uuid().as_bytes());
    field(&mut out, 2, tenant.as_ref().map_or(&[][..], |tenant| tenant.as_slice()));
    if stamp.recorded_at.as_micros() != 0 {
        prost::encoding::int64::encode(3, &stamp.recorded_at.as_micros(), &mut out);
    }
    field(&mut out, 4, stamp.traceparent.as_bytes());
    field(&mut out, 5, stamp.tracestate.as_bytes());
    field(&mut out, 6, F::NAME.as_bytes());
    if body_len > 0 {
        encode_key(7, WireType::LengthDelimited, &mut out);
        encode_varint(u64::try_from(body_len).unwrap_or(u64::MAX), &mut out);
        write_body(&mut out);
    }
    out
}

/// Takes a fact out of its envelope.
///
/// # Errors
/// [`ContractError::OtherFact`] when the envelope names another message, [`ContractError::Decode`] when the body is not it.
pub fn open<F: Fact>(envelope: &Envelope) -> Result<F, ContractError> {
    if envelope.fact != F::NAME {
        return Err(ContractError::OtherFact { expected: F::NAME, found: envelope.fact.clone() });
    }
    F::decode(envelope.body.clone()).map_err(|source| ContractError::Decode { fact: F::NAME, source })
}
