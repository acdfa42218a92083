//! `GET /`: the tenant's offers.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use maud::{Markup, html};
use secrecy::SecretString;
use serde::Deserialize;
use uuid::Uuid;

use super::{Desk, failure::Failure, page::page};
use crate::services::{
    CallError, Services, Who,
    bodies::{List, Offer, Party},
};

/// Offers on a page.
const PAGE_SIZE: u64 = 50;

/// Which page; text, because whatever else somebody types is the first one.
#[derive(Deserialize)]
pub struct Which {
    page: Option<String>,
}

/// The page.
pub async fn offers(
    request: HttpRequest,
    desk: web::Data<Desk>,
    which: web::Query<Which>,
) -> Result<HttpResponse, Failure> {
    let session = desk.session(&request)?;
    let number =
        which.page.as_deref().and_then(|page| page.parse::<u32>().ok()).unwrap_or(1).clamp(1, 100_000);
    let path = format!("/api/v1/offers?page={number}&page_size={PAGE_SIZE}");
    let offers: List<Offer> = desk.services.get(Who::OfferCatalog, &session.token, &path).await?;
    let publishers = names(&desk.services, &session.token, "publishers").await?;
    let body = html! {
        @if offers.items.is_empty() { p { "No offers here." } }
        @for offer in &offers.items { (card(offer, &publishers)) }
        (turn(number, offers.total))
    };
    Ok(page(StatusCode::OK, "Offers", Some(&session), &body))
}

fn card(offer: &Offer, publishers: &HashMap<Uuid, String>) -> Markup {
    html! {
        article {
            h2 { (offer.name.as_deref().unwrap_or("(no name yet)")) " " span.tag { (offer.display_status) } }
            @if let Some(share) = &offer.shared_to {
                p { "Shared to " (name_of(publishers, share.publisher_id)) }
                // Text, not a link: following it would be a click.
                @if let Some(link) = &share.tracking_link { p { "Tracking link" } pre { (link) } }
            } @else {
                p { "Not shared" }
            }
            p.quiet { (offer.id) }
        }
    }
}

fn turn(number: u32, total: u64) -> Markup {
    let pages = total.div_ceil(PAGE_SIZE);
    html! {
        @if pages > 1 {
            p {
                @if number > 1 { a href={ "/?page=" (number.saturating_sub(1)) } { "Newer" } " " }
                "Page " (number) " of " (pages)
                @if u64::from(number) < pages { " " a href={ "/?page=" (number.saturating_add(1)) } { "Older" } }
            }
        }
    }
}

/// Names of the newest hundred `publishers` or `advertisers`; the others are shown by id.
pub async fn names(
    services: &Services,
    token: &SecretString,
    parties: &str,
) -> Result<HashMap<Uuid, String>, CallError> {
    let path = format!("/api/v1/{parties}?page_size=100");
    let found: List<Party> = services.get(Who::OfferCatalog, token, &path).await?;
    Ok(found.items.into_iter().map(|party| (party.id, party.name)).collect())
}

/// The name, or the id of one that is not among the names.
pub fn name_of(names: &HashMap<Uuid, String>, id: Uuid) -> String {
    names.get(&id).cloned().unwrap_or_else(|| id.to_string())
}
