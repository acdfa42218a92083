//! What payout says of conversions.

use contracts::{
    ContractError, Fact as _,
    catalog::ConversionStatus,
    envelope::Envelope,
    open,
    payout::{
        ConversionDecidedByPerson, ConversionStatusChanged, DeliveryOutcome, DeliveryResult,
        PersonDecision as Decided,
    },
    read,
};
use kernel::{
    ClickId, ConversionId, DeliveryId, EndpointId, OfferEventId, PublisherId, TenantId, Timestamp, TokenId,
};

use super::{stored_number, stored_version};
use crate::domain::{PersonAct, PersonDecision, parse_occurrence};

/// One fact of payout.
#[derive(Debug, Clone)]
pub enum OfPayout {
    /// A person decided on a conversion.
    Decided(DecidedByPerson),
    /// A conversion's status changed.
    Status(StatusOfConversion),
    /// The telling of a status ended.
    Delivery(EndOfDelivery),
}

/// A person's decision and who it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidedByPerson {
    /// Whose conversion.
    pub tenant: TenantId,
    /// The journey.
    pub click: ClickId,
    /// What the rules need of it.
    pub decision: PersonDecision,
    /// The person's token.
    pub token: Option<TokenId>,
    /// What the person wrote.
    pub reason: String,
}

/// A conversion as it stands with payout.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the fields of the fact")]
pub struct StatusOfConversion {
    /// Whose conversion.
    pub tenant: TenantId,
    /// The journey.
    pub click: ClickId,
    /// The conversion.
    pub conversion: ConversionId,
    /// Payout's own count, from 1.
    pub revision: i64,
    /// `pending`, `success` or `rejected`.
    pub status: &'static str,
    /// Pending, and not released by time.
    pub on_review: bool,
    /// Success, and fraud was reported after its release.
    pub flagged: bool,
    /// Rejected after it had been Success.
    pub reversed: bool,
    /// Accepted above a limit, without money.
    pub unpaid: bool,
    /// Payout's stable code, or empty.
    pub reason_code: String,
    /// Its sentence, or empty.
    pub reason: String,
    /// When it changed.
    pub changed_at: Timestamp,
}

/// How the telling of one status to one endpoint ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndOfDelivery {
    /// Whose conversion.
    pub tenant: TenantId,
    /// The conversion.
    pub conversion: ConversionId,
    /// The delivery.
    pub delivery: DeliveryId,
    /// Counts its ends, from 1.
    pub version: i64,
    /// The status that was told.
    pub status_revision: i64,
    /// To whom.
    pub endpoint: EndpointId,
    /// Whose endpoint.
    pub publisher: PublisherId,
    /// `delivered`, `exhausted`, `superseded` or `stopped`.
    pub result: &'static str,
    /// How often it was tried.
    pub attempts: i32,
    /// The last answer's status.
    pub last_http_status: Option<i32>,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Why it was stopped, or empty.
    pub stop_reason: String,
}

/// Reads one fact of payout; `None` for one that attribution does not follow.
///
/// # Errors
/// [`ContractError`] naming the field.
pub fn of_payout(item: &Envelope) -> Result<Option<OfPayout>, ContractError> {
    let read = match item.fact.as_str() {
        ConversionDecidedByPerson::NAME => OfPayout::Decided(decided(item)?),
        ConversionStatusChanged::NAME => OfPayout::Status(status(item)?),
        DeliveryOutcome::NAME => OfPayout::Delivery(delivery(item)?),
        other => {
            tracing::debug!(fact = other, "a fact of payout that attribution does not follow");
            return Ok(None);
        }
    };
    Ok(Some(read))
}

