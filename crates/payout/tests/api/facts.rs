//! Facts as the other services say them, about one made-up tenant: Brownboots, Golfin iOS.

use std::collections::BTreeMap;

use contracts::{
    Fact, Stamp,
    attribution::{
        ConversionQualified, ConversionReviewRequested, ConversionVerdict, ConversionVetoed, JourneyClick,
        ReportedAmount, TrackingSystemValues, Verdict,
    },
    catalog::{
        AdvertiserChanged, ApiTokenChanged, ConversionStatus, EventTerms, OfferEvent, OfferVersionCreated,
        PostbackEndpoint, PostbackMethod, PublisherChanged, SealedSecret, TenantChanged, TokenRole,
    },
    common::{CurrencyRate, Money, MoneyTerms, PayoutTerms, RevenueTerms, payout_terms, revenue_terms},
    envelope::Envelope,
    seal,
    tracker::{PublisherParameters, Visitor},
};
use kernel::{
    ClickId, Clock as _, ConversionId, EndpointId, FactId, IdSource as _, Occurrence, OfferEventId, OfferId,
    TenantId, Timestamp,
};
use process::{SystemClock, SystemIds};
use secrecy::{ExposeSecret as _, SecretString};
use signing::{Keyring, seal as sealing, webhook::WebhookSecret};
use uuid::Uuid;

/// What publishers' secrets are sealed under in these tests.
pub(crate) const KEYS: &str = "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// The pepper of the tests' tokens.
pub(crate) const PEPPER: &str = "pepper";
/// The trace of AppsFlyer's call.
pub(crate) const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

pub(crate) const PUBLISHER: u128 = 0xb1;
pub(crate) const ADVERTISER: u128 = 0xad;
const OFFER: u128 = 0x0ffe4;
const EVENT: u128 = 0xe1;
const ENDPOINT: u128 = 0xe0;

fn bytes(id: u128) -> Vec<u8> {
    Uuid::from_u128(id).as_bytes().to_vec()
}

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

/// A fact about all tenants.
pub(crate) fn of_nobody<F: Fact>(body: &F) -> Envelope {
    let stamp = Stamp {
        fact_id: FactId::from_uuid(SystemIds.uuid_v7()),
        tenant: None,
        recorded_at: now(),
        traceparent: String::new(),
        tracestate: String::new(),
    };
    seal(stamp, body)
}

/// A tenant's facts. Every tenant has the same ids of everything else: nothing may meet across tenants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tenant(pub(crate) TenantId);

impl Tenant {
    pub(crate) fn new(number: u128) -> Self {
        Self(TenantId::from_uuid(Uuid::from_u128(number)))
    }

    pub(crate) fn envelope<F: Fact>(self, body: &F) -> Envelope {
        let stamp = Stamp {
            fact_id: FactId::from_uuid(SystemIds.uuid_v7()),
            tenant: Some(self.0),
            recorded_at: now(),
            traceparent: format!("00-{TRACE}-b7ad6b7169203331-01"),
            tracestate: String::new(),
        };
        seal(stamp, body)
    }

    pub(crate) fn changed(self, version: u64, rates: &[(&str, &str, i64)]) -> Envelope {
        let rates = rates.iter().map(|(from, to, rate_e12)| CurrencyRate {
            from: (*from).to_owned(),
            to: (*to).to_owned(),
            rate_e12: *rate_e12,
        });
        self.envelope(&TenantChanged {
            tenant_id: self.0.to_vec(),
            version,
            domain: String::from("Brownboots"),
            active: true,
            rates: rates.collect(),
            ..TenantChanged::default()
        })
    }

    /// The tenant with its zone.
    pub(crate) fn in_zone(self, version: u64, zone: &str) -> Envelope {
        self.envelope(&TenantChanged {
            tenant_id: self.0.to_vec(),
            version,
            domain: String::from("Brownboots"),
            active: true,
            time_zone: zone.to_owned(),
            ..TenantChanged::default()
        })
    }

