//! What payout says to the other services.

use contracts::{Fact, Stamp, catalog, common::CurrencyRate, payout, read::to_money, seal};
use kernel::{Currency, FactId, IdSource, Micros, Money, TenantId, Timestamp, TokenId};
use postgres_kit::outbox::Outgoing;
use prost::Message as _;
use telemetry::TraceContext;
use terms::{AppliedRate, Breakdown};

use super::{decide::Asked, save::Changed};
use crate::{
    domain::{
        conversion::Conversion,
        limits::{BudgetState, Left, OfferKey, Raised, Raises},
        standing::{Actor, Decision, Status, Told},
    },
    store::{
        budget_raises::Made,
        deliveries::{End, Ended},
        offers::ToldBudget,
    },
};

/// The conversion as it stands; nothing while there is no conversion to speak of.
pub(super) fn status_changed(ids: &dyn IdSource, now: Timestamp, changed: &Changed<'_>) -> Option<Outgoing> {
    let Changed { change, trace, token } = changed;
    let conversion = &change.conversion;
    let subject = &conversion.subject;
    let told = status(conversion.standing.status.told()?);
    let money = |pick: fn(&Breakdown) -> Micros| {
        conversion.money.map(|money| to_money(Money::new(pick(&money), money.currency)))
    };
    let body = payout::ConversionStatusChanged {
        tenant_id: subject.tenant.to_vec(),
        conversion_id: subject.conversion.to_vec(),
        status_revision: conversion.status_revision,
        status: told.into(),
        on_review: conversion.standing.status == Status::OnReview,
        reason_code: conversion.reason.code.clone(),
        reason: conversion.reason.text.clone(),
        verdict_revision: conversion.verdict_revision,
        gk_click_id: subject.click.to_vec(),
        offer_id: subject.offer.to_vec(),
        offer_event_id: subject.offer_event.to_vec(),
        publisher_id: subject.publisher.to_vec(),
        advertiser_id: subject.advertiser.to_vec(),
        revenue: money(|money| money.revenue),
        payout: money(|money| money.payout),
        changed_at_micros: now.as_micros(),
        actor: actor(conversion.standing.by).into(),
        due_at_micros: conversion.released_by_time_at().map(Timestamp::as_micros),
        flagged: conversion.standing.status == Status::Flagged,
        reversed: conversion.standing.status == Status::Reversed,
        unpaid: conversion.counted.is_unpaid(),
        token_id: token.map(TokenId::to_vec),
        reward_points: conversion.money.map_or(0, |money| money.reward_points),
        event_id: conversion.occasion.event_id.clone(),
        occurrence: conversion.occasion.occurrence.clone(),
        received_at_micros: conversion.occasion.received_at.as_micros(),
        rate: conversion.money.and_then(|money| money.rate).map(rate),
    };
    Some(outgoing(ids, now, subject.tenant, Some(trace), &body))
}

/// How the telling of one status to one endpoint ended.
pub(super) fn delivery_outcome(
    ids: &dyn IdSource,
    now: Timestamp,
    trace: Option<&TraceContext>,
    ended: &Ended,
) -> Outgoing {
    let result = match ended.end {
        End::Delivered => payout::DeliveryResult::Delivered,
        End::Exhausted => payout::DeliveryResult::Exhausted,
        End::Superseded => payout::DeliveryResult::Superseded,
        End::Stopped => payout::DeliveryResult::Stopped,
    };
    let body = payout::DeliveryOutcome {
        tenant_id: ended.tenant.to_vec(),
        delivery_id: ended.id.to_vec(),
        conversion_id: ended.conversion.to_vec(),
        status_revision: ended.revision,
        endpoint_id: ended.endpoint.to_vec(),
        publisher_id: ended.publisher.to_vec(),
        result: result.into(),
        attempts: ended.attempts,
        last_http_status: ended.last_http_status.map(u32::from),
        ended_at_micros: now.as_micros(),
        version: ended.ends,
        stop_reason: String::from(stop_reason(ended)),
    };
    outgoing(ids, now, ended.tenant, trace, &body)
}

