//! A conversion's verdict → the fact that tells of it. Always whole: the journey, the step, the money terms, what the
//! postback said; so payout may miss or reorder facts and still end right.

use contracts::Fact;
use contracts::{
    Stamp,
    attribution::{
        ConversionAmended, ConversionQualified, ConversionReviewRequested, ConversionVerdict,
        ConversionVetoed, JourneyClick, ReportedAmount, TrackingSystemValues, Verdict as VerdictCodeMessage,
    },
    envelope::Envelope,
    read, seal,
    tracker::ClickRecorded,
};
use kernel::{TenantId, Timestamp};

use super::offer::KnownOffer;
use crate::domain::{Claims, Conversion, ConversionChange, Verdict};

/// Everything a fact is made of.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// Whose.
    pub tenant: TenantId,
    /// The click as it came.
    pub click: &'a ClickRecorded,
    /// Its offer.
    pub offer: &'a KnownOffer,
    /// What the holder claims.
    pub holder: &'a Claims,
    /// The verdict.
    pub conversion: &'a Conversion,
    /// Its revision.
    pub revision: u64,
    /// When the oldest postback of the batch behind it was received; none: no postback is behind it.
    pub oldest_input_at: Option<Timestamp>,
    /// How many decisions of people on the click's conversions it was judged by.
    pub decisions_heard: usize,
}

/// The exchange, the routing key and the envelope of the fact that tells of a change.
#[must_use]
pub fn tell(
    change: ConversionChange,
    told: &Told<'_>,
    stamp: Stamp,
) -> (&'static str, &'static str, Envelope) {
    let verdict = Some(verdict(told));
    match change {
        ConversionChange::Qualified => sealed(stamp, &ConversionQualified { verdict }),
        ConversionChange::Amended => sealed(stamp, &ConversionAmended { verdict }),
        ConversionChange::Vetoed => sealed(stamp, &ConversionVetoed { verdict }),
        ConversionChange::ReviewRequested => sealed(stamp, &ConversionReviewRequested { verdict }),
    }
}

fn sealed<F: Fact>(stamp: Stamp, fact: &F) -> (&'static str, &'static str, Envelope) {
    (F::EXCHANGE, F::ROUTING_KEY, seal(stamp, fact))
}

fn verdict(told: &Told<'_>) -> ConversionVerdict {
    let Told { tenant, click, offer, holder, conversion, revision, oldest_input_at, decisions_heard } = *told;
    let verdict = match conversion.verdict {
        Verdict::Qualified => VerdictCodeMessage::Qualified,
        Verdict::OnReview => VerdictCodeMessage::OnReview,
        Verdict::Vetoed => VerdictCodeMessage::Vetoed,
    };
    ConversionVerdict {
        tenant_id: tenant.to_vec(),
        conversion_id: conversion.id.to_vec(),
        revision,
        verdict: verdict.into(),
        code: String::from(conversion.code.as_str()),
        reason: String::from(conversion.code.sentence()),
        click: Some(JourneyClick {
            gk_click_id: click.gk_click_id.clone(),
            clicked_at_micros: click.clicked_at_micros,
            link_id: click.link_id.clone(),
            publisher_parameters: click.publisher_parameters.clone(),
            visitor: click.visitor.clone(),
        }),
        advertiser_id: click.advertiser_id.clone(),
        publisher_id: click.publisher_id.clone(),
        offer_id: click.offer_id.clone(),
        offer_name: conversion.offer_name.clone(),
        terms_version: conversion.terms.version,
        offer_event_id: conversion.event.to_vec(),
        event_id: conversion.event_id.clone(),
        event_name: conversion.event_name.clone(),
        sequence_number: conversion.number,
        occurrence: conversion.occurrence.clone(),
        receipt: conversion.holder.to_vec(),
        received_at_micros: conversion.received_at.as_micros(),
        effective_at_micros: conversion.effective_at.as_micros(),
        event_time_micros: conversion.event_time.map(Timestamp::as_micros),
        reported: Some(ReportedAmount {
            amount: conversion.reported.money.map(read::to_money),
            usd_micros: conversion.reported.usd.map(|usd| usd.0),
            currency_assumed: conversion.reported.currency_assumed,
        }),
        terms: offer.money(conversion.event, conversion.terms).cloned(),
        flagged_fraud: conversion.flagged_fraud,
        reached: true,
        tracking_system: Some(tracking_system(conversion, holder)),
        oldest_input_at_micros: oldest_input_at.map(Timestamp::as_micros),
        decisions_heard: Some(u32::try_from(decisions_heard).unwrap_or(u32::MAX)),
    }
}

fn tracking_system(conversion: &Conversion, holder: &Claims) -> TrackingSystemValues {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    // A macro that nobody replaced may stand before the id that was meant.
    let named = holder.event_ids.iter().find(|event_id| !postback_parser::looks_absent(event_id));
    TrackingSystemValues {
        event_id: named.cloned().unwrap_or_else(|| conversion.event_id.clone()),
        event_name: text(&holder.event_name),
        conversion_id: text(&holder.conversion_id),
        amount: text(&holder.told.amount),
        ip_address: text(&holder.told.ip_address),
        email: text(&holder.told.email),
        user_id: text(&holder.told.user_id),
        subs: holder.told.subs.clone(),
        currency: text(&holder.told.currency),
        amount_usd: text(&holder.told.amount_usd),
    }
}
