//! `GET /api/v1/integrations/offer-providers/custom/offers/export`: every offer, as JSON that can be imported, or as CSV.

use actix_web::{Error, HttpRequest, HttpResponse, get, http::header, web};
use futures_util::stream;
use http_kit::{Problem, ProblemBody, Query, auth::Caller};
use kernel::{OfferId, TenantId};
use serde::Deserialize;

use super::{
    exporting::Format,
    importing::PROVIDER_CHARS_MAX,
    json::ImportBody,
    reading::{Field, Reader, Unknown},
};
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
    #[param(value_type = Option<String>, min_length = 1, max_length = 100, pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")]
    provider: Field,
    /// json or csv; else as `Accept` says, else json.
    #[param(value_type = Option<String>, pattern = "^(json|csv)$", example = "csv")]
    format: Field,
    #[serde(flatten)]
    #[param(ignore)]
    unknown: Unknown,
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
    let mut r = Reader::new();
    r.refuse_unknown_parameters(&filter.unknown, "provider and format");
    let format = r.word("format", filter.format, &Format::WORDS).unwrap_or_else(|| accepted(&request));
    let provider = r.text("provider", filter.provider, PROVIDER_CHARS_MAX);
    let provider = r.finish_parameters(provider)?.unwrap_or_else(|| PROVIDER.to_owned());
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