fn decided(item: &Envelope) -> Result<DecidedByPerson, ContractError> {
    let fact: ConversionDecidedByPerson = open(item)?;
    let tenant = tenant_of(item, &fact.tenant_id)?;
    let click = read::id(ClickId::from_slice, &fact.gk_click_id, "gk_click_id")?;
    let event = read::id(OfferEventId::from_slice, &fact.offer_event_id, "offer_event_id")?;
    let occurrence = parse_occurrence(&fact.occurrence).ok_or_else(|| {
        read::field_error("occurrence", "must be `once`, `id:<conversion id>` or `at:<milliseconds>`")
    })?;
    let conversion = read::id(ConversionId::from_slice, &fact.conversion_id, "conversion_id")?;
    if conversion != ConversionId::derive(tenant, click, event, &occurrence) {
        return Err(read::field_error(
            "conversion_id",
            "must be the one of its click, offer event and occurrence",
        ));
    }
    let act = match read::enumeration(fact.decision, "decision")? {
        Decided::Approve => PersonAct::Approve,
        Decided::Reject => PersonAct::Reject,
        Decided::Restore => PersonAct::Restore,
        Decided::ClearReview => PersonAct::ClearReview,
        Decided::Unspecified => return Err(read::field_error("decision", "is unspecified")),
    };
    let decided_at = read::time(item.recorded_at_micros);
    Ok(DecidedByPerson {
        tenant,
        click,
        decision: PersonDecision { event, occurrence, decided_at, id: read::fact_id(item)?, act },
        token: read::optional_id(
            TokenId::from_slice,
            Some(fact.token_id.as_slice()).filter(|id| !id.is_empty()),
            "token_id",
        )?,
        reason: fact.reason,
    })
}

fn status(item: &Envelope) -> Result<StatusOfConversion, ContractError> {
    let fact: ConversionStatusChanged = open(item)?;
    let status = match read::enumeration(fact.status, "status")? {
        ConversionStatus::Pending => "pending",
        ConversionStatus::Success => "success",
        ConversionStatus::Rejected => "rejected",
        ConversionStatus::Unspecified => return Err(read::field_error("status", "is unspecified")),
    };
    Ok(StatusOfConversion {
        tenant: tenant_of(item, &fact.tenant_id)?,
        click: read::id(ClickId::from_slice, &fact.gk_click_id, "gk_click_id")?,
        conversion: read::id(ConversionId::from_slice, &fact.conversion_id, "conversion_id")?,
        revision: counted(fact.status_revision, "status_revision")?,
        status,
        on_review: fact.on_review,
        flagged: fact.flagged,
        reversed: fact.reversed,
        unpaid: fact.unpaid,
        reason_code: fact.reason_code,
        reason: fact.reason,
        changed_at: read::time(fact.changed_at_micros),
    })
}

fn delivery(item: &Envelope) -> Result<EndOfDelivery, ContractError> {
    let fact: DeliveryOutcome = open(item)?;
    let result = match read::enumeration(fact.result, "result")? {
        DeliveryResult::Delivered => "delivered",
        DeliveryResult::Exhausted => "exhausted",
        DeliveryResult::Superseded => "superseded",
        DeliveryResult::Stopped => "stopped",
        DeliveryResult::Unspecified => return Err(read::field_error("result", "is unspecified")),
    };
    Ok(EndOfDelivery {
        tenant: tenant_of(item, &fact.tenant_id)?,
        conversion: read::id(ConversionId::from_slice, &fact.conversion_id, "conversion_id")?,
        delivery: read::id(DeliveryId::from_slice, &fact.delivery_id, "delivery_id")?,
        version: counted(fact.version, "version")?,
        status_revision: stored_version(fact.status_revision),
        endpoint: read::id(EndpointId::from_slice, &fact.endpoint_id, "endpoint_id")?,
        publisher: read::id(PublisherId::from_slice, &fact.publisher_id, "publisher_id")?,
        result,
        attempts: stored_number(fact.attempts, "attempts")?,
        last_http_status: fact
            .last_http_status
            .map(|status| stored_number(status, "last_http_status"))
            .transpose()?,
        ended_at: read::time(fact.ended_at_micros),
        stop_reason: fact.stop_reason,
    })
}

fn tenant_of(item: &Envelope, written: &[u8]) -> Result<TenantId, ContractError> {
    let tenant = read::tenant_id(item)?;
    if read::id(TenantId::from_slice, written, "tenant_id")? != tenant {
        return Err(read::field_error("tenant_id", "must be the envelope's"));
    }
    Ok(tenant)
}

/// A count from 1.
fn counted(count: u64, field: &str) -> Result<i64, ContractError> {
    if count == 0 {
        return Err(read::field_error(field, "counts from 1"));
    }
    Ok(stored_version(count))
}
