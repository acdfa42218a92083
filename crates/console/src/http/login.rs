//! `GET /login`, `POST /login`, `POST /logout`: an API token for a session.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{HeaderValue, SET_COOKIE},
    },
    web,
};
use maud::html;
use secrecy::SecretString;
use serde::Deserialize;

use super::{Desk, cookies, failure::Failure, page::page};
use crate::{
    services::{CallError, Who, bodies::Tenant},
    sessions,
};

/// Time to find and paste a token.
const SIGN_IN_SECONDS: i64 = 3_600;

/// The sign-in form as it is sent.
#[derive(Deserialize)]
pub struct SignIn {
    api_token: SecretString,
    form_token: String,
}

/// A form of nothing but a button.
#[derive(Deserialize)]
pub struct Button {
    /// From the page.
    pub form_token: String,
}

/// The form.
pub async fn form(desk: web::Data<Desk>) -> HttpResponse {
    show(&desk, StatusCode::OK, None)
}

fn show(desk: &Desk, status: StatusCode, complaint: Option<&str>) -> HttpResponse {
    let token = desk.sessions.form_token();
    let body = html! {
        @if let Some(complaint) = complaint { p.bad role="alert" { (complaint) } }
        form.tall method="post" action="/login" {
            input type="hidden" name="form_token" value=(token.as_str());
            label for="api_token" { "API token" }
            input #api_token type="password" name="api_token" placeholder="gkt_…" autocomplete="off" required;
            button { "Sign in" }
        }
        p.quiet { "The token stays in this server's memory until you sign out. The owner of your tenant issues tokens." }
    };
    let mut response = page(status, "Sign in", None, &body);
    set_cookie(
        &mut response,
        &cookies::written(cookies::SIGN_IN, token.as_str(), SIGN_IN_SECONDS, desk.secure_cookie),
    );
    response
}

/// Checks the token where tokens are known, and opens a session.
pub async fn login(
    request: HttpRequest,
    desk: web::Data<Desk>,
    form: web::Form<SignIn>,
) -> Result<HttpResponse, Failure> {
    let SignIn { api_token, form_token } = form.into_inner();
    let expected = cookies::read(&request, cookies::SIGN_IN).unwrap_or_default();
    if expected.is_empty() || !sessions::same(expected, &form_token) {
        return Ok(show(
            &desk,
            StatusCode::FORBIDDEN,
            Some("The form was not valid any more. Please try again."),
        ));
    }
    let tenant = match desk.services.get::<Tenant>(Who::OfferCatalog, &api_token, "/api/v1/tenants/me").await
    {
        Ok(tenant) => tenant,
        Err(CallError::Token(_)) => {
            return Ok(show(
                &desk,
                StatusCode::UNAUTHORIZED,
                Some("This token is unknown, revoked or expired."),
            ));
        }
        Err(CallError::Forbidden(_)) => {
            let why = "These pages are for a tenant's own people; this token has another role.";
            return Ok(show(&desk, StatusCode::FORBIDDEN, Some(why)));
        }
        Err(error) => return Err(error.into()),
    };
    let tenant = format!("{} ({})", tenant.display_name, tenant.domain);
    let cookie = desk.sessions.open(api_token, tenant);
    let mut response = onward("/");
    set_cookie(
        &mut response,
        &cookies::written(cookies::SESSION, &cookie, desk.sessions.seconds(), desk.secure_cookie),
    );
    set_cookie(&mut response, &cookies::written(cookies::SIGN_IN, "", 0, desk.secure_cookie));
    Ok(response)
}

/// Forgets the token.
pub async fn logout(
    request: HttpRequest,
    desk: web::Data<Desk>,
    form: web::Form<Button>,
) -> Result<HttpResponse, Failure> {
    desk.session_of_form(&request, &form.form_token)?;
    if let Some(cookie) = cookies::read(&request, cookies::SESSION) {
        desk.sessions.close(cookie);
    }
    let mut response = onward("/login");
    set_cookie(&mut response, &cookies::written(cookies::SESSION, "", 0, desk.secure_cookie));
    Ok(response)
}

fn onward(to: &'static str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header(("location", to))
        .insert_header(("cache-control", "no-store"))
        .insert_header(("referrer-policy", "no-referrer"))
        .finish()
}

fn set_cookie(response: &mut HttpResponse, cookie: &str) {
    // Names, hexadecimal digits and numbers: always a header value.
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}