    pub(crate) fn token(self, token: &str, role: TokenRole) -> Envelope {
        self.envelope(&ApiTokenChanged {
            tenant_id: self.0.to_vec(),
            token_id: SystemIds.uuid_v7().as_bytes().to_vec(),
            version: 1,
            token_hash: signing::token::hash(&SecretString::from(PEPPER), token).to_vec(),
            role: role.into(),
            publisher_id: (role == TokenRole::Publisher).then(|| bytes(PUBLISHER)),
            ..ApiTokenChanged::default()
        })
    }

    pub(crate) fn advertiser(self, version: u64, name: &str) -> AdvertiserChanged {
        AdvertiserChanged {
            tenant_id: self.0.to_vec(),
            advertiser_id: bytes(ADVERTISER),
            version,
            name: name.to_owned(),
            active: true,
            ..AdvertiserChanged::default()
        }
    }

    pub(crate) fn publisher(self, version: u64, endpoints: Vec<PostbackEndpoint>) -> Envelope {
        self.envelope(&PublisherChanged {
            tenant_id: self.0.to_vec(),
            publisher_id: bytes(PUBLISHER),
            version,
            name: String::from("Pixel Media"),
            active: true,
            endpoints,
            ..PublisherChanged::default()
        })
    }

    /// The same, and it takes no more than so many postbacks a second.
    pub(crate) fn slow_publisher(self, endpoint: PostbackEndpoint, max_per_second: u32) -> Envelope {
        self.envelope(&PublisherChanged {
            tenant_id: self.0.to_vec(),
            publisher_id: bytes(PUBLISHER),
            version: 1,
            name: String::from("Pixel Media"),
            active: true,
            endpoints: vec![endpoint],
            max_per_second: Some(max_per_second),
            ..PublisherChanged::default()
        })
    }

    /// A version of the offer with its one event and no limits.
    pub(crate) fn offer(self, version: u32) -> OfferVersionCreated {
        OfferVersionCreated {
            tenant_id: self.0.to_vec(),
            offer_id: bytes(OFFER),
            version,
            advertiser_id: bytes(ADVERTISER),
            name: String::from("Golfin iOS"),
            currency: String::from("USD"),
            events: vec![OfferEvent {
                offer_event_id: bytes(EVENT),
                event_id: String::from("af_purchase"),
                terms: Some(EventTerms { money: Some(terms(0)), ..EventTerms::default() }),
                ..OfferEvent::default()
            }],
            ..OfferVersionCreated::default()
        }
    }

    /// The publisher's global endpoint.
    pub(crate) fn endpoint(self, url_template: String) -> PostbackEndpoint {
        PostbackEndpoint {
            endpoint_id: bytes(ENDPOINT),
            method: PostbackMethod::Get.into(),
            url_template,
            statuses: vec![ConversionStatus::Success.into()],
            signing_secrets: vec![SealedSecret { sealed: self.sealed(&secret(1)), valid_until_micros: None }],
            active: true,
            ..PostbackEndpoint::default()
        }
    }

    pub(crate) fn sealed(self, secret: &WebhookSecret) -> Vec<u8> {
        let place = sealing::endpoint_signing_secret(self.0, endpoint_id());
        sealing::seal(&keyring(), [7; 24], &place, secret.to_text().expose_secret().as_bytes()).unwrap()
    }

    pub(crate) fn sealed_header(self, value: &str) -> Vec<u8> {
        let place = sealing::endpoint_header_value(self.0, endpoint_id());
        sealing::seal(&keyring(), [8; 24], &place, value.as_bytes()).unwrap()
    }

    pub(crate) fn conversion_id(self, click: u8) -> ConversionId {
        let event = OfferEventId::from_uuid(Uuid::from_u128(EVENT));
        ConversionId::derive(self.0, click_id(click), event, &Occurrence::Once)
    }

