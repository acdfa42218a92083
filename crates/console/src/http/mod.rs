//! The pages: server-rendered, without a script.

mod cookies;
mod failure;
mod login;
mod offers;
mod page;
mod postback;
mod story;

use actix_web::{HttpRequest, HttpResponse, web};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    services::Services,
    sessions::{Session, Sessions},
};
use failure::Failure;

/// What the pages work with; one for each process.
pub struct Desk {
    /// Where everything shown comes from.
    pub services: Services,
    /// Who is signed in.
    pub sessions: Sessions,
    /// Whether cookies go over HTTPS only.
    pub secure_cookie: bool,
}

impl Desk {
    /// The session of a request.
    fn session(&self, request: &HttpRequest) -> Result<Session, Failure> {
        let cookie = cookies::read(request, cookies::SESSION);
        cookie.and_then(|cookie| self.sessions.find(cookie)).ok_or(Failure::SignIn)
    }

    /// The session of a form that was sent: only with the token that our page put into it.
    fn session_of_form(&self, request: &HttpRequest, form_token: &str) -> Result<Session, Failure> {
        let session = self.session(request)?;
        if session.form_token.matches(form_token) { Ok(session) } else { Err(Failure::StaleForm) }
    }
}

/// Registers the pages.
pub fn routes(desk: web::Data<Desk>) -> impl Fn(&mut ServiceConfig<'_>) + Clone + Send + 'static {
    move |config| {
        config
            .app_data(desk.clone())
            .route("/", web::get().to(offers::offers))
            .route("/story", web::get().to(story::story))
            .route("/postback", web::get().to(postback::postback))
            .route("/postback/{credential}/reveal", web::post().to(postback::reveal))
            .route("/login", web::get().to(login::form))
            .route("/login", web::post().to(login::login))
            .route("/logout", web::post().to(login::logout))
            .route("/static/console.css", web::get().to(stylesheet));
    }
}

async fn stylesheet() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("cache-control", "public, max-age=3600"))
        .insert_header(("x-content-type-options", "nosniff"))
        .content_type("text/css; charset=utf-8")
        .body(include_str!("../../static/console.css"))
}
