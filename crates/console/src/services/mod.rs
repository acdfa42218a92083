//! The other services, as an account manager's token sees them.
//!
//! Not `http_kit::client`: that one guards against addresses that other people chose, these the operator chose. The bounds
//! are the same kind: no redirect (it would carry the token elsewhere), no proxy, bounded time, bounded bytes.

pub mod bodies;

use std::{fmt, time::Duration};

use reqwest::{
    Client, Method, Response, StatusCode,
    header::{AUTHORIZATION, HeaderValue},
    redirect::Policy,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use telemetry::TraceContext;

use crate::settings::ServicesSettings;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// A person waits for the page; the story makes several calls one after the other.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// A hundred conversions or rules are some 100 KB.
const ANSWER_BYTES_MAX: usize = 4 * 1_024 * 1_024;

/// Whom to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Tenants, offers, credentials.
    OfferCatalog,
    /// Journeys, decisions.
    Attribution,
    /// Money, deliveries.
    Payout,
}

impl fmt::Display for Who {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::OfferCatalog => "offer-catalog",
            Self::Attribution => "attribution",
            Self::Payout => "payout",
        })
    }
}

/// What a page does about a call that brought nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// 401: unknown, revoked or expired.
    #[error("{0} does not accept the token")]
    Token(Who),
    /// 403: the role is not enough.
    #[error("{0} does not allow this to the token")]
    Forbidden(Who),
    /// 404.
    #[error("{0} does not know it")]
    NotFound(Who),
    /// 409: not in the state it is in.
    #[error("{0} can not do this in the present state")]
    Conflict(Who),
    /// Nothing came, or nothing that can be used.
    #[error("{0} did not answer")]
    Away(Who),
}

/// Calls them.
pub struct Services {
    client: Client,
    urls: ServicesSettings,
}

impl Services {
    /// A client of the three.
    ///
    /// # Errors
    /// When it can not be built.
    pub fn new(urls: &ServicesSettings) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            .build()?;
        Ok(Self { client, urls: urls.clone() })
    }

    /// Reads `path`, which begins with `/` and holds only ids and numbers.
    ///
    /// # Errors
    /// [`CallError`], the same for everybody who did not answer with 200 and the body that was asked for.
    pub async fn get<T: DeserializeOwned>(
        &self,
        who: Who,
        token: &SecretString,
        path: &str,
    ) -> Result<T, CallError> {
        self.call(Method::GET, who, token, path).await
    }

    /// Posts to `path` without a body.
    ///
    /// # Errors
    /// As [`Services::get`].
    pub async fn post<T: DeserializeOwned>(
        &self,
        who: Who,
        token: &SecretString,
        path: &str,
    ) -> Result<T, CallError> {
        self.call(Method::POST, who, token, path).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        who: Who,
        token: &SecretString,
        path: &str,
    ) -> Result<T, CallError> {
        let base = match who {
            Who::OfferCatalog => &self.urls.offer_catalog_url,
            Who::Attribution => &self.urls.attribution_url,
            Who::Payout => &self.urls.payout_url,
        };
        let url = format!("{}{path}", base.trim_end_matches('/'));
        // What is no header value is no token either.
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
            .map_err(|_invalid| CallError::Token(who))?;
        bearer.set_sensitive(true);
        let trace = TraceContext::current();
        let mut request = self.client.request(method, url).header(AUTHORIZATION, bearer);
        if !trace.traceparent.is_empty() {
            request = request.header("traceparent", trace.traceparent).header("tracestate", trace.tracestate);
        }
        let away = |reason: &str| {
            tracing::warn!(service = %who, reason, "a service did not answer as it should");
            CallError::Away(who)
        };
        // Without the URL: it names ids.
        let broken = |error: reqwest::Error| away(&telemetry::chain(&error.without_url()));
        let mut answer = request.send().await.map_err(broken)?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => return Err(CallError::Token(who)),
            StatusCode::FORBIDDEN => return Err(CallError::Forbidden(who)),
            StatusCode::NOT_FOUND => return Err(CallError::NotFound(who)),
            StatusCode::CONFLICT => return Err(CallError::Conflict(who)),
            status => return Err(away(status.as_str())),
        }
        let body = read(&mut answer).await.map_err(broken)?;
        let body = body.ok_or_else(|| away("the answer is too long"))?;
        // The error's text may quote the answer, and an answer may hold a secret.
        serde_json::from_slice(&body).map_err(|_quoting| away("the answer has not the fields that are shown"))
    }
}

/// `None`: too long.
async fn read(answer: &mut Response) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            return Ok(None);
        }
    }
    Ok(Some(body))
}
