//! `GET /api/v1/journeys/{gk_click_id}`: a click's whole life.

use actix_web::{get, web};
use http_kit::{Json, Problem, auth::Caller};
use kernel::ClickId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Api,
    payout_body::{DeliveryBody, PersonDecisionBody, StatusBody, join},
    unavailable, written,
};
use crate::{
    domain::{Click, Conversion, Verdict},
    flows::{JourneyView, PostbackStory},
};

/// A journey.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "gkClickId": "0198c7a2-5b1e-8c4e-9d5a-0f4b8a3c2d1e",
    "click": {
        "clickedAt": "2026-12-02T09:58:00.000000Z",
        "offerId": "0194a3c0-0000-7000-8000-000000000001",
        "offerVersion": 2,
        "advertiserId": "0193a1f0-0000-7000-8000-000000000001",
        "publisherId": "0193a1f0-0000-7000-8000-000000000002",
        "linkId": "01939b4e-5c00-7000-8000-000000000000"
    },
    "postbacks": [{
        "receipt": "019a2b6e-5d0e-7cc1-a3a8-6f2f5b8f2c11",
        "receivedAt": "2026-12-02T10:15:30.250000Z",
        "eventId": "level_10",
        "code": "QUALIFIED",
        "sentence": "Accepted.",
        "revision": 2
    }],
    "conversions": [{
        "conversionId": "0198d001-77aa-7b52-8f11-4b7c2a90e6d3",
        "revision": 1,
        "verdict": "qualified",
        "code": "QUALIFIED",
        "sentence": "Accepted.",
        "eventId": "level_10",
        "eventName": "Reach Level 10",
        "sequenceNumber": 2,
        "occurrence": "once",
        "receipt": "019a2b6e-5d0e-7cc1-a3a8-6f2f5b8f2c11",
        "deliveries": []
    }],
    "peopleDecisions": []
}))]
pub struct JourneyBody {
    /// The click's id.
    pub gk_click_id: Uuid,
    /// The click; absent until it has arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub click: Option<ClickBody>,
    /// When time alone changes something next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_until: Option<String>,
    /// The versions under whose terms it was replayed for real, the latest last: their terms apply beside its click's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replayed_under: Vec<i32>,
    /// Its postbacks in the order of receipt.
    pub postbacks: Vec<JourneyPostbackBody>,
    /// What it earned, as far as attribution knows; money is payout's.
    pub conversions: Vec<ConversionBody>,
    /// What people decided about it, the latest first.
    pub people_decisions: Vec<PersonDecisionBody>,
}

/// The click.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "clickedAt": "2026-12-02T09:58:00.000000Z",
    "offerId": "0194a3c0-0000-7000-8000-000000000001",
    "offerVersion": 2,
    "advertiserId": "0193a1f0-0000-7000-8000-000000000001",
    "publisherId": "0193a1f0-0000-7000-8000-000000000002",
    "linkId": "01939b4e-5c00-7000-8000-000000000000"
}))]
pub struct ClickBody {
    /// When.
    pub clicked_at: String,
    /// To which offer.
    pub offer_id: Uuid,
    /// Under which version of it.
    pub offer_version: u32,
    /// Whose offer it is.
    pub advertiser_id: Uuid,
    /// Who sent the user.
    pub publisher_id: Uuid,
    /// Through which tracking link.
    pub link_id: Uuid,
}

/// A postback of the journey; its trace is at `/api/v1/postbacks/{receipt}`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "receipt": "019a2b6e-5d0e-7cc1-a3a8-6f2f5b8f2c11",
    "receivedAt": "2026-12-02T10:15:30.250000Z",
    "eventId": "level_10",
    "code": "QUALIFIED",
    "sentence": "Accepted.",
    "revision": 2
}))]
pub struct JourneyPostbackBody {
    /// Its receipt.
    pub receipt: Uuid,
    /// When it was accepted.
    pub received_at: String,
    /// The event it reports; absent when it names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// Its current code.
    pub code: &'static str,
    /// For people.
    pub sentence: &'static str,
    /// How often it was decided.
    pub revision: i32,
}

