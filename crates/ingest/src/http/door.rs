//! What both ways into ingest share: take a call, count it, answer.

use actix_web::HttpResponse;
use bus::{Item, PublishError, Publisher, Route};
use http_kit::Problem;
use kernel::ReceiptId;
use opentelemetry::{KeyValue, metrics::Counter};

use crate::flows::{Call, ReceiveError, Receiver};

/// The path in front of the security segment.
pub const PREFIX: &str = "/api/v1/";

/// What the door needs; one for each process.
pub struct Door {
    receiver: Receiver,
    /// `Retry-After` of a 503.
    retry_after_seconds: u32,
    /// Header of a trusted proxy that names the caller; empty: the peer is the caller.
    caller_ip_header: String,
    calls: Counter<u64>,
    accepted: [KeyValue; 1],
}

impl Door {
    /// A door onto a receiver.
    #[must_use]
    pub fn new(receiver: Receiver, retry_after_seconds: u32, caller_ip_header: String) -> Self {
        let calls = telemetry::meter()
            .u64_counter("ingest_calls")
            .with_description("Calls from AppsFlyer by outcome: accepted, refused, not_durable")
            .build();
        let accepted = [outcome("accepted")];
        Self { receiver, retry_after_seconds, caller_ip_header, calls, accepted }
    }

    /// Header of a trusted proxy that names the caller, or empty.
    pub fn caller_ip_header(&self) -> &str {
        &self.caller_ip_header
    }

    /// The publisher behind the door.
    pub fn publisher(&self) -> Publisher {
        self.receiver.publisher.clone()
    }

    /// Takes a call, makes it durable by `publish` and answers it.
    ///
    /// # Errors
    /// The problem that is answered: 404 or 503.
    pub async fn answer(
        &self,
        call: Call<'_>,
        publish: impl AsyncFnOnce(&Route, Item) -> Result<(), PublishError>,
    ) -> Result<HttpResponse, Problem> {
        match self.receiver.receive(call, publish).await {
            Ok(receipt) => {
                self.calls.add(1, &self.accepted);
                Ok(taken(receipt))
            }
            Err(ReceiveError::Refused) => {
                self.calls.add(1, &[outcome("refused")]);
                Err(Problem::not_found("postback address"))
            }
            Err(error @ ReceiveError::NotDurable(_)) => {
                self.calls.add(1, &[outcome("not_durable")]);
                Err(Problem::unavailable(
                    "the postback was not taken; send it again",
                    self.retry_after_seconds,
                )
                .because(error))
            }
        }
    }
}

fn outcome(word: &'static str) -> KeyValue {
    KeyValue::new("outcome", word)
}

/// `{"receipt":"<36 characters>"}`, written by hand: nothing in it needs escaping.
fn taken(receipt: ReceiptId) -> HttpResponse {
    let mut id = uuid::Uuid::encode_buffer();
    let id = receipt.as_uuid().hyphenated().encode_lower(&mut id);
    HttpResponse::Ok().content_type("application/json").body(["{\"receipt\":\"", id, "\"}"].concat())
}

#[cfg(test)]
mod tests {
    use actix_web::body::MessageBody as _;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_answer_is_json_with_the_receipt() {
        let receipt = Uuid::from_u128(7);
        let body = taken(ReceiptId::from_uuid(receipt)).into_body().try_into_bytes().unwrap();
        let read: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(read, serde_json::json!({ "receipt": receipt.to_string() }));
    }
}
