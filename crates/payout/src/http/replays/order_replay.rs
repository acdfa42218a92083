//! `POST /api/v1/delivery-replays`: tell many deliveries of a publisher again.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, http::header, post, web};
use chrono::{DateTime, Utc};
use http_kit::{FieldError, Json, Problem, ProblemBody, auth::Caller};
use kernel::{EndpointId, PublisherId};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{WRONG_REASON, body::DeliveryReplayBody, problem, reason};
use crate::{
    flows::replays::{By, End, Selection},
    http::{
        Api,
        idempotency_key::{self, IdempotencyKey},
        period,
    },
};

/// As many as there are.
const STATES_MAX: usize = 3;

/// Which deliveries of a publisher are told again. With `publisherId` and `reason` only: all that are exhausted.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "publisherId": "0193a1f0-0000-7000-8000-000000000002",
    "states": ["exhausted", "stopped"],
    "from": "2026-12-01T00:00:00Z",
    "to": "2026-12-03T00:00:00Z",
    "reason": "The publisher was down for a day."
}))]
pub struct ReplayOrderBody {
    /// Whose deliveries.
    publisher_id: Uuid,
    /// To one endpoint; to all of them when left out.
    endpoint_id: Option<Uuid>,
    /// How they ended; exhausted when left out.
    #[schema(min_items = 1, max_items = 3)]
    states: Option<Vec<EndedWord>>,
    /// Of statuses that changed from then on; of all time when left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    from: Option<DateTime<Utc>>,
    /// Of statuses that changed before then; until now when left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    to: Option<DateTime<Utc>>,
    /// Why: 1 to 1000 characters, not only white space. Kept with the order.
    #[schema(
        example = "The publisher was down for a day.",
        min_length = 1,
        max_length = 1000,
        pattern = r"\S"
    )]
    reason: String,
}

/// How a delivery that can be told again had ended, by its word.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(example = "exhausted")]
pub enum EndedWord {
    /// All attempts failed.
    Exhausted,
    /// The endpoint was gone (410) or switched off.
    Stopped,
    /// The publisher was told, and lost it.
    Delivered,
}

impl ReplayOrderBody {
    fn read(&self) -> Result<(Selection, String), Problem> {
        let mut wrong = Vec::new();
        let reason = reason(&self.reason);
        if reason.is_none() {
            wrong.push(FieldError { field: "reason".to_owned(), detail: WRONG_REASON.to_owned() });
        }
        let (from, until) = period::read(self.from, self.to).unwrap_or_else(|errors| {
            wrong.extend(errors);
            (None, None)
        });
        let asked = self.states.as_deref().unwrap_or(&[EndedWord::Exhausted]);
        if !(1..=STATES_MAX).contains(&asked.len()) {
            let detail = "must name exhausted, stopped or delivered, each once at most".to_owned();
            wrong.push(FieldError { field: "states".to_owned(), detail });
        }
        let words: BTreeSet<&str> = asked.iter().map(|word| end(*word).word()).collect();
        let ends = [End::Delivered, End::Exhausted, End::Stopped];
        let selection = Selection {
            publisher: PublisherId::from_uuid(self.publisher_id),
            endpoint: self.endpoint_id.map(EndpointId::from_uuid),
            states: ends.into_iter().filter(|end| words.contains(end.word())).collect(),
            from,
            until,
        };
        match reason.filter(|_| wrong.is_empty()) {
            Some(reason) => Ok((selection, reason)),
            None => Err(Problem::invalid(wrong)),
        }
    }
}

const fn end(word: EndedWord) -> End {
    match word {
        EndedWord::Exhausted => End::Exhausted,
        EndedWord::Stopped => End::Stopped,
        EndedWord::Delivered => End::Delivered,
    }
}

/// Tell many deliveries again
///
/// Of one publisher, in the background, oldest first; each with the same `webhook-id` and a schedule of attempts that begins anew. What
/// would leave the publisher on a stale status is skipped and counted by reason. At most 50 of them are due and untried at a time, so
/// that what is new is not held up. One order of a publisher runs at a time; the same order again, while it runs, is that order.
#[utoipa::path(
    tag = "deliveries",
    params(IdempotencyKey),
    security(("apiToken" = ["write"])),
    request_body = ReplayOrderBody,
    responses(
        (status = 202, description = "Ordered; `Location` says where to look.", body = DeliveryReplayBody),
        (status = 409, description = "Another replay of this publisher is running.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields, more than 250,000 deliveries, or an Idempotency-Key that was used for another call.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    )
)]
#[post("/api/v1/delivery-replays")]
pub(super) async fn order_replay(
    caller: Caller,
    api: web::Data<Api>,
    request: HttpRequest,
    body: Json<ReplayOrderBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let key = idempotency_key::read(&request)?;
    let (selection, reason) = body.0.read()?;
    let by = By { tenant: caller.tenant, token: caller.token, reason, key };
    let replay = api.replayer.order(&selection, &by).await.map_err(|failure| problem(failure, "replay"))?;
    let location = format!("/api/v1/delivery-replays/{}", replay.order.replay_id);
    Ok(HttpResponse::Accepted()
        .insert_header((header::LOCATION, location))
        .json(DeliveryReplayBody::from(replay)))
}
