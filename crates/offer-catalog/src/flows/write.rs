//! The last steps of every change: the audit log and the outbox, in the transaction of the change.

use kernel::{IdSource, TenantId, Timestamp};
use postgres_kit::outbox::{self, Outgoing};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::FlowError;
use crate::{
    domain::audit::{Actor, AuditAction, AuditEntry},
    facts::Stamper,
    store::{Conn, audit},
};

/// One change on its way into the database: who makes it, when, and for which tenant.
pub(super) struct Change<'a> {
    ids: &'a dyn IdSource,
    pub(super) tenant: TenantId,
    actor: Actor,
    pub(super) at: Timestamp,
}

impl<'a> Change<'a> {
    pub(super) const fn new(ids: &'a dyn IdSource, tenant: TenantId, actor: Actor, at: Timestamp) -> Self {
        Self { ids, tenant, actor, at }
    }

    /// Stamps the facts of this change.
    pub(super) fn stamper(&self) -> Stamper<'a> {
        Stamper::new(self.ids, self.tenant, self.at)
    }

    /// Writes the change into the log.
    pub(super) async fn audit(
        &self,
        conn: &mut Conn,
        action: AuditAction,
        subject: Uuid,
        states: States,
    ) -> Result<(), FlowError> {
        let entry = AuditEntry {
            tenant: self.tenant,
            at: self.at,
            actor: self.actor,
            action,
            subject,
            before: states.before,
            after: states.after,
        };
        audit::insert(conn, self.ids.uuid_v7(), &entry).await?;
        Ok(())
    }

    /// Hands facts to the outbox.
    pub(super) async fn tell(&self, conn: &mut Conn, facts: &[Outgoing]) -> Result<(), FlowError> {
        outbox::add(conn, facts).await?;
        Ok(())
    }
}

/// What a thing was and became, for the log.
#[derive(Default)]
pub(super) struct States {
    before: Option<Value>,
    after: Option<Value>,
}

impl States {
    pub(super) fn none() -> Self {
        Self::default()
    }

    pub(super) fn new(after: &impl Serialize) -> Result<Self, FlowError> {
        Ok(Self { before: None, after: Some(document(after)?) })
    }

    pub(super) fn changed(before: &impl Serialize, after: &impl Serialize) -> Result<Self, FlowError> {
        Ok(Self { before: Some(document(before)?), after: Some(document(after)?) })
    }
}

fn document(value: &impl Serialize) -> Result<Value, FlowError> {
    serde_json::to_value(value).map_err(|error| FlowError::Broken("a state can not be logged", error.into()))
}
