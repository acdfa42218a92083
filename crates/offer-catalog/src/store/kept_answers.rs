//! Answers to calls with an `Idempotency-Key`. Times are the database's, so replicas need not agree on one.

use diesel::{
    OptionalExtension, QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Binary, Bool, Nullable, SmallInt, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::Conn;
use crate::domain::idempotency::AnswerKey;

/// How long an answer is kept.
const KEPT_HOURS: i64 = 24;
/// Answers that one statement forgets.
const FORGET_MAX: i64 = 1_000;

/// An answer, sealed.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct KeptAnswer {
    /// SHA-256 of what was asked.
    #[diesel(sql_type = Binary)]
    pub request_hash: Vec<u8>,
    /// HTTP's.
    #[diesel(sql_type = SmallInt)]
    pub status: i16,
    /// The `ETag`, when it had one.
    #[diesel(sql_type = Nullable<Text>)]
    pub etag: Option<String>,
    /// Whether no cache may keep it.
    #[diesel(sql_type = Bool)]
    pub is_secret: bool,
    /// Its body, sealed for its key.
    #[diesel(sql_type = Binary)]
    pub sealed_body: Vec<u8>,
}

/// Takes a key until the transaction ends; `false` when another call has it.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn try_lock(conn: &mut Conn, key: &AnswerKey) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Locked {
        #[diesel(sql_type = Bool)]
        locked: bool,
    }

    // Two keys of one hash are told to wait for each other, and nothing worse.
    let text = format!("idempotency {} {} {}", key.tenant, key.token, key.key);
    let found: Locked = sql_query("SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS locked")
        .bind::<Text, _>(text)
        .get_result(conn)
        .await?;
    Ok(found.locked)
}

/// What was answered under a key, unless that is too long ago.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn find(conn: &mut Conn, key: &AnswerKey) -> QueryResult<Option<KeptAnswer>> {
    sql_query(
        "SELECT request_hash, status, etag, is_secret, sealed_body FROM kept_answers
        WHERE tenant_id = $1 AND token_id = $2 AND idempotency_key = $3
            AND kept_at > now() - make_interval(hours => $4::int)",
    )
    .bind::<SqlUuid, _>(key.tenant.as_uuid())
    .bind::<SqlUuid, _>(key.token.as_uuid())
    .bind::<Text, _>(&key.key)
    .bind::<BigInt, _>(KEPT_HOURS)
    .get_result(conn)
    .await
    .optional()
}

/// Keeps an answer; one that is too old gives way.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn keep(conn: &mut Conn, key: &AnswerKey, answer: &KeptAnswer) -> QueryResult<()> {
    sql_query(
        "INSERT INTO kept_answers
            (tenant_id, token_id, idempotency_key, request_hash, status, etag, is_secret, sealed_body, kept_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now())
        ON CONFLICT (tenant_id, token_id, idempotency_key) DO UPDATE SET
            request_hash = excluded.request_hash, status = excluded.status, etag = excluded.etag,
            is_secret = excluded.is_secret, sealed_body = excluded.sealed_body, kept_at = excluded.kept_at",
    )
    .bind::<SqlUuid, _>(key.tenant.as_uuid())
    .bind::<SqlUuid, _>(key.token.as_uuid())
    .bind::<Text, _>(&key.key)
    .bind::<Binary, _>(&answer.request_hash)
    .bind::<SmallInt, _>(answer.status)
    .bind::<Nullable<Text>, _>(&answer.etag)
    .bind::<Bool, _>(answer.is_secret)
    .bind::<Binary, _>(&answer.sealed_body)
    .execute(conn)
    .await
    .map(drop)
}

/// Forgets some of the answers that are too old, of every tenant, and says how many.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn forget_old(conn: &mut Conn) -> QueryResult<usize> {
    sql_query(
        "DELETE FROM kept_answers WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM kept_answers WHERE kept_at < now() - make_interval(hours => $1::int) LIMIT $2
            FOR UPDATE SKIP LOCKED
        ))",
    )
    .bind::<BigInt, _>(KEPT_HOURS)
    .bind::<BigInt, _>(FORGET_MAX)
    .execute(conn)
    .await
}