    /// A verdict on the purchase of a click, as first said.
    pub(crate) fn verdict(self, click: u8) -> ConversionVerdict {
        let received = now().as_micros();
        ConversionVerdict {
            tenant_id: self.0.to_vec(),
            conversion_id: self.conversion_id(click).to_vec(),
            revision: 1,
            verdict: Verdict::Qualified.into(),
            code: String::from("QUALIFIED"),
            click: Some(JourneyClick {
                gk_click_id: click_id(click).to_vec(),
                clicked_at_micros: received - 60_000_000,
                link_id: bytes(0x11),
                publisher_parameters: Some(PublisherParameters {
                    pub_click_id: format!("pub click {click}"),
                    pub_member_id: String::from("member&1"),
                    pub_subs: BTreeMap::from([(1, String::from("ios"))]),
                    ..PublisherParameters::default()
                }),
                visitor: Some(Visitor { country: Some(String::from("US")), ..Visitor::default() }),
            }),
            advertiser_id: bytes(ADVERTISER),
            publisher_id: bytes(PUBLISHER),
            offer_id: bytes(OFFER),
            offer_name: String::from("Golfin iOS"),
            terms_version: 1,
            offer_event_id: bytes(EVENT),
            event_id: String::from("af_purchase"),
            event_name: String::from("Purchase"),
            occurrence: String::from("once"),
            receipt: bytes(1),
            received_at_micros: received,
            effective_at_micros: received,
            reported: Some(ReportedAmount { amount: Some(usd(4_990_000)), ..ReportedAmount::default() }),
            terms: Some(terms(0)),
            reached: true,
            tracking_system: Some(TrackingSystemValues {
                event_id: String::from("af_purchase"),
                amount: String::from("4.990"),
                ..TrackingSystemValues::default()
            }),
            ..ConversionVerdict::default()
        }
    }

    pub(crate) fn qualified(self, verdict: ConversionVerdict) -> Envelope {
        self.envelope(&ConversionQualified { verdict: Some(verdict) })
    }

    /// A fraud flag on what `verdict` said, as its next revision.
    pub(crate) fn vetoed(self, verdict: &ConversionVerdict) -> Envelope {
        let vetoed = ConversionVerdict {
            revision: verdict.revision + 1,
            verdict: Verdict::Vetoed.into(),
            code: String::from("REJECTED_FRAUD"),
            reason: String::from("AppsFlyer flagged it as fraud"),
            flagged_fraud: true,
            ..verdict.clone()
        };
        self.envelope(&ConversionVetoed { verdict: Some(vetoed) })
    }
}

impl Tenant {
    /// A doubt about what `verdict` said, as its next revision.
    pub(crate) fn on_review(self, verdict: &ConversionVerdict) -> Envelope {
        let doubted = ConversionVerdict {
            revision: verdict.revision + 1,
            verdict: Verdict::OnReview.into(),
            code: String::from("REVIEW_TAINTED"),
            reason: String::from("the install was flagged"),
            ..verdict.clone()
        };
        self.envelope(&ConversionReviewRequested { verdict: Some(doubted) })
    }
}

/// 3.00 for the advertiser, 2.00 of it for the publisher.
pub(crate) fn terms(pending_days: u32) -> MoneyTerms {
    MoneyTerms {
        currency: String::from("USD"),
        revenue: Some(RevenueTerms { model: Some(revenue_terms::Model::FlatMicros(3_000_000)) }),
        payout: Some(PayoutTerms { model: Some(payout_terms::Model::FlatMicros(2_000_000)) }),
        reward_points: 50,
        pending_days,
        reverse_on_fraud: false,
    }
}

/// Half of the amount for the advertiser, half of that for the publisher.
pub(crate) fn percent_terms() -> MoneyTerms {
    MoneyTerms {
        revenue: Some(RevenueTerms { model: Some(revenue_terms::Model::PercentOfAmountBps(5_000)) }),
        payout: Some(PayoutTerms { model: Some(payout_terms::Model::ShareOfRevenueBps(5_000)) }),
        ..terms(0)
    }
}

pub(crate) fn usd(micros: i64) -> Money {
    Money { micros, currency: String::from("USD") }
}

pub(crate) fn click_id(number: u8) -> ClickId {
    ClickId::from_uuid(Uuid::from_u128(0xc11c_0000 + u128::from(number)))
}

pub(crate) fn offer_id() -> OfferId {
    OfferId::from_uuid(Uuid::from_u128(OFFER))
}

pub(crate) fn endpoint_id() -> EndpointId {
    EndpointId::from_uuid(Uuid::from_u128(ENDPOINT))
}

/// One of the publisher's signing secrets.
pub(crate) fn secret(number: u8) -> WebhookSecret {
    WebhookSecret::generate([number; 32])
}

fn keyring() -> Keyring {
    Keyring::parse(&SecretString::from(KEYS)).unwrap()
}
