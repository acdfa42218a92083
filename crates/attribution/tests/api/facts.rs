//! Facts as the other services say them, about one made-up tenant: Brownboots, Golfin iOS, the guide's three events.

use std::sync::{Arc, LazyLock};

use contracts::{
    Fact, Stamp, catalog,
    catalog::{
        ApiTokenChanged, CredentialChanged, CredentialGeneration, EventTerms, OfferEvent, OfferType,
        OfferVersionCreated, TenantChanged, TokenRole,
    },
    common::{MoneyTerms, PayoutTerms, RevenueTerms, payout_terms, revenue_terms},
    envelope::Envelope,
    ingest::{HttpMethod, PostbackReceived},
    payout::{
        ConversionDecidedByPerson, ConversionStatusChanged, DeliveryOutcome, DeliveryResult, PersonDecision,
    },
    seal,
    tracker::{ClickRecorded, PublisherParameters},
};
use kernel::{
    ClickId, Clock as _, ConversionId, FactId, IdSource as _, Occurrence, OfferEventId, TenantId, Timestamp,
};
use process::{SystemClock, SystemIds};
use secrecy::SecretString;
use signing::Keyring;
use uuid::Uuid;

/// The server key of the tests' click ids.
pub(crate) const KEYS: &str = "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// The pepper of the tests' tokens.
pub(crate) const PEPPER: &str = "pepper";

/// When the stories begin: an hour ago, so that nothing in them has waited for long.
pub(crate) static START: LazyLock<i64> = LazyLock::new(|| SystemClock.now().as_micros() - seconds(3_600));

const CREDENTIAL: u128 = 0xc4ed;
const OFFER: u128 = 0x0ffe4;
const ADVERTISER: u128 = 0xad;
const PUBLISHER: u128 = 0x9b;

pub(crate) fn seconds(count: i64) -> i64 {
    count * 1_000_000
}

/// The tests' offer and publisher as the API names them.
pub(crate) fn offer_and_publisher() -> (Uuid, Uuid) {
    (Uuid::from_u128(OFFER), Uuid::from_u128(PUBLISHER))
}

fn bytes(id: u128) -> Vec<u8> {
    Uuid::from_u128(id).as_bytes().to_vec()
}

/// A tenant's facts. Every tenant has the same ids of everything else: nothing may meet across tenants.
#[derive(Clone)]
pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    keys: Arc<Keyring>,
}

impl Tenant {
    pub(crate) fn new(number: u128) -> Self {
        let keys = Keyring::parse(&SecretString::from(KEYS)).expect("keys");
        Self { id: TenantId::from_uuid(Uuid::from_u128(number)), keys: Arc::new(keys) }
    }

    pub(crate) fn click_id(&self, number: u8) -> ClickId {
        signing::click::mint(&self.keys, self.id, *START / 1_000, [number, 0, 0, 0, 7])
    }

    fn stamp(&self, at: i64) -> Stamp {
        Stamp {
            fact_id: fact_id(at),
            tenant: Some(self.id),
            recorded_at: Timestamp::from_micros(at),
            traceparent: String::new(),
            tracestate: String::new(),
        }
    }

    /// Another fact about the tenant.
    pub(crate) fn sealed<F: Fact>(&self, fact: &F) -> Envelope {
        seal(self.stamp(*START), fact)
    }

    pub(crate) fn tenant(&self) -> Envelope {
        let fact = TenantChanged {
            tenant_id: self.id.to_vec(),
            version: 1,
            domain: String::from("Brownboots"),
            media_sources: vec![String::from("gokart_int")],
            active: true,
            ..TenantChanged::default()
        };
        seal(self.stamp(*START), &fact)
    }

    pub(crate) fn credential(&self, version: u64, valid_until: Option<i64>) -> Envelope {
        let generation =
            CredentialGeneration { generation: 1, issued_at_micros: *START, valid_until_micros: valid_until };
        let fact = CredentialChanged {
            tenant_id: self.id.to_vec(),
            credential_id: bytes(CREDENTIAL),
            version,
            advertiser_id: None,
            generations: vec![generation],
        };
        seal(self.stamp(*START), &fact)
    }

    pub(crate) fn token(&self, token: &str) -> Envelope {
        self.token_of(token, TokenRole::Analyst, 0)
    }

