//! `GET /api/v1/offers`: a page of them, newest first.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, ProblemBody, Query, auth::Caller};
use kernel::{AdvertiserId, PublisherId};
use serde::Deserialize;
use uuid::Uuid;

use super::{answers, json::OfferSummaryJson};
use crate::{
    domain::{listing::OfferFilter, records::Offer, status::OfferStatus},
    flows::Catalog,
};

/// Which offers.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct Filter {
    /// Draft, Ready, Paused or Ended.
    status: Option<String>,
    /// Only of this advertiser.
    advertiser_id: Option<Uuid>,
    /// Only shared with this publisher.
    publisher_id: Option<Uuid>,
}

/// Offers, newest first
#[utoipa::path(
    tag = "Offers",
    security(("apiToken" = [])),
    params(Filter, Page),
    responses(
        (status = 200, description = "A page of them.", body = ListBody<OfferSummaryJson>),
        (status = 400, description = "A parameter can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/offers")]
pub async fn list_offers(
    caller: Caller,
    catalog: web::Data<Catalog>,
    page: Page,
    Query(filter): Query<Filter>,
) -> Result<Json<ListBody<OfferSummaryJson>>, Problem> {
    caller.require_read_tenant()?;
    let (found, domain) = catalog.list_offers(caller.tenant, filter.read()?, answers::window(page)).await?;
    let summary = |offer: Offer| {
        let (status, link) = (catalog.display_status(&offer), catalog.tracking_link(&offer, &domain));
        OfferSummaryJson::new(offer, status, link)
    };
    Ok(Json(page.of(found.items.into_iter().map(summary).collect(), found.total)))
}

impl Filter {
    fn read(self) -> Result<OfferFilter, Problem> {
        let status = self.status.map(|word| {
            OfferStatus::parse(&word).ok_or_else(|| {
                Problem::bad_request("invalid_query", "a query parameter is not acceptable")
                    .field("status", "must be one of Draft, Ready, Paused, Ended")
            })
        });
        Ok(OfferFilter {
            status: status.transpose()?,
            advertiser: self.advertiser_id.map(AdvertiserId::from_uuid),
            publisher: self.publisher_id.map(PublisherId::from_uuid),
        })
    }
}
