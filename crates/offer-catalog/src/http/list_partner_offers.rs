//! `GET /api/v1/sdk-offer-management/partner`: the partner feed.

use actix_web::{HttpRequest, HttpResponse, get, web};
use http_kit::{Problem, ProblemBody, Query, auth::Caller};

use super::{
    json::{FeedParameters, PartnerFeedJson},
    partner_door::PartnerDoor,
    seen::{self, HasSeen},
};
use crate::flows::Catalog;

/// What is shared with you
///
/// For publishers' own tokens. To read everything, follow nextCursor until it is null. To keep up, send the `ETag` in
/// `If-None-Match`, or the feedVersion in changedSince: a change of a text, a payout or a reward (also a scheduled one), a
/// pause, an end, a budget that is spent or open again, a launch date that comes and a new share all count.
#[utoipa::path(
    tag = "Partner feed",
    security(("apiToken" = ["partner"])),
    params(FeedParameters, ("If-None-Match" = Option<String>, Header, description = seen::ABOUT)),
    responses(
        (status = 200, description = "A page of offers.", body = PartnerFeedJson, headers(("ETag" = String, description = "For If-None-Match."))),
        (status = 304, description = "Nothing has changed since the answer with this `ETag`."),
        (status = 400, description = "A parameter can not be read, or the cursor is not one of this walk.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 403, description = "The token is not a publisher's.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 429, description = "The token calls too often; `Retry-After` says when it may again.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/sdk-offer-management/partner")]
pub async fn list_partner_offers(
    caller: Caller,
    catalog: web::Data<Catalog>,
    door: web::Data<PartnerDoor>,
    request: HttpRequest,
    Query(parameters): Query<FeedParameters>,
) -> Result<HttpResponse, Problem> {
    let publisher = door.enter(&caller)?;
    let question = parameters.read(publisher)?;
    let seen = HasSeen::of(&request, catalog.partner_form());
    let has = |version| seen.has(version);
    let found = catalog.partner_feed(caller.tenant, &question.request, &has).await?;
    let version = found.version;
    let news = found
        .news
        .map(|page| PartnerFeedJson::new(page, &question.request, question.page, version.to_text()));
    Ok(seen.answer(version, news.as_ref()))
}
