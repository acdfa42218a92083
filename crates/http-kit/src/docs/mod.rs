//! The API's document for programs (`/openapi.json`) and for people (`/docs`), on the port of the API itself.
//!
//! Both are made once, when the server starts, and then only handed out. The page needs no script and nothing from
//! anywhere else: its style is inside, allowed by its hash. It shows no more than the document, which is the same for
//! everybody, so neither asks for a token.

mod operation;
mod page;
mod prose;
mod schema;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{self, Bytes},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::openapi::{self, About};

/// Where the document is.
const OPENAPI_PATH: &str = "/openapi.json";
/// Where the page is.
const DOCS_PATH: &str = "/docs";
/// Both.
pub(crate) const PATHS: [&str; 2] = [OPENAPI_PATH, DOCS_PATH];
/// Their methods.
pub(crate) const ALLOW: &str = "GET, HEAD";

const STYLE: &str = include_str!("docs.css");

/// What is handed out.
pub(crate) struct Docs {
    document: Kept,
    page: Kept,
}

struct Kept {
    content_type: &'static str,
    security: String,
    etag: String,
    body: Bytes,
}

impl Docs {
    /// Makes both of what `routes` registers.
    pub(crate) fn of(
        about: &About,
        routes: impl FnOnce(&mut ServiceConfig<'_>),
    ) -> Result<Self, serde_json::Error> {
        let document = openapi::document(about, routes)?;
        let style = STANDARD.encode(Sha256::digest(STYLE));
        let only_style = format!(
            "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        Ok(Self {
            page: Kept::new(
                "text/html; charset=utf-8",
                only_style,
                page::page(&document, STYLE).into_string().into_bytes(),
            ),
            document: Kept::new(
                "application/json",
                "default-src 'none'; frame-ancestors 'none'".to_owned(),
                serde_json::to_vec_pretty(&document)?,
            ),
        })
    }
}

impl Kept {
    fn new(content_type: &'static str, security: String, body: Vec<u8>) -> Self {
        let etag = format!("\"{}\"", STANDARD.encode(Sha256::digest(&body)));
        Self { content_type, security, etag, body: body.into() }
    }

    fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let has_it = request.headers().get_all(header::IF_NONE_MATCH).any(|tags| {
            tags.to_str()
                .is_ok_and(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == self.etag))
        });
        let mut answer = if has_it { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        answer
            .insert_header((header::ETAG, self.etag.as_str()))
            // It changes with the release: ask each time, get 304 nearly always.
            .insert_header((header::CACHE_CONTROL, "no-cache"))
            .insert_header((header::CONTENT_SECURITY_POLICY, self.security.as_str()))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header((header::REFERRER_POLICY, "no-referrer"));
        if has_it { answer.finish() } else { answer.content_type(self.content_type).body(self.body.clone()) }
    }
}

/// Registers both, where there is something to register.
pub(crate) fn register(config: &mut web::ServiceConfig, docs: Option<&web::Data<Docs>>) {
    let Some(docs) = docs else { return };
    config
        .app_data(docs.clone())
        .route(OPENAPI_PATH, web::get().to(document))
        .route(OPENAPI_PATH, web::head().to(document))
        .route(DOCS_PATH, web::get().to(page))
        .route(DOCS_PATH, web::head().to(page));
}

async fn document(request: HttpRequest, docs: web::Data<Docs>) -> HttpResponse {
    docs.document.answer(&request)
}

async fn page(request: HttpRequest, docs: web::Data<Docs>) -> HttpResponse {
    docs.page.answer(&request)
}
