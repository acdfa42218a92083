//! Scheduling a change of an event's revenue, payout or reward, looking at what is scheduled, and taking it back.

use std::collections::BTreeSet;

use chrono::{NaiveDateTime, SecondsFormat};
use kernel::{OfferEventId, OfferId, TenantId, Timestamp, TokenId};
use postgres_kit::{Retries, Snapshot, transact};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Answer, Catalog, FlowError, Once,
    catalog::tenant_of,
    offers::lock_offer,
    write::{Change, States},
};
use crate::{
    domain::{
        acceptance::judge,
        audit::{Actor, AuditAction},
        lint::{self, Code},
        listing::{Slice, Window},
        offer::OfferFields,
        records::Offer,
        schedule::{self, ChangeStatus, ScheduleConflict, ScheduledChange, Term},
    },
    store::{Conn, clock, offers, scheduled_changes},
};

/// From when on, as a person says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// With an offset: one moment.
    Moment(Timestamp),
    /// What the clocks of the tenant's time zone show.
    Local(NaiveDateTime),
}

/// Which event, as a person names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhichEvent {
    /// By its lasting id.
    Id(OfferEventId),
    /// By its Event ID of today.
    Named(String),
}

/// What is to change.
#[derive(Debug, Clone)]
pub struct ChangeRequest {
    /// Of which event.
    pub event: WhichEvent,
    /// What it will be.
    pub term: Term,
    /// From when on.
    pub when: When,
    /// Warnings that are meant.
    pub codes: BTreeSet<Code>,
}

impl Catalog {
    /// Schedules a change.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` for an event the offer does not have or a moment that can not be, `NotReady` and `NotAccepted` for
    /// what the linter would say then, `Conflict` when the offer is a draft or has ended, when too many are pending or one at
    /// that hour, or its key is in use, `KeyReused`, `Store`.
    pub async fn schedule_change(
        &self,
        tenant: TenantId,
        actor: TokenId,
        id: OfferId,
        request: ChangeRequest,
        once: &Once<ScheduledChange>,
    ) -> Result<Answer, FlowError> {
        let request = &request;
        transact(self.pool(), Retries::default(), async |conn| {
            if let Some(answer) = self.said_before(conn, once).await? {
                return Ok(answer);
            }
            let offer = lock_offer(conn, tenant, id, None).await?;
            offer.state.may_change_by_itself()?;
            let event = find_event(&offer, &request.event)?;
            let now = clock::now(conn).await?;
            let due_at = moment(conn, tenant, request.when).await?;
            let latest = clock::in_a_year(conn).await?;
            schedule::check_moment(due_at, now, latest).map_err(|detail| FlowError::field("at", detail))?;
            let pending = scheduled_changes::pending(conn, tenant, id).await?;
            let same = |other: &&ScheduledChange| {
                other.offer_event_id == event && other.term.field() == request.term.field()
            };
            let beside: Vec<Timestamp> = pending.iter().filter(same).map(|other| other.due_at).collect();
            schedule::check_beside(due_at, &beside)?;
            let change = ScheduledChange {
                tenant_id: tenant,
                change_id: self.ids().uuid_v7(),
                offer_id: id,
                offer_event_id: event,
                term: request.term,
                due_at,
                status: ChangeStatus::Pending,
                reason: None,
                version: None,
                scheduled_by: actor,
                created_at: now,
                settled_at: None,
            };
            let accepted = self.check_outcome(conn, &offer, &pending, &change, &request.codes).await?;
            scheduled_changes::insert(conn, &change).await?;
            let written = Change::new(self.ids(), tenant, Actor::Token(actor), now);
            let mut state = logged(&change);
            if let (Value::Object(state), false) = (&mut state, accepted.is_empty()) {
                state.insert(String::from("acceptedWarnings"), json!(accepted));
            }
            written
                .audit(conn, AuditAction::OfferChangeScheduled, id.as_uuid(), States::new(&state)?)
                .await?;
            self.say(conn, once, change).await
        })
        .await
    }

