//! Who and what there is.

use std::time::{SystemTime, UNIX_EPOCH};

use contracts::{Fact, Stamp, envelope::Envelope, seal};
use kernel::{
    AdvertiserId, ClickId, CredentialId, FactId, LinkId, OfferEventId, OfferId, PublisherId, TenantId,
    Timestamp,
};
use secrecy::{ExposeSecret as _, SecretString};
use signing::{Keyring, credential};
use uuid::Uuid;

/// The domain of the tenant.
pub const DOMAIN: &str = "brownboots";
/// Users clicked this long before the run.
const CLICKED_AGO_MICROS: i64 = 3_600_000_000;

/// One event of the offer.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// As in AppsFlyer.
    pub event_id: &'static str,
    /// `None`: Independent.
    pub number: Option<u32>,
    /// How long after the click the user did it.
    pub minutes_after_click: i64,
}

/// The guide's offer: a sequence of two, and a purchase that depends on nothing.
pub const EVENTS: [Step; 3] = [
    Step { event_id: "Install", number: Some(1), minutes_after_click: 5 },
    Step { event_id: "level_10", number: Some(2), minutes_after_click: 25 },
    Step { event_id: "af_purchase", number: None, minutes_after_click: 40 },
];

/// Ids and keys of one world. Ids are fresh: a database may hold several worlds.
#[derive(Debug)]
pub struct World {
    /// The tenant.
    pub tenant: TenantId,
    /// Its global postback.
    pub credential: CredentialId,
    /// The one advertiser.
    pub advertiser: AdvertiserId,
    /// The one publisher.
    pub publisher: PublisherId,
    /// The offer.
    pub offer: OfferId,
    /// Its share's link.
    pub link: LinkId,
    /// Its events, as [`EVENTS`].
    pub events: [OfferEventId; 3],
    /// The run's beginning: what stamps count from.
    pub now: Timestamp,
    click_keys: Keyring,
}

impl World {
    /// A new world whose click ids are made under `click_keys`.
    ///
    /// # Errors
    /// When the keys are none.
    pub fn new(click_keys: &str) -> anyhow::Result<Self> {
        let id = Uuid::now_v7;
        Ok(Self {
            tenant: TenantId::from_uuid(id()),
            credential: CredentialId::from_uuid(id()),
            advertiser: AdvertiserId::from_uuid(id()),
            publisher: PublisherId::from_uuid(id()),
            offer: OfferId::from_uuid(id()),
            link: LinkId::from_uuid(id()),
            events: std::array::from_fn(|_| OfferEventId::from_uuid(id())),
            now: this_moment(),
            click_keys: Keyring::parse(&SecretString::from(click_keys.to_owned()))?,
        })
    }

    /// The path and the signature that AppsFlyer was given, under ingest's key.
    ///
    /// # Errors
    /// When the key is none.
    pub fn address(&self, credential_keys: &str) -> anyhow::Result<(String, String)> {
        let keyring = Keyring::parse(&SecretString::from(credential_keys.to_owned()))?;
        let issued = credential::issue(&keyring, DOMAIN, self.credential, self.tenant, 1, [7; 4]);
        Ok((format!("/api/v1/{}", issued.segment), issued.signature.expose_secret().to_owned()))
    }

    /// When the user of every click clicked.
    pub const fn clicked_at(&self) -> Timestamp {
        self.now.saturating_add_micros(-CLICKED_AGO_MICROS)
    }

    /// The id of click `number`, always the same.
    pub fn click_id(&self, number: u64) -> ClickId {
        let [_, _, _, random @ ..] = number.to_be_bytes();
        // The tenant id holds what makes worlds different; 38 bits of the number are enough to tell clicks apart.
        signing::click::mint(&self.click_keys, self.tenant, self.clicked_at().as_millis(), random)
    }

    /// A fact of this world in its envelope.
    pub fn sealed<F: Fact>(&self, id: Uuid, fact: &F) -> Envelope {
        let stamp = Stamp {
            fact_id: FactId::from_uuid(id),
            tenant: Some(self.tenant),
            // Facts that were said long ago would be a backlog, in which payout releases no holds.
            recorded_at: this_moment(),
            traceparent: String::new(),
            tracestate: String::new(),
        };
        seal(stamp, fact)
    }
}

/// The machine's time.
pub fn this_moment() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since_1970.as_micros()).unwrap_or_default())
}
