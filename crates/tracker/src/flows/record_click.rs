//! A click: find the offer, judge, write it down for good, and only then answer.

use std::{net::IpAddr, sync::Arc};

use bus::{Item, PublishError, Route};
use contracts::{
    Fact, Stamp, seal_body,
    tracker::{ClickRecorded, ClickRefused, RefusalReason},
};
use kernel::{ClickId, Clock, FactId, IdSource, LinkId, TenantId, Timestamp};
use signing::Keyring;
use telemetry::TraceContext;

use super::{countries::CountryFile, double_taps::DoubleTaps, offer_book::OfferBook};
use crate::{
    domain::{
        self, ClickParameters, Country, Destination, Device, Incomplete, LiveOffer, TapKey, User,
        WrongParameter,
    },
    facts::{Recorded, Refused, Visitor, reason_of},
};

/// A click as the door saw it.
#[derive(Debug)]
pub struct Click<'a> {
    /// What stands in the link's place.
    pub link: &'a str,
    /// What the publisher's link carried, or what is wrong with it.
    pub parameters: Result<ClickParameters<'a>, Box<Incomplete<'a>>>,
    /// Who calls.
    pub caller: Caller<'a>,
    /// The caller's trace, or the one of the span that is recorded here; may be empty.
    pub trace: TraceContext,
}

/// The user's device, as the door saw it.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// Its address.
    pub ip_address: Option<IpAddr>,
    /// Its user agent, or empty.
    pub user_agent: &'a str,
    /// `Sec-CH-UA-Platform`, or empty.
    pub platform_hint: &'a str,
    /// The user's country, when a proxy said it.
    pub country: Option<Country>,
}

/// What the user gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// On to the advertiser, with this click's id.
    Redirect(String),
    /// The same, with the id of the click that this tap repeats.
    Again(String),
    /// Refused, on to the offer's fallback.
    Fallback(String),
    /// Refused, and there is nowhere else to go.
    NotAvailable,
    /// No such link.
    UnknownLink,
    /// The link lacks what it must carry.
    Incomplete(Vec<WrongParameter>),
}

/// What somebody sees who only looks at a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// An offer that takes clicks.
    Offer(Arc<LiveOffer>),
    /// None, or one that takes none.
    NotAvailable,
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
    /// Where addresses are.
    pub countries: CountryFile,
    /// The clicks of the last seconds.
    pub taps: DoubleTaps,
    /// Keys of the click id's MAC.
    pub keyring: Arc<Keyring>,
    /// The process's clock.
    pub clock: Arc<dyn Clock>,
    /// The process's ids and randomness.
    pub ids: Arc<dyn IdSource>,
}

/// A click that is judged: what is to be written down, and what is answered then.
struct Judged {
    /// `None` for a second tap: the first was written down.
    said: Option<(Route, Item)>,
    answer: Answer,
    /// What is remembered of it then.
    tap: Option<(TapKey, ClickId)>,
}

