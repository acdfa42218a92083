//! `Idempotency-Key`: a call that is sent again, because its answer was lost on the way, has its effect once and gets the same
//! answer. The answer is kept in the transaction of the effect, so neither is ever there without the other.
//!
//! Only what was done is kept. A refusal had no effect, and the same key may be used again for the mended call.

use std::time::Duration;

use postgres_kit::{Retries, transact};
use process::Supervisor;
use secrecy::{ExposeSecret as _, SecretString};
use signing::seal;

use super::{Catalog, FlowError};
use crate::{
    domain::idempotency::AnswerKey,
    store::{
        Conn,
        kept_answers::{self, KeptAnswer},
    },
};

/// Between two looks for answers that are too old.
const FORGET_EVERY: Duration = Duration::from_mins(10);

/// What a caller is told. The body can hold a secret that is shown once.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP's.
    pub status: u16,
    /// The `ETag`, when it has one.
    pub etag: Option<String>,
    /// Whether no cache may keep it.
    pub is_secret: bool,
    /// JSON.
    pub body: SecretString,
    /// Whether it was given before, and nothing was done now.
    pub is_replayed: bool,
}

/// A call's key, and a hash of what it asks.
#[derive(Debug, Clone)]
pub struct OnceKey {
    /// Of which caller.
    pub key: AnswerKey,
    /// SHA-256 of method, path and body.
    pub request_hash: [u8; 32],
}

/// How a call wants to be answered: written from what comes of it, once when it has a key.
pub struct Once<T> {
    /// Absent: every call is a new one.
    pub key: Option<OnceKey>,
    /// The answer to what was done.
    pub written: fn(T) -> Result<Answer, serde_json::Error>,
}

impl Catalog {
    /// The answer that a call was given before; comes first in its transaction. Until that ends nobody else has the key.
    pub(super) async fn said_before<T>(
        &self,
        conn: &mut Conn,
        once: &Once<T>,
    ) -> Result<Option<Answer>, FlowError> {
        let Some(OnceKey { key, request_hash }) = &once.key else { return Ok(None) };
        if !kept_answers::try_lock(conn, key).await? {
            return Err(FlowError::key_in_use());
        }
        let Some(kept) = kept_answers::find(conn, key).await? else { return Ok(None) };
        if kept.request_hash != request_hash {
            return Err(FlowError::KeyReused);
        }
        let body = seal::open_text(&self.parts.sealing_keys, &place(key), &kept.sealed_body).map_err(|error| {
            tracing::warn!(error = telemetry::chain(&error), "a kept answer can not be opened");
            FlowError::Conflict {
                code: "answer_not_readable",
                detail: String::from(
                    "this call was done before, but its answer was kept under a sealing key that was retired since; read \
                     the thing it made",
                ),
                fields: Vec::new(),
            }
        })?;
        let status = u16::try_from(kept.status).unwrap_or(200);
        Ok(Some(Answer { status, etag: kept.etag, is_secret: kept.is_secret, body, is_replayed: true }))
    }

    /// The answer to what was done; comes last in its transaction.
    pub(super) async fn say<T>(&self, conn: &mut Conn, once: &Once<T>, done: T) -> Result<Answer, FlowError> {
        let answer = (once.written)(done)
            .map_err(|error| FlowError::Broken("an answer can not be written", error.into()))?;
        if let Some(OnceKey { key, request_hash }) = &once.key {
            let body = answer.body.expose_secret().as_bytes();
            let sealed_body = seal::seal(&self.parts.sealing_keys, self.random(), &place(key), body)
                .map_err(|error| FlowError::Broken("an answer can not be sealed", error.into()))?;
            let kept = KeptAnswer {
                request_hash: request_hash.to_vec(),
                status: i16::try_from(answer.status).unwrap_or(200),
                etag: answer.etag.clone(),
                is_secret: answer.is_secret,
                sealed_body,
            };
            kept_answers::keep(conn, key, &kept).await?;
        }
        Ok(answer)
    }

    /// Keeps forgetting answers that are too old.
    pub fn keep_forgetting(&self, supervisor: &Supervisor) {
        let catalog = self.clone();
        supervisor.spawn_support("kept-answers-sweep", async move {
            loop {
                let forgotten = transact(catalog.pool(), Retries::default(), async |conn| {
                    Ok::<_, FlowError>(kept_answers::forget_old(conn).await?)
                });
                match forgotten.await {
                    Ok(0) => tokio::time::sleep(FORGET_EVERY).await,
                    Ok(rows) => tracing::info!(answers.rows = rows, "old answers forgotten"),
                    Err(error) => {
                        tracing::warn!(error = telemetry::chain(&error), "can not forget old answers");
                        tokio::time::sleep(FORGET_EVERY).await;
                    }
                }
            }
        });
    }
}

/// Names the row: an answer that is copied to another key does not open there.
fn place(key: &AnswerKey) -> Vec<u8> {
    let (tenant, token) = (key.tenant.as_uuid(), key.token.as_uuid());
    [b"kept answer\n", tenant.as_bytes().as_slice(), token.as_bytes(), key.key.as_bytes()].concat()
}
