//! A click: find the offer, judge, write it down for good, and only then answer.

use std::{net::IpAddr, sync::Arc};

use bus::{Item, PublishError, Route};
use contracts::{
    Fact, Stamp, seal_body,
    tracker::{ClickRecorded, ClickRefused},
};
use kernel::{ClickId, Clock, FactId, IdSource, LinkId, Timestamp};
use signing::Keyring;
use telemetry::TraceContext;

use super::offer_book::OfferBook;
use crate::{
    domain::{self, ClickParameters, Destination, LiveOffer, Refusal},
    facts::{Recorded, Refused, Visitor},
};

/// A click as the door saw it.
#[derive(Debug)]
pub struct Click<'a> {
    /// The tracking link.
    pub link: LinkId,
    /// What the publisher's link carried.
    pub parameters: ClickParameters<'a>,
    /// The device's address.
    pub ip_address: Option<IpAddr>,
    /// The device's user agent, or empty.
    pub user_agent: &'a str,
    /// The caller's trace, or the one of the span that is recorded here; may be empty.
    pub trace: TraceContext,
}

/// What the user gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// On to the advertiser, with this click's id.
    Redirect(String),
    /// Refused, on to the offer's fallback.
    Fallback(String),
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
        click: Click<'_>,
        publish: impl AsyncFnOnce(&Route, Item) -> Result<(), PublishError>,
    ) -> Result<Answer, ClickError> {
        let now = self.clock.now();
        let Some(offer) = self.book.find(click.link) else {
            return if self.book.is_whole() { Ok(Answer::UnknownLink) } else { Err(ClickError::NotLoaded) };
        };
        let Judged { route, item, answer } = match domain::judge(&offer, now) {
            Ok(destination) => self.take(&offer, destination, click, now),
            Err(refusal) => self.refuse(&offer, click, refusal, now),
        };
        fail::fail_point!("tracker::parsed", |_action| std::process::abort());
        publish(&route, item).await.map_err(ClickError::NotDurable)?;
        fail::fail_point!("tracker::answered", |_action| std::process::abort());
        Ok(answer)
    }

    fn take(&self, offer: &LiveOffer, destination: &Destination, click: Click<'_>, now: Timestamp) -> Judged {
        let mut random = [0_u8; 5];
        self.ids.fill_random(&mut random);
        let gk_click_id: ClickId = signing::click::mint(&self.keyring, offer.tenant, now.as_millis(), random);
        let url = destination.of_click(gk_click_id, &click.parameters);
        let visitor = visitor(&click);
        let fact =
            Recorded { offer, click: gk_click_id, at: now, parameters: &click.parameters, visitor }.encoded();
        self.judged::<ClickRecorded>(offer, now, click.trace, &fact, Answer::Redirect(url))
    }

    fn refuse(&self, offer: &LiveOffer, click: Click<'_>, refusal: Refusal, now: Timestamp) -> Judged {
        let answer =
            offer.fallback.as_deref().map_or(Answer::NotAvailable, |link| Answer::Fallback(link.into()));
        let fact = Refused {
            offer,
            at: now,
            refusal,
            parameters: &click.parameters,
            visitor: visitor(&click),
            sent_to_fallback: offer.fallback.is_some(),
        }
        .encoded();
        self.judged::<ClickRefused>(offer, now, click.trace, &fact, answer)
    }

    fn judged<F: Fact>(
        &self,
        offer: &LiveOffer,
        now: Timestamp,
        trace: TraceContext,
        body: &[u8],
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
        Judged { route: Route::of::<F>(), item: Item::encoded(seal_body::<F>(&stamp, body)), answer }
    }
}

const fn visitor<'a>(click: &Click<'a>) -> Visitor<'a> {
    Visitor { ip_address: click.ip_address, user_agent: click.user_agent }
}
