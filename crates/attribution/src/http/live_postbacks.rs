//! `GET /api/v1/postbacks/live`: decisions as they are made, as server-sent events.

use actix_web::{
    HttpRequest, HttpResponse, get,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    web,
};
use futures_util::stream;
use http_kit::{
    Problem, ProblemBody, Query,
    auth::{Caller, Standing},
};
use kernel::{OfferId, PublisherId, Timestamp};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Api, codes, live_stream::Live, period::code};
use crate::{
    domain::Code,
    flows::live::{Full, Position, STREAMS_PER_PROCESS, STREAMS_PER_TENANT, Wanted},
};

/// How soon a place may be free again: a stream whose reader has gone is noticed at its next two heartbeats.
const RETRY_AFTER_SECONDS: u32 = 30;
/// Where a browser says which event it had last.
const LAST_EVENT_ID: &str = "Last-Event-ID";
/// Proxies that would hold the stream back until it ends.
const NO_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Which decisions to show. Several filters: all of them hold.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// With this code only, such as `UNMAPPED_EVENT`.
    #[param(inline, value_type = Option<codes::AnyCode>, example = "UNMAPPED_EVENT")]
    code: Option<String>,
    /// Of clicks of this offer only.
    #[param(value_type = Option<Uuid>)]
    offer_id: Option<Uuid>,
    /// Of clicks of this publisher only.
    #[param(value_type = Option<Uuid>)]
    publisher_id: Option<Uuid>,
    /// With this Event ID only, byte for byte as the postback reports it.
    #[param(value_type = Option<String>, example = "level_10", min_length = 1)]
    event_id: Option<String>,
}

/// Events for a screen: `decision`, with the decision as `GET /api/v1/postbacks` lists it; `gap`, with the stretch of time that
/// could not be taken up; `end`, with the reason, before the stream is closed from here.
#[derive(Debug, ToSchema)]
#[schema(value_type = String)]
pub struct LiveEvents(#[expect(dead_code, reason = "for the document")] String);

/// Watch decisions as they are made
///
/// Server-sent events, one to two seconds after the decision, whichever replica made it; each revision is an event of its own, in
/// the order of decision. Not in it: new decisions on postbacks that were received more than 8 days ago.
///
/// A comment comes every 15 seconds when nothing else does. Whoever reconnects with `Last-Event-ID` (browsers do) gets what it has
/// missed, up to 15 minutes; if that was more, an event `gap` says which stretch is missing: look it up in the list. Whoever takes
/// nothing for some seconds is cut off. The stream ends with an event `end` when the token is revoked (`token`), when the service stops (`stopping`),
/// when the reader was too slow (`behind`), or while what was missed can not be read (`unavailable`).
#[utoipa::path(
    tag = "postbacks",
    params(
        Filter,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that you have: what came after it comes first.",
            example = "1764670530310000-019a2b6e5d0e7cc1a3a86f2f5b8f2c11-1", pattern = r"^[0-9]{1,16}-[0-9a-f]{32}-[0-9]{1,9}$"),
    ),
    security(("apiToken" = ["read"])),
    responses(
        (status = 200, description = "Events, until one of us hangs up.", body = LiveEvents, content_type = "text/event-stream",
            example = "retry: 3000\n\nid: 1764670530310000-019a2b6e5d0e7cc1a3a86f2f5b8f2c11-1\nevent: decision\ndata: {\"receipt\":\"019a2b6e-5d0e-7cc1-a3a8-6f2f5b8f2c11\",\"receivedAt\":\"2026-12-02T10:15:30.250000Z\",\"gkClickId\":\"0198c7a2-5b1e-8c4e-9d5a-0f4b8a3c2d1e\",\"code\":\"QUALIFIED\",\"sentence\":\"Accepted.\",\"revision\":1}\n\n"),
        (status = 400, description = "A query parameter or Last-Event-ID can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 429, description = "The tenant has 20 streams open here already.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    )
)]
#[get("/api/v1/postbacks/live")]
pub(super) async fn live_postbacks(
    caller: Caller,
    standing: Standing,
    api: web::Data<Api>,
    filter: Query<Filter>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    caller.require_read_tenant()?;
    let filter = filter.0;
    let wanted = Wanted {
        code: filter.code.as_deref().map(|text| code(text, Code::ALL)).transpose()?,
        offer: filter.offer_id.map(OfferId::from_uuid),
        publisher: filter.publisher_id.map(PublisherId::from_uuid),
        event_id: filter.event_id,
    };
    let last = request.headers().get(LAST_EVENT_ID).map(position).transpose()?;
    let looking = api.feed.look_on(caller.tenant, wanted.clone()).map_err(full)?;
    let live = Live::new(caller.tenant, wanted, last, looking, standing);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((NO_BUFFERING, "no"))
        .streaming(stream::unfold(live, Live::next)))
}

/// An event's id: its place in the order of decisions.
pub(super) fn id(position: Position) -> String {
    format!("{}-{}-{}", position.at.as_micros(), position.receipt.simple(), position.revision)
}

fn position(value: &HeaderValue) -> Result<Position, Problem> {
    value.to_str().ok().and_then(read).ok_or_else(unreadable)
}

fn read(text: &str) -> Option<Position> {
    let mut parts = text.trim().split('-');
    let (at, receipt, revision) = (parts.next()?, parts.next()?, parts.next()?);
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if parts.next().is_some() || !is_number(at) || !is_number(revision) || receipt.len() != 32 {
        return None;
    }
    Some(Position {
        at: Timestamp::from_micros(at.parse().ok()?),
        receipt: Uuid::try_parse(receipt).ok()?,
        revision: revision.parse().ok()?,
    })
}

fn unreadable() -> Problem {
    Problem::bad_request("invalid_header", "a header is not acceptable")
        .field(LAST_EVENT_ID, "must be the id of an event of this stream, or left out")
}

fn full(full: Full) -> Problem {
    match full {
        Full::Tenant => Problem::of_status(StatusCode::TOO_MANY_REQUESTS)
            .detail(format!("{STREAMS_PER_TENANT} streams of this tenant are open here already; close one"))
            .header(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS)),
        Full::Process => Problem::unavailable(
            format!("{STREAMS_PER_PROCESS} streams are open here already"),
            RETRY_AFTER_SECONDS,
        ),
    }
}

/// What is answered, for the document.
pub(super) fn problems() -> [Problem; 2] {
    [unreadable(), full(Full::Tenant)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_nothing_else_does() {
        let place = Position {
            at: Timestamp::from_micros(1_764_670_530_310_000),
            receipt: Uuid::from_u128(7),
            revision: 3,
        };
        assert_eq!(read(&id(place)), Some(place));
        for other in ["", "1", "1-2-3", "x-00000000000000000000000000000007-1", "1-2-3-4"] {
            assert_eq!(read(other), None, "{other}");
        }
        let signed = id(place).replacen("1764", "+764", 1);
        assert_eq!(read(&signed), None);
    }
}
