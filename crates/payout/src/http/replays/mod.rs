//! Deliveries that are told again: `/api/v1/deliveries/{delivery_id}/replay` for one, `/api/v1/delivery-replays` for many.

mod body;
mod get_replay;
mod list_replays;
mod order_replay;
mod replay_delivery;
mod stop_replay;

use actix_web::http::StatusCode;
use http_kit::{Problem, openapi::Said};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{error, idempotency_key};
use crate::{
    domain::replay::{ORDER_MAX, Skip},
    flows::replays::ReplayError,
};

/// A reason is a sentence or two.
const REASON_CHARS_MAX: usize = 1_000;

pub(super) fn documented(config: &mut ServiceConfig<'_>) {
    config
        .service(replay_delivery::replay_delivery)
        .service(order_replay::order_replay)
        .service(list_replays::list_replays)
        .service(get_replay::get_replay)
        .service(stop_replay::stop_replay);
}

/// The reason of an order, trimmed; a database takes no NUL.
fn reason(text: &str) -> Option<String> {
    let text = text.replace('\0', "");
    let text = text.trim();
    (!text.is_empty() && text.chars().count() <= REASON_CHARS_MAX).then(|| text.to_owned())
}

const WRONG_REASON: &str = "must be 1 to 1000 characters, not only white space";

fn problem(failure: ReplayError, what: &str) -> Problem {
    match failure {
        ReplayError::NotFound => Problem::not_found(what),
        ReplayError::UnknownPublisher => {
            Problem::invalid(Vec::new()).field("publisherId", "must be a publisher of yours")
        }
        ReplayError::UnknownEndpoint => {
            Problem::invalid(Vec::new()).field("endpointId", "must be an endpoint of this publisher")
        }
        ReplayError::TooMany => Problem::invalid(Vec::new()).field(
            "to",
            format!("must leave at most {ORDER_MAX} deliveries: choose shorter periods, one after the other"),
        ),
        ReplayError::Running(id) => Problem::conflict(
            "replay_is_running",
            format!("the replay {id} of this publisher is running: wait for its end, or stop it"),
        ),
        ReplayError::KeyReused => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "the Idempotency-Key was used for another call",
        )
        .detail("choose another Idempotency-Key for another call"),
        ReplayError::Skipped(skip) => Problem::conflict(code(skip), skip.sentence()),
        ReplayError::Over => {
            Problem::conflict("replay_is_over", "the replay is done: there is nothing to stop")
        }
        ReplayError::Store(failure) => error::of_store(failure),
    }
}

const fn code(skip: Skip) -> &'static str {
    match skip {
        Skip::AlreadyWaiting => "delivery_is_waiting",
        Skip::NewerIsWaiting => "newer_delivery_is_waiting",
        Skip::Superseded => "delivery_is_superseded",
        Skip::EndpointIsOff => "endpoint_is_off",
        Skip::EndpointIsPaused => "endpoint_is_paused",
    }
}

/// Problems as the document shows them.
pub(super) fn problems() -> Vec<Said> {
    let said = |operation, failure| Said::by(operation, problem(failure, ""));
    let of_one = Skip::ALL.map(|skip| said("replay_delivery", ReplayError::Skipped(skip)));
    let wrong_reason = || Problem::invalid(Vec::new()).field("reason", WRONG_REASON);
    let others = [
        Said::by("replay_delivery", wrong_reason()),
        said("replay_delivery", ReplayError::KeyReused),
        said("order_replay", ReplayError::UnknownPublisher),
        said("order_replay", ReplayError::KeyReused),
        said(
            "order_replay",
            ReplayError::Running(Uuid::from_u128(0x0198_d001_77aa_7b52_8f11_4b7c_2a90_e6d3)),
        ),
        said("stop_replay", ReplayError::Over),
        Said::with_header("Idempotency-Key", idempotency_key::unreadable()),
    ];
    of_one.into_iter().chain(others).collect()
}