/// A conversion's current verdict.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "conversionId": "0198d001-77aa-7b52-8f11-4b7c2a90e6d3",
    "revision": 1,
    "verdict": "qualified",
    "code": "QUALIFIED",
    "sentence": "Accepted.",
    "eventId": "level_10",
    "eventName": "Reach Level 10",
    "sequenceNumber": 2,
    "occurrence": "once",
    "receipt": "019a2b6e-5d0e-7cc1-a3a8-6f2f5b8f2c11",
    "deliveries": []
}))]
pub struct ConversionBody {
    /// Its id, the same for ever.
    pub conversion_id: Uuid,
    /// Counts the verdicts.
    pub revision: i64,
    /// `qualified`, `on_review` or `vetoed`.
    pub verdict: &'static str,
    /// Why, stable.
    pub code: &'static str,
    /// Why, for people.
    pub sentence: &'static str,
    /// The Event ID.
    pub event_id: String,
    /// The event's name for users.
    pub event_name: String,
    /// Its place in the sequence; absent when Independent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence_number: Option<u32>,
    /// Which repeat: `once`, `id:…` or `at:…`.
    pub occurrence: String,
    /// The postback that holds it.
    pub receipt: Uuid,
    /// The amount that counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// Its currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Where payout stands; absent until it has said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payout: Option<StatusBody>,
    /// How telling the publisher ended, the latest first.
    pub deliveries: Vec<DeliveryBody>,
}

/// A click's whole journey
///
/// The click, its postbacks in the order of receipt, and what they earned.
#[utoipa::path(
    tag = "journeys",
    params(("gk_click_id" = Uuid, Path, description = "The click's id")),
    security(("apiToken" = ["read"])),
    responses((status = 200, description = "The journey.", body = JourneyBody), (status = 404, description = "Nobody has heard of this click."))
)]
#[get("/api/v1/journeys/{gk_click_id}")]
pub(super) async fn get_journey(
    caller: Caller,
    click: web::Path<Uuid>,
    api: web::Data<Api>,
) -> Result<Json<JourneyBody>, Problem> {
    caller.require_read_tenant()?;
    let id = ClickId::from_uuid(click.into_inner());
    let view = api.reader.journey(caller.tenant, id).await.map_err(unavailable)?;
    view.map(|view| Json(body(id, view))).ok_or_else(|| Problem::not_found("journey"))
}

fn body(id: ClickId, view: JourneyView) -> JourneyBody {
    let mut conversions: Vec<_> = view.story.conversions.into_iter().map(conversion).collect();
    let people_decisions = join(&mut conversions, view.payout);
    JourneyBody {
        gk_click_id: id.as_uuid(),
        click: view.click.as_ref().map(ClickBody::from),
        waits_until: view.story.wait_until.map(written),
        replayed_under: view.story.replayed,
        postbacks: view.story.postbacks.into_iter().map(JourneyPostbackBody::from).collect(),
        conversions,
        people_decisions,
    }
}

impl From<&Click> for ClickBody {
    fn from(click: &Click) -> Self {
        Self {
            clicked_at: written(click.clicked_at),
            offer_id: click.offer.as_uuid(),
            offer_version: click.offer_version,
            advertiser_id: click.advertiser.as_uuid(),
            publisher_id: click.publisher.as_uuid(),
            link_id: click.link.as_uuid(),
        }
    }
}

impl From<PostbackStory> for JourneyPostbackBody {
    fn from(story: PostbackStory) -> Self {
        Self {
            receipt: story.receipt.as_uuid(),
            received_at: written(story.received_at),
            event_id: story.event_id,
            code: story.code.as_str(),
            sentence: story.code.sentence(),
            revision: story.revision,
        }
    }
}

fn conversion((revision, one): (i64, Conversion)) -> ConversionBody {
    ConversionBody {
        conversion_id: one.id.as_uuid(),
        revision,
        verdict: match one.verdict {
            Verdict::Qualified => "qualified",
            Verdict::OnReview => "on_review",
            Verdict::Vetoed => "vetoed",
        },
        code: one.code.as_str(),
        sentence: one.code.sentence(),
        event_id: one.event_id,
        event_name: one.event_name,
        sequence_number: one.number,
        occurrence: one.occurrence,
        receipt: one.holder.as_uuid(),
        amount: one.reported.money.map(|money| money.amount.to_string()),
        currency: one.reported.money.map(|money| money.currency.to_string()),
        payout: None,
        deliveries: Vec::new(),
    }
}