/// What a person decided on a conversion, for the journey it belongs to.
pub(super) fn decided_by_person(
    ids: &dyn IdSource,
    now: Timestamp,
    trace: &TraceContext,
    conversion: &Conversion,
    (decision, (token, reason)): (Decision, (TokenId, &str)),
) -> Outgoing {
    let decision = match decision {
        Decision::Approve => payout::PersonDecision::Approve,
        Decision::Reject => payout::PersonDecision::Reject,
        Decision::Restore => payout::PersonDecision::Restore,
        Decision::ClearReview => payout::PersonDecision::ClearReview,
    };
    let subject = &conversion.subject;
    let body = payout::ConversionDecidedByPerson {
        tenant_id: subject.tenant.to_vec(),
        conversion_id: subject.conversion.to_vec(),
        gk_click_id: subject.click.to_vec(),
        offer_event_id: subject.offer_event.to_vec(),
        occurrence: conversion.occasion.occurrence.clone(),
        decision: decision.into(),
        token_id: token.to_vec(),
        reason: String::from(reason),
    };
    outgoing(ids, now, subject.tenant, Some(trace), &body)
}

/// Whether an offer's budget lets clicks through, and what is left of it at this moment.
pub(super) fn budget_state_changed(
    ids: &dyn IdSource,
    now: Timestamp,
    (tenant, offer): OfferKey,
    currency: Currency,
    told: ToldBudget,
    left: &Left,
) -> Outgoing {
    let money = |micros: Option<Micros>| micros.map(|micros| to_money(Money::new(micros, currency)));
    let (state, resumes_at) = match told.state {
        BudgetState::Open => (payout::BudgetState::Open, None),
        BudgetState::Spent => (payout::BudgetState::Spent, None),
        BudgetState::SpentUntil(moment) => (payout::BudgetState::Spent, Some(moment)),
    };
    let body = payout::BudgetStateChanged {
        tenant_id: tenant.to_vec(),
        offer_id: offer.to_vec(),
        version: told.version,
        state: state.into(),
        left_total: money(left.total),
        left_today: money(left.today),
        resumes_at_micros: resumes_at.map(Timestamp::as_micros),
    };
    outgoing(ids, now, tenant, None, &body)
}

/// Budgets that a person raised, for the catalog to take over. Its trace is that of the person's call.
pub(super) fn budget_raised(ids: &dyn IdSource, now: Timestamp, made: &Made, asked: &Asked) -> Outgoing {
    let (tenant, offer) = made.offer;
    let money = |raised: Raised| Some(to_money(Money::new(raised.bound?, made.currency)));
    let number = |raised: Raised| raised.bound.map_or(0, |_bound| raised.number);
    let Raises { total, daily } = made.raises;
    let body = payout::BudgetRaised {
        tenant_id: tenant.to_vec(),
        offer_id: offer.to_vec(),
        number: made.number,
        total: money(total),
        total_number: number(total),
        daily: money(daily),
        daily_number: number(daily),
        conversion_id: asked.conversion.to_vec(),
        token_id: asked.token.to_vec(),
        reason: asked.reason.clone(),
        raised_at_micros: now.as_micros(),
    };
    outgoing(ids, now, tenant, Some(&TraceContext::current()), &body)
}

fn outgoing<F: Fact>(
    ids: &dyn IdSource,
    now: Timestamp,
    tenant: TenantId,
    trace: Option<&TraceContext>,
    body: &F,
) -> Outgoing {
    let fact_id = FactId::from_uuid(ids.uuid_v7());
    let trace = trace.cloned().unwrap_or_default();
    let stamp = Stamp {
        fact_id,
        tenant: Some(tenant),
        recorded_at: now,
        traceparent: trace.traceparent,
        tracestate: trace.tracestate,
    };
    Outgoing {
        fact_id,
        exchange: String::from(F::EXCHANGE),
        routing_key: String::from(F::ROUTING_KEY),
        envelope: seal(stamp, body).encode_to_vec(),
    }
}

fn rate(applied: AppliedRate) -> CurrencyRate {
    CurrencyRate { from: applied.from.to_string(), to: applied.to.to_string(), rate_e12: applied.rate.e12() }
}

/// The receiver said that it is gone, or the operator switched its endpoint off.
const fn stop_reason(ended: &Ended) -> &'static str {
    match (ended.end, ended.last_http_status) {
        (End::Stopped, Some(410)) => "410",
        (End::Stopped, _) => "operator",
        (End::Delivered | End::Exhausted | End::Superseded, _) => "",
    }
}

const fn status(told: Told) -> catalog::ConversionStatus {
    match told {
        Told::Pending => catalog::ConversionStatus::Pending,
        Told::Success => catalog::ConversionStatus::Success,
        Told::Rejected => catalog::ConversionStatus::Rejected,
    }
}

const fn actor(actor: Actor) -> payout::ActorKind {
    match actor {
        Actor::Time => payout::ActorKind::Time,
        Actor::Verdict => payout::ActorKind::Verdict,
        Actor::Person => payout::ActorKind::Person,
        Actor::Limit => payout::ActorKind::Limit,
    }
}
