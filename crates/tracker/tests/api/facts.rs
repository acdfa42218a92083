//! Facts as the other services say them, about one made-up offer: Golfin iOS of Brownboots, shared with one publisher.

use contracts::{
    Fact, Stamp,
    catalog::{OfferChanged, OfferStatus, OfferVersionCreated, TenantChanged},
    envelope::Envelope,
    payout::{BudgetState, BudgetStateChanged},
    seal,
};
use kernel::{Clock as _, FactId, IdSource as _, LinkId, TenantId, Timestamp};
use process::{SystemClock, SystemIds};
use uuid::Uuid;

/// The server key of the tests' click ids.
pub(crate) const KEYS: &str = "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

const DAY_MICROS: i64 = 86_400_000_000;

pub(crate) fn id(number: u128) -> Vec<u8> {
    Uuid::from_u128(number).as_bytes().to_vec()
}

pub(crate) fn now() -> i64 {
    SystemClock.now().as_micros()
}

/// One offer with its link; all of a test's offers are the same tenant's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offer(pub(crate) u128);

impl Offer {
    pub(crate) fn link(self) -> LinkId {
        LinkId::from_uuid(Uuid::from_u128(0x1000 + self.0))
    }

    /// Version 1: began two days ago, for everybody, to AppsFlyer, without a fallback.
    pub(crate) fn version(self) -> OfferVersionCreated {
        OfferVersionCreated {
            tenant_id: id(1),
            offer_id: id(self.0),
            version: 1,
            advertiser_id: id(0xad),
            name: String::from("Golfin iOS"),
            headline: String::from("Play <Golfin> & win"),
            offer_link: String::from("https://app.appsflyer.com/id1234567890?pid=gokart_int&redirect=false"),
            launch_at_micros: now() - 2 * DAY_MICROS,
            ..OfferVersionCreated::default()
        }
    }

    /// Shared, and of this status.
    pub(crate) fn changed(self, revision: u64, status: OfferStatus) -> Envelope {
        sealed(&OfferChanged {
            tenant_id: id(1),
            offer_id: id(self.0),
            revision,
            status: status.into(),
            newest_version: 1,
            publisher_id: Some(id(0x9b)),
            link_id: Some(self.link().to_vec()),
            shared_at_micros: Some(now()),
            ..OfferChanged::default()
        })
    }

    /// What payout says of its budget.
    pub(crate) fn budget(self, version: u64, state: BudgetState, resumes_at_micros: Option<i64>) -> Envelope {
        sealed(&BudgetStateChanged {
            tenant_id: id(1),
            offer_id: id(self.0),
            version,
            state: state.into(),
            resumes_at_micros,
            ..BudgetStateChanged::default()
        })
    }
}

pub(crate) fn tenant() -> Envelope {
    sealed(&TenantChanged {
        tenant_id: id(1),
        version: 1,
        domain: String::from("Brownboots"),
        active: true,
        ..TenantChanged::default()
    })
}

pub(crate) fn sealed<F: Fact>(fact: &F) -> Envelope {
    let stamp = Stamp {
        fact_id: FactId::from_uuid(SystemIds.uuid_v7()),
        tenant: Some(TenantId::from_uuid(Uuid::from_u128(1))),
        recorded_at: Timestamp::from_micros(now()),
        traceparent: String::new(),
        tracestate: String::new(),
    };
    seal(stamp, fact)
}
