//! When tokens were used last: many at once, and never a write a call.

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, sql_query,
    sql_types::{Array, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{TenantId, Timestamp, TokenId};
use uuid::Uuid;

use super::{Conn, convert};

/// A token that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenUse {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub token: TokenId,
    /// When last.
    pub at: Timestamp,
}

/// Writes uses that are later than what is there. Not scoped by one tenant: each use names its own.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn save(conn: &mut Conn, uses: &[TokenUse]) -> QueryResult<()> {
    let tenants: Vec<Uuid> = uses.iter().map(|used| used.tenant.as_uuid()).collect();
    let tokens: Vec<Uuid> = uses.iter().map(|used| used.token.as_uuid()).collect();
    let moments: Vec<DateTime<Utc>> = uses.iter().map(|used| convert::to_sql(used.at)).collect();
    // Rows that somebody else holds are left for the next turn: replicas and revocations never wait for this, nor it for them.
    sql_query(
        "UPDATE issued_tokens SET last_used_at = used.at
        FROM (
            SELECT tenant_id, token_id, given.at FROM issued_tokens
            JOIN unnest($1, $2, $3) AS given (tenant, token, at) ON tenant_id = given.tenant AND token_id = given.token
            WHERE last_used_at IS NULL OR last_used_at < given.at
            FOR UPDATE OF issued_tokens SKIP LOCKED
        ) AS used
        WHERE issued_tokens.tenant_id = used.tenant_id AND issued_tokens.token_id = used.token_id",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(tokens)
    .bind::<Array<Timestamptz>, _>(moments)
    .execute(conn)
    .await
    .map(drop)
}
