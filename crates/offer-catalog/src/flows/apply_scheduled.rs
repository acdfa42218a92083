//! Applying what is due: on time, once, whatever is killed and however many replicas look.
//!
//! A replica takes an offer that nobody else holds, looks again at what is due, and makes the version and the end of the
//! changes in one transaction. What is due at one hour becomes one version: a revenue and a payout that were raised together
//! never stand alone. The clock is the database's. What can not happen any more ends as Failed, with a reason, and is an
//! alarm: somebody counts on it.

use std::time::Duration;

use kernel::{OfferId, TenantId, TokenId};
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Gauge},
};
use postgres_kit::{Failure as _, Retries, sqlstate::Class, transact};
use process::Supervisor;
use serde_json::{Value, json};

use super::{
    Catalog, FlowError,
    schedule_change::logged,
    write::{Change, States},
};
use crate::{
    domain::{
        acceptance::judge,
        audit::{Actor, AuditAction},
        lint::{self, Finding},
        records::Offer,
        schedule::{self, ChangeStatus, ScheduledChange},
    },
    store::{Conn, clock, offers, scheduled_changes},
};

/// Offers of one look.
const OFFERS_MAX: i64 = 50;
/// The reason that is stored for a fault of ours.
const BROKEN: &str = "a fault of GoKart's: the log of offer-catalog says which; change the offer by hand";

struct Meters {
    settled: Counter<u64>,
    overdue: Gauge<i64>,
}

impl Meters {
    fn new() -> Self {
        let meter = telemetry::meter();
        Self {
            settled: meter
                .u64_counter("catalog.scheduled_changes")
                .with_description("Scheduled changes that came due, by outcome; one that failed is an alarm")
                .build(),
            overdue: meter
                .i64_gauge("catalog.scheduled_changes_overdue")
                .with_unit("s")
                .with_description("For how long the scheduled change that is the longest overdue has waited")
                .build(),
        }
    }

    fn failed(&self, changes: usize) {
        self.settled.add(u64::try_from(changes).unwrap_or(u64::MAX), &[KeyValue::new("outcome", "failed")]);
    }

    fn settled(&self, changes: &[ScheduledChange]) {
        for change in changes {
            if change.status == ChangeStatus::Applied {
                self.settled.add(1, &[KeyValue::new("outcome", "applied")]);
            } else {
                self.failed(1);
                tracing::error!(
                    tenant.id = %change.tenant_id,
                    offer.id = %change.offer_id,
                    change.id = %change.change_id,
                    reason = change.reason.as_deref().unwrap_or_default(),
                    "a scheduled change could not be applied"
                );
            }
        }
    }
}