/// A click that the offer takes.
struct Admitted<'a> {
    offer: &'a LiveOffer,
    destination: &'a Destination,
    parameters: &'a ClickParameters<'a>,
    visitor: Visitor<'a>,
    at: Timestamp,
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
        let Judged { said, answer, tap } = self.judge(click, now)?;
        fail::fail_point!("tracker::parsed", |_action| std::process::abort());
        if let Some((route, item)) = said {
            publish(&route, item).await.map_err(ClickError::NotDurable)?;
        }
        fail::fail_point!("tracker::answered", |_action| std::process::abort());
        if let Some((key, click)) = tap {
            self.taps.remember(key, click, now);
        }
        Ok(answer)
    }

    /// What somebody sees who only looks at a link: nothing is written down.
    ///
    /// # Errors
    /// [`ClickError::NotLoaded`].
    pub fn look(&self, link: &str) -> Result<Sight, ClickError> {
        let offer = self.find(link)?.filter(|offer| domain::open(offer, self.clock.now()).is_ok());
        Ok(offer.map_or(Sight::NotAvailable, Sight::Offer))
    }

    /// The offer behind a link; `None` when there is none.
    fn find(&self, link: &str) -> Result<Option<Arc<LiveOffer>>, ClickError> {
        let Ok(link) = link.parse::<LinkId>() else { return Ok(None) };
        match self.book.find(link) {
            None if !self.book.is_whole() => Err(ClickError::NotLoaded),
            found => Ok(found),
        }
    }

    fn judge(&self, click: Click<'_>, now: Timestamp) -> Result<Judged, ClickError> {
        let offer = self.find(click.link)?;
        let Caller { ip_address, user_agent, country, .. } = click.caller;
        let mut visitor = Visitor { ip_address, user_agent, country, platform: None };
        let refused = Refused { offer: offer.as_deref(), ..Refused::at(now, visitor) };
        let (offer, parameters) = match (&offer, click.parameters) {
            (Some(offer), Ok(parameters)) => (offer, parameters),
            (None, parameters) => {
                let parameters = parameters.unwrap_or_else(|incomplete| incomplete.rest);
                let reason = RefusalReason::UnknownLink;
                let fact = Refused { reason, parameters: &parameters, link_text: click.link, ..refused };
                return Ok(self.refused(&fact, click.trace, Answer::UnknownLink));
            }
            (Some(_offer), Err(incomplete)) => {
                let names: Vec<_> = incomplete.wrong.iter().map(|wrong| wrong.name).collect();
                let reason = RefusalReason::MissingParameter;
                let (parameters, parameter) = (&incomplete.rest, names.join(", "));
                let fact = Refused { reason, parameters, parameter: &parameter, ..refused };
                return Ok(self.refused(&fact, click.trace, Answer::Incomplete(incomplete.wrong)));
            }
        };
        let user = self.user(offer, &click.caller, &parameters);
        visitor.country = user.country;
        visitor.platform = user.device.and_then(Device::platform);
        match domain::judge(offer, user, now) {
            Ok(destination) => {
                let admitted = Admitted { offer, destination, parameters: &parameters, visitor, at: now };
                Ok(self.taken(&admitted, click.trace))
            }
            Err(refusal) => {
                let answer = offer
                    .fallback
                    .as_deref()
                    .map_or(Answer::NotAvailable, |link| Answer::Fallback(link.into()));
                let fact = Refused {
                    reason: reason_of(refusal),
                    parameters: &parameters,
                    visitor,
                    sent_to_fallback: offer.fallback.is_some(),
                    ..refused
                };
                Ok(self.refused(&fact, click.trace, answer))
            }
        }
    }

    /// What is known of the user. What the offer does not ask for is not looked for.
    fn user(&self, offer: &LiveOffer, caller: &Caller<'_>, parameters: &ClickParameters<'_>) -> User {
        let by_address = || {
            let is_asked = !offer.targeting.countries.is_empty();
            caller
                .ip_address
                .filter(|_address| is_asked)
                .and_then(|address| self.countries.country_of(address))
        };
        let is_asked = !offer.targeting.platforms.admit_all();
        User {
            country: caller.country.or_else(by_address),
            device: is_asked.then(|| Device::of(caller.platform_hint, caller.user_agent)).flatten(),
            gender: parameters.gender,
            age: parameters.age,
        }
    }

    fn taken(&self, admitted: &Admitted<'_>, trace: TraceContext) -> Judged {
        let Admitted { offer, destination, parameters, visitor, at } = *admitted;
        let key = self.taps.key(offer.link, parameters);
        if let Some(first) = self.taps.first(key, at) {
            let answer = Answer::Again(destination.of_click(first, parameters));
            return Judged { said: None, answer, tap: None };
        }
        let mut random = [0_u8; 5];
        self.ids.fill_random(&mut random);
        let click: ClickId = signing::click::mint(&self.keyring, offer.tenant, at.as_millis(), random);
        let answer = Answer::Redirect(destination.of_click(click, parameters));
        let fact = Recorded { offer, click, at, parameters, visitor }.encoded();
        let said = self.said::<ClickRecorded>(Some(offer.tenant), at, trace, &fact);
        Judged { said: Some(said), answer, tap: Some((key, click)) }
    }

    fn refused(&self, fact: &Refused<'_>, trace: TraceContext, answer: Answer) -> Judged {
        let tenant = fact.offer.map(|offer| offer.tenant);
        let said = self.said::<ClickRefused>(tenant, fact.at, trace, &fact.encoded());
        Judged { said: Some(said), answer, tap: None }
    }

    fn said<F: Fact>(
        &self,
        tenant: Option<TenantId>,
        now: Timestamp,
        trace: TraceContext,
        body: &[u8],
    ) -> (Route, Item) {
        let fact_id = self.ids.uuid_v7();
        // Where no caller and no collector knows a trace, the fact's own id is the trace's.
        let trace_id = fact_id.into_bytes();
        let [.., s0, s1, s2, s3, s4, s5, s6, s7] = trace_id;
        let trace = trace.or_unrecorded(trace_id, [s0, s1, s2, s3, s4, s5, s6, s7]);
        let stamp = Stamp {
            fact_id: FactId::from_uuid(fact_id),
            tenant,
            recorded_at: now,
            traceparent: trace.traceparent,
            tracestate: trace.tracestate,
        };
        (Route::of::<F>(), Item::encoded(seal_body::<F>(&stamp, body)))
    }
}
