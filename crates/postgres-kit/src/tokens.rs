//! A service's copy of the catalog's API tokens, so that it can tell its callers without asking anyone.
//!
//! Facts may arrive late, twice and in any order: the highest version of a token wins. A revoked token stays as a row,
//! or an older fact would bring it back.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{Principal, PublisherId, Role, Scope, Scopes, TenantId, Timestamp, TokenId};
use uuid::Uuid;

use crate::kept::kept;

/// The catalog's word on one token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Its name; never the token itself.
    pub token_id: TokenId,
    /// The keyed hash of the token.
    pub token_hash: [u8; 32],
    /// What it may do.
    pub role: Role,
    /// Set exactly when the role is [`Role::Publisher`].
    pub publisher_id: Option<PublisherId>,
    /// From when on it is void.
    pub expires_at: Option<Timestamp>,
    /// Whether it was taken back.
    pub revoked: bool,
    /// What it is for, within the rights of its role.
    pub scopes: Scopes,
    /// Counts the changes of this token.
    pub version: i64,
}

impl TokenRow {
    /// For whom a caller with this token acts at `now`; `None` when it is revoked or void.
    #[must_use]
    pub fn principal(&self, now: Timestamp) -> Option<Principal> {
        let is_void = self.revoked || self.expires_at.is_some_and(|expires_at| expires_at <= now);
        (!is_void).then_some(Principal {
            tenant: self.tenant_id,
            token: self.token_id,
            role: self.role,
            publisher: self.publisher_id,
            scopes: self.scopes,
        })
    }
}

/// Writes what is newer than what is there. Tokens may repeat within the batch.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn apply(connection: &mut AsyncPgConnection, tokens: &[TokenRow]) -> QueryResult<()> {
    let newest = newest(tokens);
    if newest.is_empty() {
        return Ok(());
    }
    let tenants: Vec<Uuid> = newest.iter().map(|row| row.tenant_id.as_uuid()).collect();
    let ids: Vec<Uuid> = newest.iter().map(|row| row.token_id.as_uuid()).collect();
    let hashes: Vec<&[u8]> = newest.iter().map(|row| row.token_hash.as_slice()).collect();
    let roles: Vec<&str> = newest.iter().map(|row| row.role.as_str()).collect();
    let publishers: Vec<Option<Uuid>> =
        newest.iter().map(|row| row.publisher_id.map(PublisherId::as_uuid)).collect();
    let expiries: Vec<Option<DateTime<Utc>>> = newest.iter().map(|row| row.expires_at.map(to_sql)).collect();
    let revoked: Vec<bool> = newest.iter().map(|row| row.revoked).collect();
    let versions: Vec<i64> = newest.iter().map(|row| row.version).collect();
    let scopes: Vec<Option<String>> = newest.iter().map(|row| scopes_to_sql(row.scopes)).collect();
    let upsert = sql_query(
        "INSERT INTO api_tokens
            (tenant_id, token_id, token_hash, role, publisher_id, expires_at, revoked, version, scopes)
        SELECT t.a, t.b, t.c, t.d, t.e, t.f, t.g, t.h, string_to_array(t.i, ' ')
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) AS t (a, b, c, d, e, f, g, h, i)
        ON CONFLICT (tenant_id, token_id) DO UPDATE SET
            token_hash = excluded.token_hash, role = excluded.role, publisher_id = excluded.publisher_id,
            expires_at = excluded.expires_at, revoked = excluded.revoked, version = excluded.version,
            scopes = excluded.scopes
        WHERE api_tokens.version < excluded.version",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Binary>, _>(hashes)
    .bind::<Array<Text>, _>(roles)
    .bind::<Array<Nullable<SqlUuid>>, _>(publishers)
    .bind::<Array<Nullable<Timestamptz>>, _>(expiries)
    .bind::<Array<Bool>, _>(revoked)
    .bind::<Array<BigInt>, _>(versions)
    .bind::<Array<Nullable<Text>>, _>(scopes);
    kept(upsert).execute(connection).await.map(drop)
}

/// The token with this keyed hash, revoked or void ones too: see [`TokenRow::principal`].
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn find(connection: &mut AsyncPgConnection, hash: &[u8]) -> QueryResult<Option<TokenRow>> {
    let select = sql_query(
        "SELECT tenant_id, token_id, token_hash, role, publisher_id, expires_at, revoked, version, scopes
        FROM api_tokens WHERE token_hash = $1 LIMIT 1",
    )
    .bind::<Binary, _>(hash);
    let rows: Vec<Row> = kept(select).load(connection).await?;
    rows.into_iter().next().map(TokenRow::try_from).transpose()
}

/// The newest of each, in the order of the key: batches never wait for each other in a circle, and no row is touched
/// twice (21000).
fn newest(tokens: &[TokenRow]) -> Vec<&TokenRow> {
    let mut newest: BTreeMap<(TenantId, TokenId), &TokenRow> = BTreeMap::new();
    for token in tokens {
        let kept = newest.entry((token.tenant_id, token.token_id)).or_insert(token);
        if kept.version < token.version {
            *kept = token;
        }
    }
    newest.into_values().collect()
}

/// Words with spaces between them, which are made a list there: lists of lists of different lengths are none in SQL. `None` is
/// everything.
fn scopes_to_sql(scopes: Scopes) -> Option<String> {
    let words: Vec<&str> = scopes.iter().map(Scope::as_str).collect();
    (scopes != Scopes::FULL).then(|| words.join(" "))
}

/// A word that this release does not know opens nothing.
fn scopes_from_sql(words: &[String]) -> Scopes {
    words.iter().filter_map(|word| Scope::parse(word)).collect()
}

/// A moment beyond the calendar is as good as its end.
fn to_sql(moment: Timestamp) -> DateTime<Utc> {
    let calendar_end =
        if moment.as_micros() < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    DateTime::from_timestamp_micros(moment.as_micros()).unwrap_or(calendar_end)
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    token_id: Uuid,
    #[diesel(sql_type = Binary)]
    token_hash: Vec<u8>,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    publisher_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    expires_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    revoked: bool,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    scopes: Option<Vec<String>>,
}

impl TryFrom<Row> for TokenRow {
    type Error = diesel::result::Error;

    fn try_from(row: Row) -> Result<Self, diesel::result::Error> {
        let wrong =
            |column: &str| diesel::result::Error::DeserializationError(format!("api_tokens.{column}").into());
        Ok(Self {
            tenant_id: TenantId::from_uuid(row.tenant_id),
            token_id: TokenId::from_uuid(row.token_id),
            token_hash: row.token_hash.try_into().map_err(|_wrong_length| wrong("token_hash"))?,
            role: Role::parse(&row.role).ok_or_else(|| wrong("role"))?,
            publisher_id: row.publisher_id.map(PublisherId::from_uuid),
            expires_at: row.expires_at.map(|moment| Timestamp::from_micros(moment.timestamp_micros())),
            revoked: row.revoked,
            scopes: row.scopes.map_or(Scopes::FULL, |words| scopes_from_sql(&words)),
            version: row.version,
        })
    }
}
