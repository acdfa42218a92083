//! `GET /api/v1/statements`: what parties have earned and owe, month by month.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, Query, auth::Caller};
use serde::{Deserialize, Deserializer, de::Error as _};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Api,
    bodies::{self, StatementBody},
    error, scope,
};
use crate::{
    domain::{ledger::AccountKind, statements::Month},
    flows::statements::{self, Filter},
};

/// Which statements.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StatementFilter {
    /// Of one month.
    #[serde(default, deserialize_with = "month")]
    #[param(value_type = Option<String>, pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$")]
    period: Option<Month>,
    /// Of publishers only, or of advertisers only.
    #[param(inline)]
    of: Option<OfWord>,
    /// Of one publisher.
    #[param(value_type = Option<Uuid>)]
    publisher_id: Option<Uuid>,
    /// Of one advertiser.
    #[param(value_type = Option<Uuid>)]
    advertiser_id: Option<Uuid>,
}

/// Whose account, by its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
pub enum OfWord {
    /// What is owed to publishers.
    Publisher,
    /// What advertisers owe.
    Advertiser,
}

fn month<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Month>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Month::parse(&text).map(Some).ok_or_else(|| D::Error::custom("must be a month such as 2026-11"))
}

/// What parties have earned and owe, month by month
///
/// Newest period first. Those of a period that is not closed show this moment. A publisher's token sees its own, and nothing
/// of advertisers.
#[utoipa::path(
    tag = "statements",
    params(Page, StatementFilter),
    security(("apiToken" = ["read-own"])),
    responses((status = 200, description = "A page of statements", body = ListBody<StatementBody>))
)]
#[get("/api/v1/statements")]
pub async fn list_statements(
    caller: Caller,
    api: web::Data<Api>,
    page: Page,
    filter: Query<StatementFilter>,
) -> Result<Json<ListBody<StatementBody>>, Problem> {
    let scope = scope(&caller)?;
    let filter = filter.0;
    let of = |word, party: Option<Uuid>| (party.is_some() || filter.of == Some(word)).then_some(word);
    let (publisher, advertiser) =
        (of(OfWord::Publisher, filter.publisher_id), of(OfWord::Advertiser, filter.advertiser_id));
    let kind = match (publisher, advertiser) {
        // No account is of both.
        (Some(_), Some(_)) => return Ok(Json(page.of(Vec::new(), 0))),
        (Some(_), None) => Some(AccountKind::PublisherPayable),
        (None, Some(_)) => Some(AccountKind::AdvertiserReceivable),
        (None, None) => None,
    };
    let asked = Filter {
        month: filter.period,
        kind,
        party: filter.publisher_id.or(filter.advertiser_id),
        offset: page.offset(),
        limit: page.limit(),
    };
    let (views, total) = statements::list(&api.pool, scope, asked).await.map_err(error::of_store)?;
    Ok(Json(page.of(views.iter().map(bodies::statement).collect(), total)))
}
