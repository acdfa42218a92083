//! `GET /api/v1/postbacks`: current decisions, the latest received first.

use actix_web::{get, web};
use chrono::{DateTime, Utc};
use http_kit::{Json, ListBody, Page, Problem, Query, auth::Caller};
use kernel::{ClickId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Api, unavailable, written};
use crate::{
    domain::Code,
    flows::{ListQuery, ListedStory},
};

/// How far back a list goes when the caller does not say.
const DEFAULT_SECONDS: i64 = 86_400;

/// Which postbacks to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Of this click only; then the period is all of time unless it is given.
    #[param(value_type = Option<Uuid>, example = "0198c7a2-5b1e-8c4e-9d5a-0f4b8a3c2d1e")]
    gk_click_id: Option<Uuid>,
    /// With this code only.
    #[param(example = "UNMAPPED_EVENT")]
    code: Option<String>,
    /// Received from then on; the last 24 hours when absent.
    #[param(value_type = Option<String>, example = "2026-11-22T00:00:00Z")]
    received_from: Option<DateTime<Utc>>,
    /// Received before then; now when absent.
    #[param(value_type = Option<String>, example = "2026-11-23T00:00:00Z")]
    received_until: Option<DateTime<Utc>>,
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
}

/// Postbacks with their current decision, the latest received first
///
/// Of the last 24 hours, unless a click or a period is named.
#[utoipa::path(
    tag = "postbacks",
    params(Page),
    security(("apiToken" = ["read"])),
    responses((status = 200, description = "A page of them.", body = ListBody<PostbackLine>))
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
    let (page, code) = Page::beside(page, filter.code.as_deref().map(code).transpose())?;
    let now = api.clock.now();
    let moment = |time: DateTime<Utc>| Timestamp::from_micros(time.timestamp_micros());
    let start = match filter.gk_click_id {
        Some(_) => Timestamp::from_micros(0),
        None => now.saturating_add_seconds(DEFAULT_SECONDS.saturating_neg()),
    };
    let query = ListQuery {
        tenant: caller.tenant,
        click: filter.gk_click_id.map(ClickId::from_uuid),
        code,
        from: filter.received_from.map_or(start, moment),
        until: filter.received_until.map_or_else(|| now.saturating_add_seconds(1), moment),
        offset: page.offset(),
        limit: page.limit(),
    };
    let (stories, total) = api.reader.list(&query).await.map_err(unavailable)?;
    Ok(Json(page.of(stories.into_iter().map(PostbackLine::from).collect(), total)))
}

fn code(text: &str) -> Result<Code, Problem> {
    Code::parse(text).ok_or_else(|| {
        let known: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        Problem::bad_request("invalid_query", "a query parameter is not acceptable")
            .field("code", format!("must be one of {}", known.join(", ")))
    })
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
        }
    }
}
