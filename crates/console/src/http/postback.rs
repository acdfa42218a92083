//! `GET /postback`: the credentials, masked. `POST /postback/{credential}/reveal`: the eye.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use maud::{Markup, html};
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use super::{
    Desk,
    failure::Failure,
    login::Button,
    offers::{name_of, names},
    page::{form_token, page},
};
use crate::{
    services::{
        Who,
        bodies::{Credential, Generation, List, Revealed},
    },
    sessions::Session,
};

/// The credentials.
pub async fn postback(request: HttpRequest, desk: web::Data<Desk>) -> Result<HttpResponse, Failure> {
    let session = desk.session(&request)?;
    let path = "/api/v1/credentials?page_size=100";
    let credentials: List<Credential> = desk.services.get(Who::OfferCatalog, &session.token, path).await?;
    let advertisers = names(&desk.services, &session.token, "advertisers").await?;
    let body = html! {
        @if credentials.items.is_empty() { p { "No credentials yet." } }
        @for credential in &credentials.items { (card(credential, &advertisers, &session)) }
    };
    Ok(page(StatusCode::OK, "Postback", Some(&session), &body))
}

fn card(credential: &Credential, advertisers: &HashMap<Uuid, String>, session: &Session) -> Markup {
    html! {
        article {
            h2 {
                @match credential.advertiser_id {
                    None => "Global postback",
                    Some(advertiser) => { "Postback of " (name_of(advertisers, advertiser)) }
                }
                @if credential.revoked { " " span.tag { "Revoked" } }
            }
            pre { (credential.postback_url) }
            @if !credential.revoked {
                form method="post" action={ "/postback/" (credential.id) "/reveal" } {
                    (form_token(session))
                    button title="Show; the audit log will name your token" { "👁 Show" }
                }
            }
            @for generation in &credential.generations { (uses(generation)) }
            p.quiet { (credential.id) }
        }
    }
}

/// Whether anybody still uses a generation: what people look at before they let one end.
fn uses(generation: &Generation) -> Markup {
    html! {
        p {
            "Generation " (generation.number)
            @if let Some(until) = &generation.valid_until { ", valid until " (until) }
            @match &generation.last_used_at {
                Some(at) => { ", last used " (at) "." }
                None => ", never used yet.",
            }
        }
        @if !generation.used_by.is_empty() {
            ul {
                @for app in &generation.used_by {
                    li {
                        @match &app.app_id {
                            Some(id) => (id),
                            None => "Other apps, or none named",
                        }
                        ": last used " (app.last_used_at) ", " (app.uses) " postbacks"
                    }
                }
            }
        }
    }
}

/// The values to paste into AppsFlyer. offer-catalog writes down whose token asked.
pub async fn reveal(
    request: HttpRequest,
    desk: web::Data<Desk>,
    credential: web::Path<Uuid>,
    form: web::Form<Button>,
) -> Result<HttpResponse, Failure> {
    let session = desk.session_of_form(&request, &form.form_token)?;
    let path = format!("/api/v1/credentials/{credential}/reveal");
    let revealed: Revealed = desk.services.post(Who::OfferCatalog, &session.token, &path).await?;
    let body = html! {
        p { "Paste these into AppsFlyer, once for Install and once for In-App Events. Do not mail them." }
        h2 { "Security Segment" }
        pre { (revealed.security_segment.expose_secret()) }
        h2 { "Domain" }
        pre { (revealed.domain) }
        h2 { "Signature" }
        pre { (revealed.signature.expose_secret()) }
        h2 { "Postback URL" }
        pre { (revealed.postback_url.expose_secret()) }
        p { a href="/postback" { "Hide" } }
    };
    Ok(page(StatusCode::OK, "Postback", Some(&session), &body))
}
