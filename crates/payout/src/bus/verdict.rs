//! From the message to the domain's verdict. What is wrong with it is named by its field.

use contracts::{
    ContractError,
    attribution::{ConversionVerdict, JourneyClick, Verdict as Word},
    common::MoneyTerms,
    envelope::Envelope,
    read,
};
use kernel::{
    AdvertiserId, ClickId, ConversionId, Days, Micros, OfferEventId, OfferId, PublisherId, TenantId,
    Timestamp,
};
use terms::Reported;

use crate::{
    domain::{
        conversion::{Occasion, Reason, Subject, Verdict},
        standing,
    },
    flows::money_terms::money_terms,
};

/// Longest hold, in days.
const PENDING_DAYS_MAX: u32 = 365;

pub(super) fn read(item: &Envelope, message: &ConversionVerdict) -> Result<Verdict, ContractError> {
    let tenant = read::id(TenantId::from_slice, &message.tenant_id, "verdict.tenant_id")?;
    if read::tenant_id(item)? != tenant {
        return Err(read::field_error("verdict.tenant_id", "is not the envelope's tenant"));
    }
    let click: &JourneyClick = read::required(message.click.as_ref(), "verdict.click")?;
    let terms: &MoneyTerms = read::required(message.terms.as_ref(), "verdict.terms")?;
    let reported = message.reported.clone().unwrap_or_default();
    let reverses = terms.reverse_on_fraud;
    let word = match read::enumeration::<Word>(message.verdict, "verdict.verdict")? {
        _ if !message.reached => standing::Word::Unreached,
        Word::Qualified => standing::Word::Qualified,
        Word::OnReview => standing::Word::OnReview { reverses },
        Word::Vetoed => standing::Word::Vetoed { reverses },
        Word::Unspecified => return Err(read::field_error("verdict.verdict", "is unspecified")),
    };
    if message.revision == 0 {
        return Err(read::field_error("verdict.revision", "counts from 1, is 0"));
    }
    Ok(Verdict {
        subject: Subject {
            tenant,
            conversion: read::id(ConversionId::from_slice, &message.conversion_id, "verdict.conversion_id")?,
            click: read::id(ClickId::from_slice, &click.gk_click_id, "verdict.click.gk_click_id")?,
            advertiser: read::id(AdvertiserId::from_slice, &message.advertiser_id, "verdict.advertiser_id")?,
            publisher: read::id(PublisherId::from_slice, &message.publisher_id, "verdict.publisher_id")?,
            offer: read::id(OfferId::from_slice, &message.offer_id, "verdict.offer_id")?,
            offer_event: read::id(
                OfferEventId::from_slice,
                &message.offer_event_id,
                "verdict.offer_event_id",
            )?,
        },
        revision: message.revision,
        word,
        reason: Reason { code: message.code.clone(), text: message.reason.clone() },
        occasion: Occasion {
            event_id: message.event_id.clone(),
            occurrence: message.occurrence.clone(),
            received_at: read::time(message.received_at_micros),
        },
        number: message.sequence_number,
        decisions_heard: message.decisions_heard,
        pending: pending(terms)?,
        terms: money_terms(terms)?,
        reverses,
        reported: Reported {
            amount: read::optional_money(reported.amount.as_ref(), "verdict.reported.amount")?,
            usd: reported.usd_micros.map(Micros),
        },
        heard_until: heard_until(item, message),
    })
}

/// What attribution said it had read by then; and it can have read nothing later than when it said so.
fn heard_until(item: &Envelope, message: &ConversionVerdict) -> Timestamp {
    let said_at = read::time(item.recorded_at_micros);
    message.oldest_input_at_micros.map_or(said_at, |oldest| read::time(oldest).min(said_at))
}

fn pending(terms: &MoneyTerms) -> Result<Days, ContractError> {
    Some(terms.pending_days)
        .filter(|days| *days <= PENDING_DAYS_MAX)
        .and_then(|days| u16::try_from(days).ok())
        .map(Days)
        .ok_or_else(|| read::field_error("verdict.terms.pending_days", "must be 0..=365"))
}
