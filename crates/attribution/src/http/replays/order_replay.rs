//! `POST /api/v1/replays`: judge stored journeys again.

use actix_web::{HttpResponse, http::header, post, web};
use http_kit::{FieldError, Json, Problem, ProblemBody, auth::Caller, openapi::Said};

use super::{body::ReplayBody, order_body::ReplayOrderBody};
use crate::{
    flows::replay::{Order, OrderError, Replayer},
    http::unavailable,
};

/// Replay stored journeys
///
/// Judges the journeys of a selection again, whole, under chosen terms, in the background, and says what differs in decisions,
/// conversions and money. A dry run writes nothing else. For real the chosen version becomes a recorded input of each journey, so
/// it holds for what still comes, too: what only it accepts is earned, what it would refuse is put on review, and nothing that was
/// told is taken back; what people decided outranks it. The same order twice changes nothing more. The period is found by
/// decisions, so it reaches back as far as they are kept.
#[utoipa::path(
    tag = "Replay",
    security(("apiToken" = ["write"])),
    request_body = ReplayOrderBody,
    responses(
        (status = 202, description = "Ordered; `Location` says where to look.", body = ReplayBody),
        (status = 422, description = "Wrong fields, or fields that contradict each other.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    )
)]
#[post("/api/v1/replays")]
pub(super) async fn order_replay(
    caller: Caller,
    replayer: web::Data<Replayer>,
    body: Json<ReplayOrderBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let ReplayOrderBody { selection, terms, dry_run } = body.0;
    let named = selection.offer();
    let selection = selection.read().map_err(Problem::invalid)?;
    let offer = match named {
        Some(offer) => {
            let known = replayer.offer(caller.tenant, offer).await.map_err(unavailable)?;
            Some(known.ok_or_else(unknown_offer)?)
        }
        None => None,
    };
    let terms = terms.read(dry_run, offer.as_ref())?;
    let order = Order { tenant: caller.tenant, token: caller.token, selection, terms, dry_run };
    let id = replayer.order(order).await.map_err(refused)?;
    let found = replayer.get(caller.tenant, id).await.map_err(unavailable)?;
    let (shown, _, _) = found.ok_or_else(|| Problem::internal("an order that was just taken is gone"))?;
    let location = (header::LOCATION, format!("/api/v1/replays/{id}"));
    Ok(HttpResponse::Accepted().insert_header(location).json(ReplayBody::new(shown)))
}

fn unknown_offer() -> Problem {
    invalid("selection.offerId", "must be an offer of yours that has been saved")
}

fn refused(error: OrderError) -> Problem {
    match error {
        OrderError::UnknownOffer => unknown_offer(),
        OrderError::UnknownVersion => {
            invalid("terms.version", "must be the number of a version of the offer")
        }
        OrderError::Database(error) => unavailable(error),
    }
}

fn invalid(field: &str, detail: &str) -> Problem {
    Problem::invalid(vec![FieldError { field: String::from(field), detail: String::from(detail) }])
}

/// Its problems as the document shows them.
pub(in crate::http) fn problems() -> Vec<Said> {
    vec![Said::by("order_replay", unknown_offer())]
}
