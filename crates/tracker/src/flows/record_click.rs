//! A click: find the offer, judge, write it down for good, and only then answer.

use std::sync::Arc;

use bus::{Item, PublishError, Route};
use contracts::{
    Fact, Stamp,
    catalog::Gender,
    seal_encoded,
    tracker::{ClickRecorded, ClickRefused, PublisherParameters, RefusalReason, Visitor},
};
use kernel::{ClickId, Clock, FactId, IdSource, LinkId, Timestamp};
use signing::Keyring;
use telemetry::TraceContext;
use url::Url;

use super::offer_book::OfferBook;
use crate::domain::{self, BrokenLink, ClickParameters, LiveOffer, Refusal};

/// A click as the door saw it.
#[derive(Debug, Clone)]
pub struct Click {
    /// The tracking link.
    pub link: LinkId,
    /// What the publisher's link carried.
    pub parameters: ClickParameters,
    /// The device's address.
    pub ip_address: String,
    /// The device's user agent.
    pub user_agent: String,
    /// The caller's trace, or the one of the span that is recorded here; may be empty.
    pub trace: TraceContext,
}

/// What the user gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// On to the advertiser, with this click's id.
    Redirect(Url),
    /// Refused, on to the offer's fallback.
    Fallback(Url),
    /// Refused, and there is nowhere else to go.
    NotAvailable,
    /// No such link.
    UnknownLink,
}

/// Why a click could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum ClickError {
    /// Neither the broker nor the spool took it in time; the user may try again.
    #[error("writing the click down")]
    NotDurable(#[source] PublishError),
    /// The offers were not read yet, so nothing can be said of the link; the user may try again.
    #[error("the offers are not loaded yet")]
    NotLoaded,
    /// The offer's link is broken.
    #[error(transparent)]
    BrokenLink(#[from] BrokenLink),
}

/// Records clicks; one for each process.
#[derive(Clone)]
pub struct Recorder {
    /// The shared offers.
    pub book: OfferBook,
    /// Keys of the click id's MAC.
    pub keyring: Arc<Keyring>,
    /// The process's clock.
    pub clock: Arc<dyn Clock>,
    /// The process's ids and randomness.
    pub ids: Arc<dyn IdSource>,
}

/// A click that is judged: what is to be written down, and what is answered then.
struct Judged {
    route: Route,
    item: Item,
    answer: Answer,
}

impl Recorder {
    /// Records a click by `publish` and says where the user goes. Nothing is answered before it is durable.
    ///
    /// # Errors
    /// [`ClickError`].
    pub async fn record(
        &self,
        click: Click,
        publish: impl AsyncFnOnce(&Route, Item) -> Result<(), PublishError>,
    ) -> Result<Answer, ClickError> {
        let now = self.clock.now();
        let Some(offer) = self.book.find(click.link) else {
            return if self.book.is_whole() { Ok(Answer::UnknownLink) } else { Err(ClickError::NotLoaded) };
        };
        let Judged { route, item, answer } = match domain::judge(&offer, now) {
            Ok(()) => self.take(&offer, click, now)?,
            Err(refusal) => self.refuse(&offer, click, refusal, now),
        };
        fail::fail_point!("tracker::parsed", |_action| std::process::abort());
        publish(&route, item).await.map_err(ClickError::NotDurable)?;
        fail::fail_point!("tracker::answered", |_action| std::process::abort());
        Ok(answer)
    }

    fn take(&self, offer: &LiveOffer, click: Click, now: Timestamp) -> Result<Judged, BrokenLink> {
        let mut random = [0_u8; 5];
        self.ids.fill_random(&mut random);
        let gk_click_id: ClickId = signing::click::mint(&self.keyring, offer.tenant, now.as_millis(), random);
        let url = domain::destination(offer, gk_click_id, &click.parameters)?;
        let fact = ClickRecorded {
            tenant_id: offer.tenant.to_vec(),
            gk_click_id: gk_click_id.to_vec(),
            clicked_at_micros: now.as_micros(),
            link_id: offer.link.to_vec(),
            offer_id: offer.offer.to_vec(),
            offer_version: offer.version,
            advertiser_id: offer.advertiser.to_vec(),
            publisher_id: offer.publisher.to_vec(),
            publisher_parameters: Some(parameters(click.parameters)),
            visitor: Some(visitor(click.ip_address, click.user_agent)),
        };
        Ok(self.judged(offer, now, click.trace, &fact, Answer::Redirect(url)))
    }

    fn refuse(&self, offer: &LiveOffer, click: Click, refusal: Refusal, now: Timestamp) -> Judged {
        let fallback = offer.fallback_link.as_deref().and_then(|link| Url::parse(link).ok());
        let fact = ClickRefused {
            tenant_id: offer.tenant.to_vec(),
            refused_at_micros: now.as_micros(),
            link_id: offer.link.to_vec(),
            offer_id: Some(offer.offer.to_vec()),
            offer_version: Some(offer.version),
            publisher_id: Some(offer.publisher.to_vec()),
            reason: reason(refusal).into(),
            publisher_parameters: Some(parameters(click.parameters)),
            visitor: Some(visitor(click.ip_address, click.user_agent)),
            sent_to_fallback: fallback.is_some(),
            link_text: String::new(),
            parameter: String::new(),
        };
        let answer = fallback.map_or(Answer::NotAvailable, Answer::Fallback);
        self.judged(offer, now, click.trace, &fact, answer)
    }

    fn judged<F: Fact>(
        &self,
        offer: &LiveOffer,
        now: Timestamp,
        trace: TraceContext,
        fact: &F,
        answer: Answer,
    ) -> Judged {
        let fact_id = self.ids.uuid_v7();
        // Where no caller and no collector knows a trace, the fact's own id is the trace's.
        let trace_id = fact_id.into_bytes();
        let [.., s0, s1, s2, s3, s4, s5, s6, s7] = trace_id;
        let trace = trace.or_unrecorded(trace_id, [s0, s1, s2, s3, s4, s5, s6, s7]);
        let stamp = Stamp {
            fact_id: FactId::from_uuid(fact_id),
            tenant: Some(offer.tenant),
            recorded_at: now,
            traceparent: trace.traceparent,
            tracestate: trace.tracestate,
        };
        Judged { route: Route::of::<F>(), item: Item::encoded(seal_encoded(&stamp, fact)), answer }
    }
}

fn parameters(from: ClickParameters) -> PublisherParameters {
    PublisherParameters {
        pub_click_id: from.pub_click_id,
        pub_member_id: from.pub_member_id,
        pub_subs: from.pub_subs,
        gender: from.gender.as_deref().and_then(gender).map(Into::into),
        age: from.age,
    }
}

fn gender(word: &str) -> Option<Gender> {
    match word.to_ascii_lowercase().as_str() {
        "f" | "female" => Some(Gender::Female),
        "m" | "male" => Some(Gender::Male),
        _other => None,
    }
}

fn visitor(ip_address: String, user_agent: String) -> Visitor {
    Visitor { ip_address, user_agent, country: None, platform: None }
}

fn reason(refusal: Refusal) -> RefusalReason {
    match refusal {
        Refusal::NotLive => RefusalReason::NotLive,
        Refusal::Paused => RefusalReason::Paused,
        Refusal::OutsideDates => RefusalReason::OutsideDates,
    }
}
