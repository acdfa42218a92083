//! `GET /api/v1/rollups`: how many postbacks stand where.

use std::collections::BTreeMap;

use actix_web::{get, web};
use chrono::{DateTime, Utc};
use http_kit::{Json, ListBody, Page, Problem, Query, auth::Caller};
use kernel::{OfferId, PublisherId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Api, codes,
    period::{DAY_SECONDS, code, period, wrong},
    unavailable,
};
use crate::{
    domain::Code,
    flows::{Counting, Dimension},
};

/// Which postbacks to count, and by what. Whole hours: an hour counts when it begins in the period.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// What to group by, comma separated: `code`, `offer`, `event`, `publisher`, `country`, `platform`, `hour`.
    #[param(
        example = "offer,code",
        pattern = r"^(code|offer|event|publisher|country|platform|hour)(,(code|offer|event|publisher|country|platform|hour))*$"
    )]
    by: Option<String>,
    /// With this code only.
    #[param(inline, value_type = Option<codes::AnyCode>, example = "QUALIFIED")]
    code: Option<String>,
    /// Of clicks of this offer only.
    #[param(value_type = Option<Uuid>)]
    offer_id: Option<Uuid>,
    /// Of clicks of this publisher only.
    #[param(value_type = Option<Uuid>)]
    publisher_id: Option<Uuid>,
    /// With this Event ID only.
    #[param(value_type = Option<String>, example = "level_10", min_length = 1)]
    event_id: Option<String>,
    /// Received from then on; the last 24 hours when absent.
    #[param(value_type = Option<String>, format = DateTime, min_length = 1, example = "2026-11-22T00:00:00Z")]
    received_from: Option<DateTime<Utc>>,
    /// Received before then; now when absent.
    #[param(value_type = Option<String>, format = DateTime, min_length = 1, example = "2026-11-23T00:00:00Z")]
    received_until: Option<DateTime<Utc>>,
}

/// A group.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CountBody {
    /// What the group has in common, by the names in `by`; empty: not known.
    pub by: BTreeMap<&'static str, String>,
    /// Postbacks in it.
    #[schema(example = 42)]
    pub postbacks: i64,
}

/// Count postbacks
///
/// By their current decision, exact at the moment of reading; the largest group first. Without `by`: by code.
#[utoipa::path(
    tag = "postbacks",
    params(Page, Filter),
    security(("apiToken" = ["read"])),
    responses(
        (status = 200, description = "A page of groups.", body = ListBody<CountBody>),
        (status = 422, description = "The period ends before it begins."),
    )
)]
#[get("/api/v1/rollups")]
pub(super) async fn count_postbacks(
    caller: Caller,
    api: web::Data<Api>,
    page: Page,
    filter: Query<Filter>,
) -> Result<Json<ListBody<CountBody>>, Problem> {
    caller.require_read_tenant()?;
    let filter = filter.0;
    let by = dimensions(filter.by.as_deref().unwrap_or("code"))?;
    let (from, until) =
        period(api.clock.now(), filter.received_from, filter.received_until, Some(DAY_SECONDS))?;
    let counting = Counting {
        tenant: caller.tenant,
        from,
        until,
        code: filter.code.as_deref().map(|text| code(text, Code::ALL)).transpose()?,
        offer: filter.offer_id.map(OfferId::from_uuid),
        publisher: filter.publisher_id.map(PublisherId::from_uuid),
        event_id: filter.event_id,
        by: by.iter().map(|(_, dimension)| *dimension).collect(),
        offset: page.offset(),
        limit: page.limit(),
    };
    let (counted, total) = api.reader.count(&counting).await.map_err(unavailable)?;
    let named = counted.into_iter().map(|group| CountBody {
        by: by.iter().map(|(name, _)| *name).zip(group.values).collect(),
        postbacks: group.postbacks,
    });
    Ok(Json(page.of(named.collect(), total)))
}

fn dimensions(text: &str) -> Result<Vec<(&'static str, Dimension)>, Problem> {
    let mut found: Vec<(&'static str, Dimension)> = Vec::new();
    for word in text.split(',').map(str::trim) {
        let known = Dimension::ALL.into_iter().find(|(name, _)| *name == word);
        match known {
            Some(dimension) if !found.contains(&dimension) => found.push(dimension),
            Some(_) => {}
            None => {
                let names: Vec<&str> = Dimension::ALL.iter().map(|(name, _)| *name).collect();
                return Err(wrong("by", format!("must be some of {}, comma separated", names.join(", "))));
            }
        }
    }
    Ok(found)
}