    /// A token of any role; `number` tells the tenant's tokens apart.
    pub(crate) fn token_of(&self, token: &str, role: TokenRole, number: u128) -> Envelope {
        let fact = ApiTokenChanged {
            tenant_id: self.id.to_vec(),
            token_id: bytes(self.id.as_uuid().as_u128() + (number << 64)),
            version: 1,
            token_hash: signing::token::hash(&SecretString::from(PEPPER), token).to_vec(),
            role: role.into(),
            publisher_id: (role == TokenRole::Publisher).then(|| bytes(PUBLISHER)),
            ..ApiTokenChanged::default()
        };
        seal(self.stamp(*START), &fact)
    }

    /// The same token, revoked.
    pub(crate) fn revoked(&self, token: &str) -> Envelope {
        let mut fact: ApiTokenChanged = contracts::open(&self.token(token)).expect("a token");
        fact.version = 2;
        fact.revoked_at_micros = Some(SystemClock.now().as_micros());
        seal(self.stamp(*START), &fact)
    }

    /// A token of an owner's.
    pub(crate) fn owner_token(&self, token: &str) -> Envelope {
        let mut fact: ApiTokenChanged = contracts::open(&self.token(token)).expect("a token");
        fact.role = TokenRole::Owner.into();
        fact.token_id = bytes(self.id.as_uuid().as_u128() + 1_000);
        seal(self.stamp(*START), &fact)
    }

    /// A click as somebody made it.
    pub(crate) fn clicked(&self, fact: &ClickRecorded) -> Envelope {
        seal(self.stamp(*START), fact)
    }

    /// `Install` 1, `level_10` 2, `af_purchase` Independent, and whatever else is mapped.
    pub(crate) fn offer_version(&self, version: u32, more: &[&str]) -> Envelope {
        let mut events = vec![
            offer_event(1, "Install", Some(1), 1),
            offer_event(2, "level_10", Some(2), 1),
            offer_event(3, "af_purchase", None, 1),
        ];
        let younger = (10..).zip(more).map(|(id, name)| offer_event(id, name, None, version));
        events.extend(younger);
        let fact = OfferVersionCreated {
            tenant_id: self.id.to_vec(),
            offer_id: bytes(OFFER),
            version,
            created_at_micros: *START,
            advertiser_id: bytes(ADVERTISER),
            offer_type: OfferType::MultiEvent.into(),
            tracking_system: String::from("AppsFlyer"),
            name: String::from("Golfin iOS"),
            launch_at_micros: *START - seconds(30 * 86_400),
            events,
            currency: String::from("USD"),
            sequence_grace_hours: 72,
            ..OfferVersionCreated::default()
        };
        seal(self.stamp(*START), &fact)
    }

    pub(crate) fn click(&self, number: u8) -> Envelope {
        seal(self.stamp(*START), &self.click_fact(number))
    }

    pub(crate) fn click_fact(&self, number: u8) -> ClickRecorded {
        ClickRecorded {
            tenant_id: self.id.to_vec(),
            gk_click_id: self.click_id(number).to_vec(),
            clicked_at_micros: *START,
            link_id: bytes(0x11),
            offer_id: bytes(OFFER),
            offer_version: 1,
            advertiser_id: bytes(ADVERTISER),
            publisher_id: bytes(PUBLISHER),
            publisher_parameters: Some(PublisherParameters {
                pub_click_id: String::from("their click"),
                pub_member_id: format!("member {number}"),
                ..PublisherParameters::default()
            }),
            visitor: None,
        }
    }

    /// A click of a member that may have others.
    pub(crate) fn click_of(&self, number: u8, member: &str) -> Envelope {
        let mut fact = self.click_fact(number);
        if let Some(parameters) = &mut fact.publisher_parameters {
            parameters.pub_member_id = String::from(member);
        }
        seal(self.stamp(*START), &fact)
    }

    /// A postback with this query, received so many seconds after noon.
    pub(crate) fn received(&self, query: &str, after: i64) -> Envelope {
        let fact = PostbackReceived {
            tenant_id: self.id.to_vec(),
            credential_id: bytes(CREDENTIAL),
            credential_generation: 1,
            method: HttpMethod::Get.into(),
            query: query.as_bytes().to_vec(),
            caller_ip: String::from("45.92.116.1"),
            ..PostbackReceived::default()
        };
        let mut stamp = self.stamp(*START + seconds(after));
        stamp.traceparent = format!("00-{:032x}-00f067aa0ba902b7-01", stamp.fact_id.as_uuid().as_u128());
        seal(stamp, &fact)
    }

