//! One call: checked, sent, read within bounds.

use std::sync::Arc;

use bytes::Bytes;
use reqwest::{Method, Response, Url, header::HeaderMap, redirect, retry};
use tokio::time::{Instant, timeout_at};

use super::{
    address::AddressPolicy,
    answer::{Answer, BodyEnd},
    error::{BuildError, SendError},
    resolver::{self, FilteringResolver, Lookup},
    settings::ClientSettings,
    target,
};

/// `Retry-After` is a number or a date; nothing longer is either.
const RETRY_AFTER_LIMIT_BYTES: usize = 64;
const USER_AGENT: &str = concat!("GoKart/", env!("CARGO_PKG_VERSION"));

/// A request to somebody else's server.
#[derive(Debug)]
pub struct Outbound {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Headers, on top of `user-agent`.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
}

/// The client for calls to addresses that other people chose. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    policy: Arc<AddressPolicy>,
    settings: Arc<ClientSettings>,
}

impl Client {
    /// A client with these bounds.
    ///
    /// # Errors
    /// [`BuildError`] when there are no root certificates.
    pub fn new(settings: &ClientSettings) -> Result<Self, BuildError> {
        Self::with_names(settings, resolver::system())
    }

    /// With another way from names to addresses.
    pub(super) fn with_names(settings: &ClientSettings, lookup: Lookup) -> Result<Self, BuildError> {
        // reqwest panics without a provider. In services `telemetry::init` was first; in tests this may be.
        telemetry::install_crypto_provider();
        let policy = Arc::new(AddressPolicy::new(settings.allowed_networks.clone()));
        let http = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            // Over HTTP/2 a body that was given up goes on coming: only its stream ends, its connection lives on for others, and its
            // peer is given room for more. Here whoever says too much is hung up on.
            .http1_only()
            // An attempt that is recorded as one must be one.
            .retry(retry::never())
            .dns_resolver(FilteringResolver::new(Arc::clone(&policy), settings.lookups, lookup))
            .connect_timeout(settings.connect_timeout())
            .pool_max_idle_per_host(settings.idle_per_host)
            .build()
            .map_err(BuildError)?;
        Ok(Self { http, policy, settings: Arc::new(settings.clone()) })
    }

    /// Sends once and reads the answer, within the bounds.
    ///
    /// # Errors
    /// [`SendError`] when no status line arrived. An answer of any status is `Ok`, also when its body is cut short.
    pub async fn send(&self, request: Outbound) -> Result<Answer, SendError> {
        target::check(&request.url, &self.policy)?;
        let started = Instant::now();
        let deadline = started + self.settings.total_timeout();
        let call =
            self.http.request(request.method, request.url).headers(request.headers).body(request.body).send();
        let mut response = timeout_at(deadline, call)
            .await
            .map_err(|_elapsed| SendError::AnswerTimeout)?
            .map_err(|error| SendError::of(&error))?;

        let answered = started.elapsed();
        let status = response.status().as_u16();
        let retry_after = response
            .headers()
            .get(reqwest::header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .filter(|text| text.len() <= RETRY_AFTER_LIMIT_BYTES)
            .map(str::to_owned);
        let body = self.read(&mut response, deadline).await;
        Ok(Answer {
            status,
            retry_after,
            excerpt: printable(&body.kept),
            body_bytes: body.bytes,
            body_end: body.end,
            answered,
            elapsed: started.elapsed(),
        })
    }

    /// Reads at most the bound; more closes the connection instead of draining it.
    async fn read(&self, response: &mut Response, deadline: Instant) -> Body {
        let mut body = Body { kept: Vec::new(), bytes: 0, end: BodyEnd::Complete };
        loop {
            let chunk = match timeout_at(deadline, response.chunk()).await {
                Err(_elapsed) => break body.end = BodyEnd::TimedOut,
                Ok(Err(_broken)) => break body.end = BodyEnd::Broken,
                Ok(Ok(None)) => break,
                Ok(Ok(Some(chunk))) => chunk,
            };
            let room = self.settings.excerpt_bytes.saturating_sub(body.kept.len());
            body.kept.extend(chunk.iter().take(room));
            body.bytes = body.bytes.saturating_add(chunk.len());
            if body.bytes > self.settings.body_limit_bytes {
                break body.end = BodyEnd::Capped;
            }
        }
        body
    }
}

struct Body {
    kept: Vec<u8>,
    bytes: usize,
    end: BodyEnd,
}

/// Text for tables and pages: PostgreSQL takes no NUL, a terminal no escapes, a person no line that runs backwards.
fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .map(|letter| match letter {
            '\n' | '\t' => letter,
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' => '\u{fffd}',
            other if other.is_control() => '\u{fffd}',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_holds_nothing_that_steers() {
        let text = printable(b"ok\n\x00\x1b[31mred\xff\xe2\x80\xae");
        assert_eq!(text, "ok\n\u{fffd}\u{fffd}[31mred\u{fffd}\u{fffd}");
    }
}