impl Catalog {
    /// Keeps applying what is due until the service stops.
    pub fn keep_applying(&self, every: Duration, supervisor: &Supervisor) {
        let (catalog, stop) = (self.clone(), supervisor.soft());
        supervisor.spawn("scheduled-changes", async move {
            let meters = Meters::new();
            let mut is_failing = false;
            while !stop.is_cancelled() {
                match catalog.apply_due(&meters).await {
                    Ok(settled) => {
                        if std::mem::take(&mut is_failing) {
                            tracing::info!("scheduled changes are applied again");
                        }
                        // More may be due: of these offers, or of others.
                        if settled > 0 {
                            continue;
                        }
                    }
                    Err(error) if is_failing => {
                        tracing::debug!(
                            error = telemetry::chain(&error),
                            "scheduled changes are still not applied"
                        );
                    }
                    Err(error) => {
                        is_failing = true;
                        tracing::warn!(
                            error = telemetry::chain(&error),
                            "scheduled changes can not be applied; trying again"
                        );
                    }
                }
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(every) => {}
                }
            }
        });
    }

    /// Applies, of each of some offers, what is the longest due; answers how many changes came to their end.
    async fn apply_due(&self, meters: &Meters) -> Result<usize, FlowError> {
        let (overdue, offers) = transact(self.pool(), Retries::default(), async |conn| {
            let overdue = scheduled_changes::overdue_seconds(conn).await?;
            Ok::<_, FlowError>((overdue, scheduled_changes::due_offers(conn, OFFERS_MAX).await?))
        })
        .await?;
        meters.overdue.record(overdue, &[]);
        let mut count = 0_usize;
        for (tenant, offer) in offers {
            let settled = match self.apply_due_of(tenant, offer).await {
                Ok(settled) => {
                    meters.settled(&settled);
                    settled.len()
                }
                Err(error) if is_over_by_itself(&error) => return Err(error),
                Err(error) => {
                    tracing::error!(
                        tenant.id = %tenant, offer.id = %offer, error = telemetry::chain(&error),
                        "a scheduled change could not be applied: it is given up"
                    );
                    let given_up = self.give_up(tenant, offer).await?;
                    meters.failed(given_up);
                    given_up
                }
            };
            count = count.saturating_add(settled);
        }
        Ok(count)
    }

    /// The changes that came to their end; none when somebody else holds the offer.
    async fn apply_due_of(&self, tenant: TenantId, id: OfferId) -> Result<Vec<ScheduledChange>, FlowError> {
        transact(self.pool(), Retries::default(), async |conn| {
            let Some((before, due)) = claim(conn, tenant, id).await? else { return Ok(Vec::new()) };
            let now = clock::now(conn).await?;
            let settled = self.settled(conn, &before, due).await?;
            let Settled { after, mut changes, warnings } = settled;
            if let Some(mut after) = after {
                after.updated_at = now;
                let scheduler = changes.iter().find(|change| change.status == ChangeStatus::Applied);
                let actor = scheduler.map_or(Actor::Operator, |change| Actor::Token(change.scheduled_by));
                let written = Change::new(self.ids(), tenant, actor, now);
                self.write_version(conn, &written, &before, &mut after).await?;
                for change in &mut changes {
                    change.version = change.version.map(|_of_before| after.state.newest_version);
                }
            }
            for change in &mut changes {
                change.settled_at = Some(now);
                self.end(conn, change, &warnings).await?;
            }
            Ok(changes)
        })
        .await
    }

    /// What becomes of an offer and of the changes that are due at one hour.
    async fn settled(
        &self,
        conn: &mut Conn,
        before: &Offer,
        due: Vec<ScheduledChange>,
    ) -> Result<Settled, FlowError> {
        if let Err(conflict) = before.state.may_change_by_itself() {
            let changes = due.into_iter().map(|change| failed(change, conflict.to_string())).collect();
            return Ok(Settled { after: None, changes, warnings: Vec::new() });
        }
        let mut after = before.clone();
        let mut changes = Vec::with_capacity(due.len());
        for change in due {
            if let Some(fields) = schedule::applied(&after.fields, change.offer_event_id, change.term) {
                after.fields = fields;
                let version = Some(before.state.newest_version);
                changes.push(ScheduledChange { status: ChangeStatus::Applied, version, ..change });
            } else {
                changes.push(failed(change, String::from("the offer does not have this event any more")));
            }
        }
        if after.fields == before.fields {
            return Ok(Settled { after: None, changes, warnings: Vec::new() });
        }
        let findings = self.findings(conn, &after).await?;
        let judged = judge(&findings, &before.accepted, &[], &[].into());
        let errors = lint::errors(findings);
        if !errors.is_empty() {
            let said: Vec<String> = errors
                .iter()
                .map(|error| format!("{} {}: {}", error.code.as_str(), error.field, error.detail))
                .collect();
            let reason = format!("the linter stops it: {}", said.join("; "));
            let fail = |change: ScheduledChange| {
                if change.status == ChangeStatus::Applied { failed(change, reason.clone()) } else { change }
            };
            let changes = changes.into_iter().map(fail).collect();
            return Ok(Settled { after: None, changes, warnings: Vec::new() });
        }
        // Nobody is there to be asked; the log says what nobody has accepted.
        after.accepted = judged.accepted;
        after.revision = before.revision.next();
        Ok(Settled { after: Some(after), changes, warnings: judged.open })
    }

    /// Ends what is the longest due as Failed: tried for ever, it would hold back what is due after it. Answers how many.
    async fn give_up(&self, tenant: TenantId, id: OfferId) -> Result<usize, FlowError> {
        transact(self.pool(), Retries::default(), async |conn| {
            let given_up = scheduled_changes::give_up(conn, tenant, id, BROKEN).await?;
            let now = clock::now(conn).await?;
            for change in &given_up {
                let actor = Actor::Token(TokenId::from_uuid(change.scheduled_by));
                let written = Change::new(self.ids(), tenant, actor, now);
                let states = States::new(&json!({ "changeId": change.change_id, "reason": BROKEN }))?;
                written.audit(conn, AuditAction::OfferChangeFailed, id.as_uuid(), states).await?;
            }
            Ok::<_, FlowError>(given_up.len())
        })
        .await
    }

    async fn end(
        &self,
        conn: &mut Conn,
        change: &ScheduledChange,
        warnings: &[Finding],
    ) -> Result<(), FlowError> {
        scheduled_changes::settle(conn, change).await?;
        let at = change.settled_at.unwrap_or(change.due_at);
        let written = Change::new(self.ids(), change.tenant_id, Actor::Token(change.scheduled_by), at);
        let mut state = logged(change);
        let action = if change.status == ChangeStatus::Applied {
            if let (Value::Object(state), false) = (&mut state, warnings.is_empty()) {
                state.insert(String::from("warnings"), json!(warnings));
            }
            AuditAction::OfferChangeApplied
        } else {
            AuditAction::OfferChangeFailed
        };
        written.audit(conn, action, change.offer_id.as_uuid(), States::new(&state)?).await
    }
}

/// What becomes of an offer and its due changes.
struct Settled {
    /// The offer, when a version is to be made.
    after: Option<Offer>,
    /// Applied (with the version it was before, until there is a new one) and failed.
    changes: Vec<ScheduledChange>,
    /// What nobody has accepted.
    warnings: Vec<Finding>,
}

/// Locks an offer, unless somebody holds it, and takes what is due at its earliest hour.
async fn claim(
    conn: &mut Conn,
    tenant: TenantId,
    id: OfferId,
) -> Result<Option<(Offer, Vec<ScheduledChange>)>, FlowError> {
    let Some(offer) = offers::lock_free(conn, tenant, id).await? else { return Ok(None) };
    // Another replica may have been here between the look and the lock.
    let mut due = scheduled_changes::due(conn, tenant, id).await?;
    let Some(first) = due.first().map(|change| change.due_at) else { return Ok(None) };
    due.retain(|change| change.due_at == first);
    Ok(Some((offer, due)))
}

fn failed(change: ScheduledChange, reason: String) -> ScheduledChange {
    ScheduledChange { status: ChangeStatus::Failed, reason: Some(reason), version: None, ..change }
}

/// The database is away or a race was lost: later it goes.
fn is_over_by_itself(error: &FlowError) -> bool {
    error.database().is_some_and(|failure| failure.class() != Class::Bug)
}
