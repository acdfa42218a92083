//! An order is taken.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{OfferEventId, OfferId, TenantId, TokenId};
use postgres_kit::DbError;
use prost::Message as _;
use terms::Terms;
use uuid::Uuid;

use super::Replayer;
use crate::{
    domain::{Offer, Version},
    facts,
    store::{
        catalog,
        replays::{self, NewReplay, Selection},
    },
};

/// The terms to judge by.
#[derive(Debug, Clone)]
pub enum Chosen {
    /// Each journey's own.
    Recorded,
    /// Those of its offer's newest version.
    Newest,
    /// Those of this version.
    Version(u32),
    /// Those that nobody has saved, with their money.
    Draft(Box<Version>, BTreeMap<OfferEventId, Terms>),
}

/// What is ordered.
#[derive(Debug, Clone)]
pub struct Order {
    /// Whose.
    pub tenant: TenantId,
    /// Who orders it.
    pub token: TokenId,
    /// Which journeys.
    pub selection: Selection,
    /// Under which terms.
    pub terms: Chosen,
    /// Writes nothing but its report.
    pub dry_run: bool,
}

/// Why an order is not taken.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// No version of the offer is known here.
    #[error("the tenant has no such offer")]
    UnknownOffer,
    /// The offer has no such version here.
    #[error("the offer has no such version")]
    UnknownVersion,
    /// The database's.
    #[error("taking an order")]
    Database(#[from] DbError),
}

impl Replayer {
    /// An offer in all its versions; none when none is known here.
    ///
    /// # Errors
    /// The database's.
    pub async fn offer(&self, tenant: TenantId, offer: OfferId) -> Result<Option<Offer>, DbError> {
        let connection = self.attributor.pool.get().await?;
        let key = (tenant, offer);
        let mut known = catalog::load_offers(&connection, &BTreeSet::from([key])).await?;
        Ok(known.remove(&key).map(|known| known.rules).filter(|offer| !offer.versions.is_empty()))
    }

    /// Takes an order; its id.
    ///
    /// # Errors
    /// [`OrderError`].
    pub async fn order(&self, order: Order) -> Result<Uuid, OrderError> {
        let Order { tenant, token, selection, terms, dry_run } = order;
        let offer = match &selection {
            Selection::Period(period) => Some(period.offer),
            Selection::Clicks(_, offer) => *offer,
        };
        let known = match offer {
            Some(offer) => Some(self.offer(tenant, offer).await?.ok_or(OrderError::UnknownOffer)?),
            None => None,
        };
        let versions = known.map(|offer| offer.versions).unwrap_or_default();
        let (terms, version, draft) = match terms {
            Chosen::Recorded => ("recorded", None, None),
            Chosen::Newest => ("newest", versions.keys().next_back().copied(), None),
            Chosen::Version(number) if versions.contains_key(&number) => ("version", Some(number), None),
            Chosen::Version(_) => return Err(OrderError::UnknownVersion),
            Chosen::Draft(draft, money) => {
                let offer = offer.ok_or(OrderError::UnknownOffer)?;
                let fact = facts::as_version((tenant, offer), &draft, &money);
                ("draft", None, Some(fact.encode_to_vec()))
            }
        };
        let id = self.attributor.ids.uuid_v7();
        let version = version.and_then(|version| i32::try_from(version).ok());
        let new = NewReplay { tenant, id, token, dry_run, terms, version, draft, selection };
        let mut connection = self.attributor.pool.get().await.map_err(DbError::from)?;
        replays::order(&mut connection, &new).await.map_err(DbError::from)?;
        self.ordered.notify_one();
        Ok(id)
    }
}
