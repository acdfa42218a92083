//! AppsFlyer: keeps the click id of a link that a user followed, and calls back when that user does something.
//!
//! It reads no manual: it fills the template it was given once and sends what it has, twice and late when it likes.

use std::time::Duration;

use url::Url;

use crate::{eventually, http_client};

/// AppsFlyer, with the postback template that an advertiser pasted into it.
#[derive(Debug, Clone)]
pub struct FakeAppsFlyer {
    template: Url,
    client: reqwest::Client,
}

/// What AppsFlyer reports about a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postback {
    params: Vec<(String, String)>,
}

/// The receiver's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// 200 when it was accepted.
    pub status: u16,
    /// As it came.
    pub body: String,
}

impl Answered {
    /// The receipt of an accepted postback.
    ///
    /// # Panics
    /// When there is none.
    pub fn receipt(&self) -> String {
        let body: Option<serde_json::Value> = serde_json::from_str(&self.body).ok();
        body.as_ref()
            .and_then(|body| body.get("receipt")?.as_str())
            .map(str::to_owned)
            .unwrap_or_else(|| panic!("no receipt in {self:?}"))
    }
}

impl Postback {
    /// A user of `click_id` did the event that the advertiser mapped to `event_id`.
    pub fn event(click_id: &str, event_id: &str) -> Self {
        Self { params: Vec::new() }.with("gk_click_id", click_id).with("cnv_event_id", event_id)
    }

    /// A user of `click_id` installed the app. The install template carries no event.
    pub fn install(click_id: &str) -> Self {
        Self { params: Vec::new() }.with("gk_click_id", click_id)
    }

    /// With one more parameter. A name may come twice, as it does outside.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.params.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With an amount in a currency.
    #[must_use]
    pub fn amount(self, amount: &str, currency: &str) -> Self {
        self.with("cnv_amount", amount).with("cnv_currency", currency)
    }
}

/// The click id in a link that a tracker redirected to: what AppsFlyer keeps of it.
///
/// # Panics
/// When the link is not a URL or has no `clickid`.
pub fn click_id_of(location: &str) -> String {
    let link = Url::parse(location).unwrap_or_else(|error| panic!("not a link: {error}: {location}"));
    link.query_pairs()
        .find(|(name, _value)| name == "clickid")
        .map(|(_name, value)| value.into_owned())
        .unwrap_or_else(|| panic!("no clickid in {location}"))
}

impl FakeAppsFlyer {
    /// `template` is the canonical URL of a credential: segment, and `signature` (and perhaps `domain`) in its query.
    ///
    /// # Panics
    /// When it is not a URL.
    pub fn with_template(template: &str) -> Self {
        let template =
            Url::parse(template).unwrap_or_else(|error| panic!("not a template: {error}: {template}"));
        Self { template, client: http_client() }
    }

    /// The whole URL of a postback.
    pub fn url_of(&self, postback: &Postback) -> Url {
        let mut url = self.template.clone();
        url.query_pairs_mut().extend_pairs(&postback.params);
        url
    }

    /// Calls back once.
    ///
    /// # Panics
    /// When nobody answers.
    pub async fn send(&self, postback: &Postback) -> Answered {
        self.try_send(postback).await.unwrap_or_else(|error| panic!("the postback is not answered: {error}"))
    }

    /// Calls back once; an error when nobody answers.
    pub async fn try_send(&self, postback: &Postback) -> Result<Answered, reqwest::Error> {
        // Errors of the client print the URL, and it holds the signature.
        let response =
            self.client.get(self.url_of(postback)).send().await.map_err(reqwest::Error::without_url)?;
        let status = response.status().as_u16();
        let body = response.text().await.map_err(reqwest::Error::without_url)?;
        Ok(Answered { status, body })
    }

    /// Calls back with all of `postbacks` in their order: for twice, name it twice; for out of order, order it so.
    ///
    /// # Panics
    /// When nobody answers.
    pub async fn send_all(&self, postbacks: &[Postback]) -> Vec<Answered> {
        let mut answers = Vec::with_capacity(postbacks.len());
        for postback in postbacks {
            answers.push(self.send(postback).await);
        }
        answers
    }

    /// Calls back until it gets a 200, as AppsFlyer does after a 5xx, only without the quarter of an hour between.
    ///
    /// # Panics
    /// When it gets none within `deadline`.
    pub async fn send_until_accepted(&self, postback: &Postback, deadline: Duration) -> Answered {
        eventually("a postback to be accepted", deadline, async || match self.try_send(postback).await {
            Ok(answer) if answer.status == 200 => Ok(answer),
            other => Err(other),
        })
        .await
    }
}