    /// A page of an offer's scheduled changes, the latest due first.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn scheduled_changes(
        &self,
        tenant: TenantId,
        id: OfferId,
        status: Option<ChangeStatus>,
        is_descending: bool,
        window: Window,
    ) -> Result<Slice<ScheduledChange>, FlowError> {
        transact(self.pool(), Snapshot, async |conn| {
            offers::find(conn, tenant, id).await?.ok_or(FlowError::NotFound("offer"))?;
            Ok(scheduled_changes::list(conn, tenant, id, status, is_descending, window).await?)
        })
        .await
    }

    /// Takes a pending change back. Taking it back again changes nothing.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` when it was applied or has failed, `Store`.
    pub async fn cancel_scheduled_change(
        &self,
        tenant: TenantId,
        actor: TokenId,
        id: OfferId,
        change: Uuid,
    ) -> Result<(), FlowError> {
        transact(self.pool(), Retries::default(), async |conn| {
            // The offer's lock: whoever applies has it too.
            lock_offer(conn, tenant, id, None).await?;
            let change = scheduled_changes::find(conn, tenant, id, change).await?;
            let change = change.ok_or(FlowError::NotFound("scheduled change"))?;
            match change.status {
                ChangeStatus::Cancelled => return Ok(()),
                ChangeStatus::Applied | ChangeStatus::Failed => {
                    return Err(ScheduleConflict::NotPending.into());
                }
                ChangeStatus::Pending => {}
            }
            let now = clock::now(conn).await?;
            let cancelled =
                ScheduledChange { status: ChangeStatus::Cancelled, settled_at: Some(now), ..change };
            scheduled_changes::settle(conn, &cancelled).await?;
            let written = Change::new(self.ids(), tenant, Actor::Token(actor), now);
            let states = States::new(&logged(&cancelled))?;
            written.audit(conn, AuditAction::OfferChangeCancelled, id.as_uuid(), states).await
        })
        .await
    }

    /// What the linter would say at that hour, if everything before it happens as planned and nobody edits the offer; returns
    /// the warnings that are accepted.
    async fn check_outcome(
        &self,
        conn: &mut Conn,
        offer: &Offer,
        pending: &[ScheduledChange],
        change: &ScheduledChange,
        codes: &BTreeSet<Code>,
    ) -> Result<Vec<lint::Finding>, FlowError> {
        let earlier = pending.iter().filter(|other| other.due_at <= change.due_at);
        let before: OfferFields = earlier.fold(offer.fields.clone(), |fields, other| {
            schedule::applied(&fields, other.offer_event_id, other.term).unwrap_or(fields)
        });
        let after =
            schedule::applied(&before, change.offer_event_id, change.term).unwrap_or_else(|| before.clone());
        let known = self.findings_of(conn, offer.tenant_id, Some(offer.offer_id), &before).await?;
        let findings = self.findings_of(conn, offer.tenant_id, Some(offer.offer_id), &after).await?;
        let judged = judge(&findings, &offer.accepted, &known, codes);
        let errors = lint::errors(findings);
        if !errors.is_empty() {
            return Err(FlowError::NotReady(errors));
        }
        if judged.open.is_empty() { Ok(judged.newly) } else { Err(FlowError::NotAccepted(judged.open)) }
    }
}

/// A change for the log.
pub(super) fn logged(change: &ScheduledChange) -> Value {
    json!({
        "changeId": change.change_id,
        "offerEventId": change.offer_event_id,
        "term": change.term,
        "dueAtMicros": change.due_at,
        "status": change.status.as_str(),
        "reason": change.reason,
        "version": change.version,
    })
}

fn find_event(offer: &Offer, which: &WhichEvent) -> Result<OfferEventId, FlowError> {
    let (field, found) = match which {
        WhichEvent::Id(id) => {
            ("offerEventId", offer.fields.events.iter().find(|event| event.offer_event_id == Some(*id)))
        }
        WhichEvent::Named(name) => {
            ("eventId", offer.fields.events.iter().find(|event| event.event_id == *name))
        }
    };
    found.and_then(|event| event.offer_event_id).ok_or_else(|| {
        let events: Vec<&str> = offer.fields.events.iter().map(|event| event.event_id.as_str()).collect();
        FlowError::field(field, format!("is not an event of this offer; it has {}", events.join(", ")))
    })
}

/// The one moment that is meant.
async fn moment(conn: &mut Conn, tenant: TenantId, when: When) -> Result<Timestamp, FlowError> {
    let local = match when {
        When::Moment(moment) => return Ok(moment),
        When::Local(local) => local,
    };
    let zone = tenant_of(conn, tenant).await?.profile.time_zone;
    let moments = clock::moments(conn, local, &zone).await?;
    let shown = local.format("%Y-%m-%dT%H:%M");
    match moments.as_slice() {
        [one] => Ok(*one),
        [] => Err(FlowError::field(
            "at",
            format!(
                "{shown} never comes in {zone}: clocks are put forward over it; choose another hour, or add an offset"
            ),
        )),
        [first, .., last] => Err(FlowError::field(
            "at",
            format!(
                "{shown} comes twice in {zone}: clocks are put back over it; say {} or {}",
                written(*first),
                written(*last)
            ),
        )),
    }
}

fn written(moment: Timestamp) -> String {
    chrono::DateTime::from_timestamp_micros(moment.as_micros())
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Secs, true)
}
