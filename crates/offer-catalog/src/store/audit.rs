//! The audit log: written in the transaction of what it tells.

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, QueryDsl, QueryResult, Queryable, Selectable, SelectableHelper};
use diesel_async::RunQueryDsl;
use kernel::{TenantId, TokenId};
use serde_json::Value;
use uuid::Uuid;

use super::{Conn, convert, schema::audit_log::dsl, slice};
use crate::domain::{
    audit::{Actor, AuditEntry, LoggedEntry},
    listing::{Slice, Sort, Window},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = super::schema::audit_log, check_for_backend(diesel::pg::Pg))]
struct Row {
    entry_id: Uuid,
    at: DateTime<Utc>,
    token_id: Option<Uuid>,
    action: String,
    subject: Uuid,
    before: Option<Value>,
    after: Option<Value>,
}

/// Adds an entry.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn insert(conn: &mut Conn, entry_id: Uuid, entry: &AuditEntry) -> QueryResult<()> {
    let token = match entry.actor {
        Actor::Operator => None,
        Actor::Token(token) => Some(token.as_uuid()),
    };
    diesel::insert_into(dsl::audit_log)
        .values((
            dsl::tenant_id.eq(entry.tenant.as_uuid()),
            dsl::entry_id.eq(entry_id),
            dsl::at.eq(convert::to_sql(entry.at)),
            dsl::token_id.eq(token),
            dsl::action.eq(entry.action.as_str()),
            dsl::subject.eq(entry.subject),
            dsl::before.eq(entry.before.as_ref()),
            dsl::after.eq(entry.after.as_ref()),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// A page of a tenant's log; of one thing when `subject` is given.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    subject: Option<Uuid>,
    sort: Sort,
    window: Window,
) -> QueryResult<Slice<LoggedEntry>> {
    let of_tenant = || {
        let query = dsl::audit_log.filter(dsl::tenant_id.eq(tenant.as_uuid())).into_boxed::<diesel::pg::Pg>();
        if let Some(subject) = subject { query.filter(dsl::subject.eq(subject)) } else { query }
    };
    // Ids begin with the time.
    let query = if sort.is_descending {
        of_tenant().order(dsl::entry_id.desc())
    } else {
        of_tenant().order(dsl::entry_id.asc())
    };
    let rows: Vec<Row> =
        query.select(Row::as_select()).offset(window.offset).limit(window.limit).load(conn).await?;
    let total = of_tenant().count().get_result(conn).await?;
    let items = rows
        .into_iter()
        .map(|row| LoggedEntry {
            entry_id: row.entry_id,
            at: convert::from_sql(row.at),
            token_id: row.token_id.map(TokenId::from_uuid),
            action: row.action,
            subject: row.subject,
            before: row.before,
            after: row.after,
        })
        .collect();
    Ok(slice(items, total))
}