    pub(crate) fn postback(&self, click: u8, event: &str, after: i64) -> Envelope {
        self.received(&format!("gk_click_id={}&cnv_event_id={event}", self.click_id(click)), after)
    }
}

fn offer_event(id: u128, event_id: &str, sequence_number: Option<u32>, introduced: u32) -> OfferEvent {
    let terms = EventTerms {
        money: Some(MoneyTerms {
            currency: String::from("USD"),
            revenue: Some(RevenueTerms { model: Some(revenue_terms::Model::FlatMicros(5_000_000)) }),
            payout: Some(PayoutTerms { model: Some(payout_terms::Model::FlatMicros(3_000_000)) }),
            ..MoneyTerms::default()
        }),
        deadline_anchor: catalog::DeadlineAnchor::Click.into(),
        ..EventTerms::default()
    };
    OfferEvent {
        offer_event_id: bytes(id),
        event_id: String::from(event_id),
        name: event_id.to_uppercase(),
        sequence_number,
        terms: Some(terms.clone()),
        introduced_in_version: introduced,
        introduced_terms: Some(terms),
        ..OfferEvent::default()
    }
}

/// As ingest makes a receipt: it carries the time at which the postback came.
fn fact_id(at: i64) -> FactId {
    let mut random = [0; 10];
    SystemIds.fill_random(&mut random);
    let millis = u64::try_from(at / 1_000).expect("after 1970");
    FactId::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
}

/// The lasting ids of the offer's first three events.
pub(crate) const INSTALL: u128 = 1;
pub(crate) const LEVEL_10: u128 = 2;
pub(crate) const PURCHASE: u128 = 3;

/// Payout's side of one conversion.
impl Tenant {
    pub(crate) fn conversion_id(&self, click: u8, event: u128) -> ConversionId {
        let event = OfferEventId::from_uuid(Uuid::from_u128(event));
        ConversionId::derive(self.id, self.click_id(click), event, &Occurrence::Once)
    }

    /// A person decided, so many seconds after the start.
    pub(crate) fn decided(&self, click: u8, event: u128, decision: PersonDecision, after: i64) -> Envelope {
        let fact = ConversionDecidedByPerson {
            tenant_id: self.id.to_vec(),
            conversion_id: self.conversion_id(click, event).to_vec(),
            gk_click_id: self.click_id(click).to_vec(),
            offer_event_id: bytes(event),
            occurrence: String::from("once"),
            decision: decision.into(),
            token_id: bytes(0x70),
            reason: String::from("looked at it"),
        };
        seal(self.stamp(*START + seconds(after)), &fact)
    }

    pub(crate) fn status(
        &self,
        click: u8,
        event: u128,
        revision: u64,
        status: catalog::ConversionStatus,
    ) -> Envelope {
        let fact = ConversionStatusChanged {
            tenant_id: self.id.to_vec(),
            conversion_id: self.conversion_id(click, event).to_vec(),
            status_revision: revision,
            status: status.into(),
            gk_click_id: self.click_id(click).to_vec(),
            changed_at_micros: *START,
            ..ConversionStatusChanged::default()
        };
        seal(self.stamp(*START), &fact)
    }

    pub(crate) fn delivery(&self, click: u8, event: u128, version: u64, result: DeliveryResult) -> Envelope {
        let fact = DeliveryOutcome {
            tenant_id: self.id.to_vec(),
            delivery_id: bytes(0xde11),
            conversion_id: self.conversion_id(click, event).to_vec(),
            status_revision: 1,
            endpoint_id: bytes(0xe0),
            publisher_id: bytes(0x9b),
            result: result.into(),
            attempts: 10,
            last_http_status: Some(503),
            ended_at_micros: *START,
            version,
            ..DeliveryOutcome::default()
        };
        seal(self.stamp(*START), &fact)
    }
}

/// The receipt of a postback.
pub(crate) fn receipt(item: &Envelope) -> Uuid {
    Uuid::from_slice(&item.fact_id).expect("an id")
}

/// The trace id of a fact.
pub(crate) fn trace_id(item: &Envelope) -> String {
    item.traceparent.split('-').nth(1).unwrap_or_default().to_owned()
}
