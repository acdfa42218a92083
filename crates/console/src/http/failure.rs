//! Why a page is not the one that was asked for, as a page.

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use maud::html;

use super::page::page;
use crate::services::CallError;

/// Why not.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nobody is signed in, or the token is void.
    #[error("not signed in")]
    SignIn,
    /// A form without the token of its page.
    #[error("the form has not the token of its page")]
    StaleForm,
    /// Another service.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl Failure {
    fn told(&self) -> (StatusCode, &'static str, String) {
        match self {
            Self::SignIn | Self::Call(CallError::Token(_)) => {
                (StatusCode::SEE_OTHER, "Sign in", String::from("Please sign in."))
            }
            Self::StaleForm => (
                StatusCode::FORBIDDEN,
                "This form is not valid any more",
                String::from("Nothing was done. Go back, load the page again and send it once more."),
            ),
            Self::Call(CallError::Forbidden(_)) => (
                StatusCode::FORBIDDEN,
                "Not allowed",
                String::from("The role of your token does not allow this. Ask the owner of your tenant."),
            ),
            Self::Call(CallError::NotFound(who)) => {
                (StatusCode::NOT_FOUND, "Not found", format!("{who} does not know it."))
            }
            Self::Call(CallError::Conflict(who)) => (
                StatusCode::CONFLICT,
                "Not possible now",
                format!(
                    "{who} can not do this in the present state; a revoked credential, for one, is not shown."
                ),
            ),
            Self::Call(CallError::Away(who)) => (
                StatusCode::BAD_GATEWAY,
                "A part of GoKart does not answer",
                format!("{who} did not answer. Nothing is lost; try again in a minute."),
            ),
        }
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        self.told().0
    }

    fn error_response(&self) -> HttpResponse {
        let (status, heading, sentence) = self.told();
        let mut response =
            page(status, heading, None, &html! { p { (sentence) } p { a href="/" { "Start page" } } });
        if status == StatusCode::SEE_OTHER {
            let login = actix_web::http::header::HeaderValue::from_static("/login");
            response.headers_mut().insert(actix_web::http::header::LOCATION, login);
        }
        response
    }
}
