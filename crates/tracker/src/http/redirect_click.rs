//! `GET /api/v1/offer-link/redirect/{link id}`: a user follows a publisher's tracking link. Answered by the
//! [front door](super::front_door); what breaks a limit, has a body, or only asks for the head, comes here.

use actix_web::{HttpRequest, HttpResponse, route, web};
use http_kit::{Problem, ProblemBody};
use telemetry::TraceContext;

use super::door::{Call, Door};

/// Follow a tracking link
///
/// Answers 302 to the advertiser's link with a fresh `gk_click_id`, once the click is on disk. The same link, member and
/// `pub_click_id` within ten seconds is answered with the same click. `HEAD`, previews of chats and crawlers make no click
/// and get a small page that names the offer; pages loaded ahead (`Sec-Purpose: prefetch`) make none and are refused.
#[utoipa::path(
    method(get, head),
    path = "/api/v1/offer-link/redirect/{link}",
    tag = "Clicks",
    params(
        ("link" = String, Path, description = "Link id: one for each shared offer", example = "0198c7a2-5b1e-7c4e-9d5a-0f4b8a3c2d1e"),
        ("pub_click_id" = String, Query, description = "The publisher's own id of this click", example = "c-4711"),
        ("pub_member_id" = String, Query, description = "The publisher's user", example = "member-42"),
        ("pub_sub_1" = Option<String>, Query, description = "… to pub_sub_15: comes back in the publisher's postback", example = "placement-7"),
        ("gender" = Option<String>, Query, description = "female or male", example = "female"),
        ("age" = Option<u32>, Query, description = "In years", example = 31),
        ("sec-ch-ua-platform" = Option<String>, Header, description = "The device's platform, before the user agent's word", example = "\"Android\""),
        ("accept" = Option<String>, Header, description = "application/json: 400 and 404 are problems, not pages", example = "text/html"),
    ),
    responses(
        (status = 200, description = "To a preview or HEAD: a small page that names the offer", body = String, content_type = "text/html", example = "<!DOCTYPE html><html lang=\"en\">…<h1>Play golf, earn coins</h1><p>Follow the link on your device to go on.</p>…</html>"),
        (status = 302, description = "On to the advertiser, or to the offer's fallback link", headers(
            ("location" = String, description = "https://app.appsflyer.com/id1234567890?pid=gokart_int&clickid=0198c7a2-5b1e-8c4e-9d5a-0f4b8a3c2d1e"),
        )),
        (status = 400, description = "A page that says which parameters are missing, or a problem", content(
            (String = "text/html", example = "<!DOCTYPE html><html lang=\"en\">…<h1>This link is not complete</h1><p>pub_member_id is missing: add it to the link.</p>…</html>"),
            (ProblemBody<'static> = "application/problem+json", example = json!({
                "type": "urn:gokart:problem:missing_parameter",
                "title": "the request cannot be read",
                "status": 400,
                "code": "missing_parameter",
                "detail": "the tracking link is not complete",
                "errors": [{ "field": "pub_member_id", "detail": "is missing: add it to the link" }],
            })),
        )),
        (status = 403, description = "Loaded ahead: ask again when the user follows the link", body = String, content_type = "text/html", example = "<!DOCTYPE html><html lang=\"en\">…<h1>Not loaded ahead</h1><p>This link opens when it is followed.</p>…</html>"),
        (status = 404, description = "No such link, or the offer is not available: a page, or a problem", content(
            (String = "text/html", example = "<!DOCTYPE html><html lang=\"en\">…<h1>Not available</h1><p>This offer is not available at the moment.</p>…</html>"),
            (ProblemBody<'static> = "application/problem+json", example = json!({
                "type": "urn:gokart:problem:not_found",
                "title": "Not Found",
                "status": 404,
                "code": "not_found",
                "detail": "This offer is not available at the moment.",
            })),
        )),
        (status = 503, description = "The click can not be recorded now"),
    )
)]
#[route("/api/v1/offer-link/redirect/{link}", method = "GET", method = "HEAD")]
pub async fn redirect_click(
    request: HttpRequest,
    link: web::Path<String>,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let call = Call {
        method: request.method(),
        link: &link,
        query: request.query_string(),
        headers: request.headers(),
        ip_address: http_kit::caller_address(&request, door.caller_ip_header()),
        trace: TraceContext::current(),
    };
    let publisher = door.publisher();
    door.answer(call, async |route, item| publisher.publish(route, item).await).await
}
