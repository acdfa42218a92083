//! "Send test": a sample to one endpoint, by the same client and with the same signature as the real thing, and what came
//! back. Nothing of it is stored but who tried last and how often.

use std::{sync::Arc, time::Instant};

use kernel::{EndpointId, PublisherId, TenantId, TokenId};
use postgres_kit::{DbError, Failure, Pool, Retries, transact};
use telemetry::TraceContext;

use super::{
    deliver::Sender,
    postback::{Message, Prepared, prepare_message},
};
use crate::{
    domain::postback::{Sample, sample, test_webhook_id},
    store::endpoint_tests,
};

/// Tests of one endpoint in a minute: a person looks at each answer before the next. More would make a tool of us to call a
/// publisher with.
pub const TESTS_A_MINUTE: i32 = 6;

/// Tries endpoints out.
#[derive(Clone)]
pub struct Tester {
    /// Payout's database.
    pub pool: Pool,
    /// The guarded client, keys, clock and ids.
    pub sender: Arc<Sender>,
}

/// Which endpoint, and who asks.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// Whose.
    pub tenant: TenantId,
    /// Of which publisher.
    pub publisher: PublisherId,
    /// Which.
    pub endpoint: EndpointId,
    /// Whose token.
    pub token: TokenId,
}

/// What came of a test.
#[derive(Debug, Clone)]
pub struct Tested {
    /// As it was sent.
    pub webhook_id: String,
    /// What was asked, without values; empty when nothing was.
    pub request: String,
    /// The names of its headers.
    pub headers: Vec<String>,
    /// What was answered.
    pub http_status: Option<u16>,
    /// The beginning of the answer's body.
    pub response: String,
    /// Why nothing was answered, or sent.
    pub failure: String,
    /// Until the status line, in milliseconds.
    pub answered_ms: Option<u64>,
    /// Until the end, in milliseconds.
    pub duration_ms: u64,
}

/// Why nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// The publisher has no such endpoint.
    #[error("there is no such endpoint")]
    NotFound,
    /// It was tried [`TESTS_A_MINUTE`] times in this minute.
    #[error("the endpoint was tried often enough in this minute")]
    TooOften {
        /// Until it may be tried again.
        seconds: u32,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl From<diesel::result::Error> for TestError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Failure for TestError {
    fn database(&self) -> Option<&DbError> {
        match self {
            Self::Store(error) => Some(error),
            Self::NotFound | Self::TooOften { .. } => None,
        }
    }
}

impl Tester {
    /// Sends a sample.
    ///
    /// # Errors
    /// [`TestError`] when nothing was sent. What goes wrong on the way is an answer, not an error.
    pub async fn send(&self, asked: Asked) -> Result<Tested, TestError> {
        let Asked { tenant, publisher, endpoint, token } = asked;
        let target = transact(&self.pool, Retries::default(), async |connection| {
            let target = endpoint_tests::target(connection, tenant, publisher, endpoint).await?;
            let target = target.ok_or(TestError::NotFound)?;
            let turn =
                endpoint_tests::take_turn(connection, (tenant, endpoint), token, TESTS_A_MINUTE).await?;
            turn.map_err(|seconds| TestError::TooOften { seconds })?;
            Ok::<_, TestError>(target)
        })
        .await?;
        let (now, id) = (self.sender.clock.now(), self.sender.ids.uuid_v7());
        let message = Message {
            tenant,
            endpoint,
            target: &target,
            webhook_id: test_webhook_id(id),
            story: sample(&Sample { id, publisher, now }),
            is_test: true,
        };
        let prepared = prepare_message(&message, &self.sender.keyring, now, &TraceContext::current());
        let tested = match prepared {
            Ok(prepared) => self.call(prepared, message.webhook_id).await,
            Err(unsendable) => Tested {
                webhook_id: message.webhook_id,
                request: String::new(),
                headers: Vec::new(),
                http_status: None,
                response: String::new(),
                failure: unsendable.to_string(),
                answered_ms: None,
                duration_ms: 0,
            },
        };
        tracing::info!(
            tenant.id = %tenant, endpoint.id = %endpoint, http.status = tested.http_status, failure = tested.failure,
            "an endpoint was tried out"
        );
        Ok(tested)
    }

    async fn call(&self, prepared: Prepared, webhook_id: String) -> Tested {
        let Prepared { request, shown, headers, mask } = prepared;
        let started = Instant::now();
        let sent = self.sender.client.send(request).await;
        let duration_ms = millis(started.elapsed());
        let (http_status, response, failure, answered_ms) = match sent {
            Ok(answer) => {
                let response = mask.hide(&answer.excerpt);
                (Some(answer.status), response, String::new(), Some(millis(answer.answered)))
            }
            Err(error) => (None, String::new(), error.to_string(), None),
        };
        Tested {
            webhook_id,
            request: shown,
            headers,
            http_status,
            response,
            failure,
            answered_ms,
            duration_ms,
        }
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
