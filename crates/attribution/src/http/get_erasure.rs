//! `GET /api/v1/erasures/{erasure_id}`: how far forgetting has come, and what ages out instead.

use actix_web::{get, web};
use http_kit::{Json, Problem, auth::Caller};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Api, unavailable, written_sql};
use crate::{
    domain::{AGES_OUT, AgesOut},
    flows::ErasureRow,
};

/// An order to forget a person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "erasureId": "019a2c11-0f4e-7d20-9a00-6b1d8c7e5f42", "kind": "click",
    "subjectHash": "erased:1:b7yQm0lH0m3y1c2mJx0c8xq5g9dQm7o1o5cW5b2w3yE",
    "orderedBy": "0193a1f0-0000-7000-8000-00000000000a", "orderedAt": "2026-12-03T09:00:00.000000Z",
    "doneAt": "2026-12-03T09:00:01.500000Z", "clicks": 1, "postbacks": 3,
    "agesOut": [{"place": "backups", "holds": "whatever was here", "until": "as long as you keep them"}]
}))]
pub struct ErasureBody {
    /// Its id.
    pub erasure_id: Uuid,
    /// What was named: `click`, `member` or `device`.
    pub kind: String,
    /// Whose member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher_id: Option<Uuid>,
    /// A keyed hash of what was named: the same for two orders about the same.
    pub subject_hash: String,
    /// Whose token ordered it.
    pub ordered_by: Uuid,
    /// When.
    pub ordered_at: String,
    /// When everything here was gone through; absent while work goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done_at: Option<String>,
    /// Clicks forgotten so far.
    pub clicks: i64,
    /// Raw postbacks forgotten so far.
    pub postbacks: i64,
    /// Where personal data may still stand, and until when.
    pub ages_out: Vec<AgesOutBody>,
}

/// A place that is not cleared by the order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgesOutBody {
    /// Where.
    pub place: &'static str,
    /// What may stand there.
    pub holds: &'static str,
    /// When it goes, or who has to see to it.
    pub until: &'static str,
}

/// Read how far forgetting is
///
/// And where personal data ages out instead.
#[utoipa::path(
    tag = "erasures",
    params(("erasure_id" = Uuid, Path, description = "The order's id")),
    security(("apiToken" = ["manage"])),
    responses((status = 200, description = "The order.", body = ErasureBody), (status = 404, description = "No such order."))
)]
#[get("/api/v1/erasures/{erasure_id}")]
pub(super) async fn get_erasure(
    caller: Caller,
    id: web::Path<Uuid>,
    api: web::Data<Api>,
) -> Result<Json<ErasureBody>, Problem> {
    caller.require_owner()?;
    let order = api.attributor.erasure(caller.tenant, id.into_inner()).await.map_err(unavailable)?;
    order.map(|order| Json(ErasureBody::from(order))).ok_or_else(|| Problem::not_found("erasure"))
}

impl From<ErasureRow> for ErasureBody {
    fn from(row: ErasureRow) -> Self {
        Self {
            erasure_id: row.erasure_id,
            kind: row.kind,
            publisher_id: row.publisher_id,
            subject_hash: row.subject_hash,
            ordered_by: row.ordered_by,
            ordered_at: written_sql(row.ordered_at),
            done_at: row.done_at.map(written_sql),
            clicks: row.clicks,
            postbacks: row.postbacks,
            ages_out: AGES_OUT.iter().map(AgesOutBody::from).collect(),
        }
    }
}

impl From<&AgesOut> for AgesOutBody {
    fn from(one: &AgesOut) -> Self {
        Self { place: one.place, holds: one.holds, until: one.until }
    }
}
