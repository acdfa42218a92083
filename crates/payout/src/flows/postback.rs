//! From a claimed delivery to a signed request.
//!
//! On POST the body is signed. On GET there is none, so the request target (path and query, as they are sent) is signed in
//! its place. Either way `webhook-id` stays the same on every attempt and `webhook-timestamp` is the attempt's.

use contracts::headers::is_reserved;
use http_kit::client::{
    Method as HttpMethod, Outbound, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use kernel::{EndpointId, TenantId, Timestamp};
use secrecy::ExposeSecret as _;
use signing::{
    Keyring,
    seal::{self, OpenError},
    webhook::{self, WebhookSecret},
};
use telemetry::TraceContext;

use super::{
    mask::Mask,
    story::{StoryError, story},
};
use crate::{
    domain::postback::{Story, TEST_HEADER, Template, TemplateError, json_body, webhook_id},
    store::{
        deliveries::{Claimed, Target},
        publishers::Method,
    },
};

/// Why a request could not even be made. Shown to people in the delivery log: no text of these holds a secret.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsendable {
    #[error("the endpoint is switched off")]
    Inactive,
    #[error("the URL template can not be used: {0}")]
    Template(#[from] TemplateError),
    #[error("the rendered URL is not a URL")]
    Url,
    #[error(
        "a value of the click makes `.` or `..` of a part of the path, and would lead to another one than the template's"
    )]
    Path,
    #[error("the endpoint's secrets can not be opened: {0}")]
    Sealed(#[from] OpenError),
    #[error("the endpoint's secret is {0}")]
    Secret(#[from] webhook::SecretError),
    #[error("the request can not be signed: {0}")]
    Sign(#[from] webhook::SignError),
    #[error("the custom header can not be sent")]
    Header,
    #[error("the conversion can not be told: {0}")]
    Story(#[from] StoryError),
    #[error("the body can not be written")]
    Body(#[from] serde_json::Error),
}

/// A request, and what the delivery log may show of it.
pub(super) struct Prepared {
    pub(super) request: Outbound,
    pub(super) shown: String,
    /// Names of its headers.
    pub(super) headers: Vec<String>,
    /// What an answer must not repeat.
    pub(super) mask: Mask,
}

/// What is told, to whom, and where.
pub(super) struct Message<'a> {
    pub(super) tenant: TenantId,
    pub(super) endpoint: EndpointId,
    pub(super) target: &'a Target,
    pub(super) webhook_id: String,
    pub(super) story: Story,
    /// A sample that tells of no conversion.
    pub(super) is_test: bool,
}

/// Makes the request of one attempt at `now`, within the trace of the postback behind it.
pub(super) fn prepare(
    claimed: &Claimed,
    keyring: &Keyring,
    now: Timestamp,
    trace: &TraceContext,
) -> Result<Prepared, Unsendable> {
    let message = Message {
        tenant: claimed.tenant,
        endpoint: claimed.endpoint,
        target: &claimed.target,
        webhook_id: webhook_id(claimed.conversion, claimed.revision, claimed.endpoint),
        story: story(claimed)?,
        is_test: false,
    };
    prepare_message(&message, keyring, now, trace)
}

/// The same of any message.
pub(super) fn prepare_message(
    message: &Message<'_>,
    keyring: &Keyring,
    now: Timestamp,
    trace: &TraceContext,
) -> Result<Prepared, Unsendable> {
    let Message { target, webhook_id, story, .. } = message;
    if !target.active {
        return Err(Unsendable::Inactive);
    }
    let template = Template::parse(&target.url_template)?;
    let rendered = template.render(story);
    if !template.keeps_its_path(&rendered) {
        return Err(Unsendable::Path);
    }
    let url = Url::parse(&rendered).map_err(|_quotes_the_url| Unsendable::Url)?;
    let (method, body) = match target.method {
        Method::Get => (HttpMethod::GET, Vec::new()),
        Method::PostJson => (HttpMethod::POST, json_body(story, now)?),
    };

    let (mut headers, mask) = custom_header(message, keyring)?;
    let secrets = signing_secrets(message, keyring)?;
    if !secrets.is_empty() {
        let seconds = now.as_millis().div_euclid(1_000);
        let request_target = request_target(&url);
        let signed = match target.method {
            Method::Get => request_target.as_bytes(),
            Method::PostJson => body.as_slice(),
        };
        let signature = webhook::sign(&secrets, webhook_id, seconds, signed)?;
        insert(&mut headers, "webhook-id", webhook_id)?;
        insert(&mut headers, "webhook-timestamp", &seconds.to_string())?;
        insert(&mut headers, "webhook-signature", &signature)?;
    }
    if target.method == Method::PostJson {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if message.is_test {
        insert(&mut headers, TEST_HEADER, "true")?;
    }
    if !trace.traceparent.is_empty() {
        insert(&mut headers, "traceparent", &trace.traceparent)?;
    }
    if !trace.tracestate.is_empty() {
        insert(&mut headers, "tracestate", &trace.tracestate)?;
    }
    let shown = shown(&method, &url);
    let names = headers.keys().map(|name| name.as_str().to_owned()).collect();
    Ok(Prepared {
        request: Outbound { method, url, headers, body: body.into() },
        shown,
        headers: names,
        mask,
    })
}

/// Path and query as they stand in the request's first line.
fn request_target(url: &Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

/// Method, scheme, host and the names of the parameters. Paths and values may be a publisher's secrets.
fn shown(method: &HttpMethod, url: &Url) -> String {
    let names: Vec<String> = url.query_pairs().map(|(name, _)| format!("{name}=…")).collect();
    let query = if names.is_empty() { String::new() } else { format!("?{}", names.join("&")) };
    format!("{method} {}/…{query}", url.origin().ascii_serialization())
}

fn signing_secrets(message: &Message<'_>, keyring: &Keyring) -> Result<Vec<WebhookSecret>, Unsendable> {
    let place = seal::endpoint_signing_secret(message.tenant, message.endpoint);
    let Target { signing_secret, old_signing_secret, .. } = message.target;
    [signing_secret, old_signing_secret]
        .into_iter()
        .flatten()
        .map(|sealed| Ok(WebhookSecret::parse(seal::open_text(keyring, &place, sealed)?.expose_secret())?))
        .collect()
}

/// The publisher's own header, and what of its set-up no answer may show.
fn custom_header(message: &Message<'_>, keyring: &Keyring) -> Result<(HeaderMap, Mask), Unsendable> {
    let mut headers = HeaderMap::new();
    let template = message.target.url_template.as_str();
    let Some((name, sealed)) = &message.target.custom_header else {
        return Ok((headers, Mask::of(template, None)));
    };
    let name = HeaderName::try_from(name.as_str()).map_err(|_not_a_name| Unsendable::Header)?;
    // The catalog takes no such name; a publisher's header can not take the place of ours or the protocol's.
    if is_reserved(name.as_str()) {
        return Err(Unsendable::Header);
    }
    let place = seal::endpoint_header_value(message.tenant, message.endpoint);
    let value = seal::open_text(keyring, &place, sealed)?;
    let mask = Mask::of(template, Some(value.expose_secret()));
    let mut value =
        HeaderValue::from_str(value.expose_secret()).map_err(|_not_printed| Unsendable::Header)?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok((headers, mask))
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) -> Result<(), Unsendable> {
    let value = HeaderValue::from_str(value).map_err(|_not_printed| Unsendable::Header)?;
    headers.insert(HeaderName::from_static(name), value);
    Ok(())
}
