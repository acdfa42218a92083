//! `POST /api/v1/erasures`: forget a person.

use actix_web::{HttpResponse, http::header, post, web};
use http_kit::{FieldError, Json, Problem, auth::Caller};
use kernel::{ClickId, PublisherId};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Api, get_erasure::ErasureBody, unavailable};
use crate::flows::Person;

/// Longer than any id of a member or a device; what tracker takes of a member is no longer.
const SUBJECT_BYTES_MAX: usize = 1_024;

/// Who is to be forgotten: exactly one of a click, a member with its publisher, or a device.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the names of the API")]
pub struct OrderBody {
    /// Whoever made this click.
    #[schema(example = "0198c7a2-5b1e-8c4e-9d5a-0f4b8a3c2d1e")]
    gk_click_id: Option<Uuid>,
    /// The member of a publisher, as `pub_member_id` named it.
    member_id: Option<String>,
    /// Whose member.
    publisher_id: Option<Uuid>,
    /// Whoever holds the device: its `appsflyer_id`, `advertising_id`, `idfa` or `idfv`.
    device_id: Option<String>,
}

/// Forget a person
///
/// Takes personal fields away here and, by a fact, in every other service: of the clicks that are found, of their postbacks,
/// and of what still comes of them. What was decided and the money stay. Works on by itself: look at the order for how far
/// it has come, and for what ages out instead. Without a way back.
#[utoipa::path(
    tag = "erasures",
    security(("apiToken" = ["manage"])),
    request_body = OrderBody,
    responses(
        (status = 202, description = "Ordered; `Location` says where to look.", body = ErasureBody),
    )
)]
#[post("/api/v1/erasures")]
pub(super) async fn order_erasure(
    caller: Caller,
    body: Json<OrderBody>,
    api: web::Data<Api>,
) -> Result<HttpResponse, Problem> {
    caller.require_owner()?;
    let person = person(body.0).map_err(Problem::invalid)?;
    let id = api.attributor.order_erasure(caller.tenant, caller.token, &person).await.map_err(unavailable)?;
    let order = api.attributor.erasure(caller.tenant, id).await.map_err(unavailable)?;
    let order = order.ok_or_else(|| Problem::not_found("erasure"))?;
    let location = (header::LOCATION, format!("/api/v1/erasures/{id}"));
    Ok(HttpResponse::Accepted().insert_header(location).json(ErasureBody::from(order)))
}

fn person(body: OrderBody) -> Result<Person, Vec<FieldError>> {
    let wrong = |field: &str, detail: &str| {
        vec![FieldError { field: String::from(field), detail: String::from(detail) }]
    };
    match (body.gk_click_id, body.member_id, body.publisher_id, body.device_id) {
        (Some(click), None, None, None) => Ok(Person::Click(ClickId::from_uuid(click))),
        (None, Some(member), Some(publisher), None) => {
            let member = text(member).map_err(|detail| wrong("memberId", detail))?;
            Ok(Person::Member(PublisherId::from_uuid(publisher), member))
        }
        (None, None, None, Some(device)) => {
            let device = text(device).map_err(|detail| wrong("deviceId", detail))?;
            Ok(Person::Device(String::from(device.trim())))
        }
        (None, Some(_), None, None) => {
            Err(wrong("publisherId", "is missing: the same memberId is another person at another publisher"))
        }
        (None, None, Some(_), None) => {
            Err(wrong("memberId", "is missing: whose member is said, and not which"))
        }
        _ => Err(wrong("gkClickId", "give exactly one of gkClickId, memberId with publisherId, or deviceId")),
    }
}

fn text(text: String) -> Result<String, &'static str> {
    if text.trim().is_empty() || text.len() > SUBJECT_BYTES_MAX || text.contains('\0') {
        return Err("must be 1 to 1024 bytes of text, not only white space");
    }
    Ok(text)
}
