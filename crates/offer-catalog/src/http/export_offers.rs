//! `GET /api/v1/integrations/offer-providers/custom/offers/export`: every offer, as JSON that can be imported, or as CSV.

use actix_web::{Error, HttpRequest, HttpResponse, get, http::header, web};
use futures_util::stream;
use http_kit::{Problem, ProblemBody, Query, auth::Caller};
use kernel::{OfferId, TenantId};
use serde::Deserialize;

use super::{exporting::Format, json::ImportBody};
use crate::{
    domain::import::PROVIDER,
    flows::{Catalog, Exported},
};

/// What is exported.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Whose externalIds are shown; `custom` when left out.
    provider: Option<String>,
    /// json or csv; else as `Accept` says, else json.
    format: Option<String>,
}

/// Export offers
///
/// Every created offer that has not ended, in the order in which they were begun, streamed: as JSON, which can be posted to the
/// import as it is and then changes nothing, or as CSV (RFC 4180, UTF-8), a line for each event of each offer. A cell that a
/// spreadsheet would take for a formula begins with an apostrophe. When the database goes away half-way, the answer is cut off.
#[utoipa::path(
    tag = "Imports",
    security(("apiToken" = ["read"])),
    params(Filter),
    responses(
        (status = 200, description = "The offers.", content(
            (ImportBody = "application/json"),
            (String = "text/csv", example = "offerId,externalId,status,…\r\n0194a3c0-0000-7000-8000-000000000001,golfin-ios,Ready,…\r\n"),
        )),
        (status = 400, description = "A parameter can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/integrations/offer-providers/custom/offers/export")]
pub async fn export_offers(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    Query(filter): Query<Filter>,
) -> Result<HttpResponse, Problem> {
    caller.require_read_tenant()?;
    let format = match filter.format.as_deref() {
        Some(word) => Format::parse(word).ok_or_else(|| {
            Problem::bad_request("invalid_query", "a query parameter is not acceptable")
                .field("format", "must be json or csv")
        })?,
        None => accepted(&request),
    };
    let provider = filter.provider.unwrap_or_else(|| PROVIDER.to_owned());
    // The first page before the answer begins: a database that is away is still said with a status.
    let first = catalog.export_page(caller.tenant, &provider, None).await?;
    let opening = format.opening(&provider, catalog.export_id());
    let (catalog, tenant) = (catalog.into_inner(), caller.tenant);
    let export =
        Export { catalog, tenant, provider, format, page: Some(first), begun: Some(opening), is_first: true };
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, format.media_type()))
        .insert_header((header::CONTENT_DISPOSITION, format.disposition()))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(stream::try_unfold(export, Export::next)))
}

struct Export {
    catalog: std::sync::Arc<Catalog>,
    tenant: TenantId,
    provider: String,
    format: Format,
    page: Option<Vec<Exported>>,
    begun: Option<String>,
    is_first: bool,
}

impl Export {
    /// A page as text, and the one after it.
    async fn next(mut self) -> Result<Option<(web::Bytes, Self)>, Error> {
        let Some(page) = self.page.take() else { return Ok(None) };
        let mut text = self.begun.take().unwrap_or_default();
        let last: Option<OfferId> = page.last().map(|exported| exported.offer.offer_id);
        for exported in page {
            self.format.write(&mut text, exported, self.is_first).map_err(Problem::internal)?;
            self.is_first = false;
        }
        match last {
            Some(last) => {
                let next = self.catalog.export_page(self.tenant, &self.provider, Some(last)).await;
                self.page = Some(next.map_err(Problem::from)?);
            }
            None => text.push_str(self.format.closing()),
        }
        Ok(Some((web::Bytes::from(text), self)))
    }
}

fn accepted(request: &HttpRequest) -> Format {
    let accept =
        request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accept.to_ascii_lowercase().contains("text/csv") { Format::Csv } else { Format::Json }
}
