//! The audit log.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{domain::audit::LoggedEntry, http::reading::moments::written};

/// Who did what to which thing.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditEntry)]
#[schema(example = json!({
    "entryId": "0193a1f0-0000-7000-8000-000000000011",
    "at": "2026-11-26T09:30:00Z",
    "tokenId": "0193a1f0-0000-7000-8000-00000000000b",
    "action": "advertiser.changed",
    "subject": "0193a1f0-0000-7000-8000-000000000001",
    "before": {"name": "Golfin", "reviewWindowDays": null},
    "after": {"name": "Golfin", "reviewWindowDays": 14}
}))]
pub struct AuditJson {
    /// Its id.
    entry_id: Uuid,
    /// When.
    at: String,
    /// The token that did it; null: the operator.
    token_id: Option<Uuid>,
    /// What was done.
    #[schema(example = "credential.revealed")]
    action: String,
    /// The id of the thing.
    subject: Uuid,
    /// Its state before, when it had one: an object, or a list such as that of rates.
    before: Option<Value>,
    /// Its state after, when it has one.
    after: Option<Value>,
}

impl From<LoggedEntry> for AuditJson {
    fn from(entry: LoggedEntry) -> Self {
        Self {
            entry_id: entry.entry_id,
            at: written(entry.at),
            token_id: entry.token_id.map(kernel::TokenId::as_uuid),
            action: entry.action,
            subject: entry.subject,
            before: entry.before,
            after: entry.after,
        }
    }
}
