//! `GET /api/v1/postbacks`: current decisions, the latest received first.

use actix_web::{get, web};
use chrono::{DateTime, Utc};
use http_kit::{Json, ListBody, Page, Problem, Query, auth::Caller};
use kernel::{ClickId, OfferId, PublisherId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Api, codes,
    period::{DAY_SECONDS, code, period},
    unavailable, written,
};
use crate::{
    domain::Code,
    flows::{ListedStory, Listing},
};

/// Which postbacks to list. Several filters: all of them hold.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Of this click only.
    #[param(value_type = Option<Uuid>)]
    gk_click_id: Option<Uuid>,
    /// With AppsFlyer's conversion or transaction id.
    #[param(value_type = Option<String>, example = "order-4711", min_length = 1)]
    conversion_id: Option<String>,
    /// With AppsFlyer's id of the installation.
    #[param(value_type = Option<String>, example = "1415211453000-6513894", min_length = 1)]
    appsflyer_id: Option<String>,
    /// Of clicks of this member, by the publisher's id.
    #[param(value_type = Option<String>, example = "member-7", min_length = 1)]
    pub_member_id: Option<String>,
    /// Of clicks with this publisher's click id.
    #[param(value_type = Option<String>, example = "their-click-7", min_length = 1)]
    pub_click_id: Option<String>,
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
    /// Received from then on. When absent: the last 24 hours; with a click's or any other id of one thing, all of time.
    #[param(value_type = Option<String>, format = DateTime, min_length = 1, example = "2026-11-22T00:00:00Z")]
    received_from: Option<DateTime<Utc>>,
    /// Received before then; now when absent.
    #[param(value_type = Option<String>, format = DateTime, min_length = 1, example = "2026-11-23T00:00:00Z")]
    received_until: Option<DateTime<Utc>>,
}

impl Filter {
    /// Whether it names something of which there are few.
    fn names_one(&self) -> bool {
        self.gk_click_id.is_some()
            || self.conversion_id.is_some()
            || self.appsflyer_id.is_some()
            || self.pub_member_id.is_some()
            || self.pub_click_id.is_some()
    }
}

/// A postback in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "receipt": "019a2b6e-5d0e-7cc1-a3a8-6f2f5b8f2c11",
    "receivedAt": "2026-12-02T10:15:30.250000Z",
    "gkClickId": "0198c7a2-5b1e-8c4e-9d5a-0f4b8a3c2d1e",
    "code": "QUALIFIED",
    "sentence": "Accepted.",
    "revision": 1
}))]
pub struct PostbackLine {
    /// The receipt that was answered to AppsFlyer.
    pub receipt: Uuid,
    /// When it was accepted.
    pub received_at: String,
    /// The click it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gk_click_id: Option<Uuid>,
    /// Its current code.
    pub code: &'static str,
    /// For people.
    pub sentence: &'static str,
    /// How often it was decided.
    pub revision: i32,
    /// Its click's offer, when the click was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer_id: Option<Uuid>,
    /// Its click's publisher, when the click was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher_id: Option<Uuid>,
    /// The Event ID it reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "level_10")]
    pub event_id: Option<String>,
}

/// List postbacks
///
/// With their current decision, the latest received first. `total` is counted for each page.
#[utoipa::path(
    tag = "postbacks",
    params(Page, Filter),
    security(("apiToken" = ["read"])),
    responses(
        (status = 200, description = "A page of postbacks.", body = ListBody<PostbackLine>),
        (status = 422, description = "The period ends before it begins."),
    )
)]
#[get("/api/v1/postbacks")]
pub(super) async fn list_postbacks(
    caller: Caller,
    api: web::Data<Api>,
    page: Result<Page, Problem>,
    filter: Query<Filter>,
) -> Result<Json<ListBody<PostbackLine>>, Problem> {
    caller.require_read_tenant()?;
    let filter = filter.0;
    let (page, code) =
        Page::beside(page, filter.code.as_deref().map(|text| code(text, Code::ALL)).transpose())?;
    let back = if filter.names_one() { None } else { Some(DAY_SECONDS) };
    let (from, until) = period(api.clock.now(), filter.received_from, filter.received_until, back)?;
    let listing = Listing {
        tenant: caller.tenant,
        click: filter.gk_click_id.map(ClickId::from_uuid),
        code,
        offer: filter.offer_id.map(OfferId::from_uuid),
        publisher: filter.publisher_id.map(PublisherId::from_uuid),
        event_id: filter.event_id,
        conversion_id: filter.conversion_id,
        appsflyer_id: filter.appsflyer_id,
        member: filter.pub_member_id,
        pub_click: filter.pub_click_id,
        from,
        until,
        offset: page.offset(),
        limit: page.limit(),
    };
    let (stories, total) = api.reader.list(&listing).await.map_err(unavailable)?;
    Ok(Json(page.of(stories.into_iter().map(PostbackLine::from).collect(), total)))
}

impl From<ListedStory> for PostbackLine {
    fn from(story: ListedStory) -> Self {
        Self {
            receipt: story.receipt.as_uuid(),
            received_at: written(story.received_at),
            gk_click_id: story.click.map(ClickId::as_uuid),
            code: story.code.as_str(),
            sentence: story.code.sentence(),
            revision: story.revision,
            offer_id: story.offer.map(OfferId::as_uuid),
            publisher_id: story.publisher.map(PublisherId::as_uuid),
            event_id: story.event_id,
        }
    }
}
