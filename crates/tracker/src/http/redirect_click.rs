//! `GET /api/v1/offer-link/redirect/{link id}`: a user follows a publisher's tracking link. Answered by the
//! [front door](super::front_door); what breaks a limit, or has a body, comes here.

use actix_web::{HttpRequest, HttpResponse, get, http::header, web};
use http_kit::Problem;
use telemetry::TraceContext;

use super::door::{Call, Door};

/// Follow a tracking link
///
/// Answers 302 to the advertiser's link with a fresh `gk_click_id`, once the click is on disk.
#[utoipa::path(
    path = "/api/v1/offer-link/redirect/{link}",
    params(
        ("link" = String, Path, description = "Link id: one for each shared offer"),
        ("pub_click_id" = String, Query, description = "The publisher's own id of this click"),
        ("pub_member_id" = String, Query, description = "The publisher's user"),
        ("pub_sub_1" = Option<String>, Query, description = "… to pub_sub_15: comes back in the publisher's postback"),
        ("gender" = Option<String>, Query, description = "female or male"),
        ("age" = Option<u32>, Query, description = "In years"),
    ),
    responses(
        (status = 302, description = "On to the advertiser, or to the offer's fallback link"),
        (status = 400, description = "A page that says which parameter is missing"),
        (status = 404, description = "No such link, or the offer is not available"),
        (status = 503, description = "The click can not be recorded now"),
    )
)]
#[get("/api/v1/offer-link/redirect/{link}")]
pub async fn redirect_click(
    request: HttpRequest,
    link: web::Path<String>,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let call = Call {
        link: &link,
        query: request.query_string(),
        user_agent: agent.unwrap_or_default(),
        ip_address: http_kit::caller_address(&request, door.caller_ip_header()),
        trace: TraceContext::current(),
    };
    let publisher = door.publisher();
    door.answer(call, async |route, item| publisher.publish(route, item).await).await
}
