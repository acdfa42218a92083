//! Reading for the API: what a postback means and why, and a click's whole journey.

use std::collections::BTreeSet;

use kernel::{ClickId, ReceiptId, TenantId};
use postgres_kit::{DbError, Pool, Snapshot, transact};
use prost::Message;

use crate::{
    domain::{Click, Code, Stamped},
    facts::{self, KnownOffer, Rates},
    store::{
        catalog,
        parked::{self, Parked},
        payout_stories::{self, PayoutStory},
        postback_list::{self, ListedStory, Listing},
        postbacks,
        rollups::{self, Counted, Counting},
        stories::{self, DecisionStory, JourneyStory, RawStory},
    },
};

/// Reads stories.
#[derive(Clone)]
pub struct StoryReader {
    pool: Pool,
}

impl std::fmt::Debug for StoryReader {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("StoryReader")
    }
}

/// A postback with every revision of its decision.
#[derive(Debug, Clone)]
pub struct PostbackView {
    /// What holds now.
    pub current: DecisionStory,
    /// What held before, the latest first.
    pub earlier: Vec<DecisionStory>,
    /// The postback as it came, while it is kept.
    pub raw: Option<RawStory>,
}

/// A journey with its click read.
#[derive(Debug, Clone)]
pub struct JourneyView {
    /// The click, once it has arrived.
    pub click: Option<Click>,
    /// The rest.
    pub story: JourneyStory,
    /// What payout says of it.
    pub payout: PayoutStory,
}

/// A journey with nothing but what came.
#[derive(Debug, Clone)]
pub struct StampedJourney {
    /// Its click.
    pub click: Click,
    /// Its postbacks, in the order of receipt.
    pub postbacks: Vec<Stamped>,
    /// The offer as it is saved.
    pub offer: KnownOffer,
}

impl StoryReader {
    /// Over a pool.
    #[must_use]
    pub const fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// A postback; `None` when the tenant has none of that receipt.
    ///
    /// # Errors
    /// The database's.
    pub async fn postback(
        &self,
        tenant: TenantId,
        receipt: ReceiptId,
    ) -> Result<Option<PostbackView>, DbError> {
        let mut connection = self.pool.get().await?;
        let mut decisions = stories::decisions_of(&mut connection, tenant, receipt).await?.into_iter();
        let Some(current) = decisions.next() else { return Ok(None) };
        let raw = stories::raw_of(&mut connection, tenant, receipt).await?;
        Ok(Some(PostbackView { current, earlier: decisions.collect(), raw }))
    }

    /// A journey as a what-if goes through it again; `None` when the tenant has no such click, or it has not arrived.
    ///
    /// # Errors
    /// The database's.
    pub async fn stamped(&self, tenant: TenantId, click: ClickId) -> Result<Option<StampedJourney>, DbError> {
        let Some(view) = self.journey(tenant, click).await? else { return Ok(None) };
        let Some(known) = view.click else { return Ok(None) };
        let connection = self.pool.get().await?;
        let key = (tenant, click);
        let mut found = postbacks::load_of_journeys(&connection, &BTreeSet::from([key])).await?;
        let mut stamped: Vec<Stamped> =
            found.remove(&key).unwrap_or_default().into_iter().map(|one| one.stamped).collect();
        stamped.sort_by_key(|postback| (postback.received_at, postback.receipt));
        let offer = (tenant, known.offer);
        let mut offers = catalog::load_offers(&connection, &BTreeSet::from([offer])).await?;
        let offer = offers.remove(&offer).unwrap_or_default();
        Ok(Some(StampedJourney { click: known, postbacks: stamped, offer }))
    }

    /// A tenant's rate table.
    ///
    /// # Errors
    /// The database's.
    pub async fn rates(&self, tenant: TenantId) -> Result<Rates, DbError> {
        let mut connection = self.pool.get().await?;
        Ok(catalog::load_rates(&mut connection, tenant).await?)
    }

    /// Current decisions, the latest received first, and how many there are in all.
    ///
    /// # Errors
    /// The database's.
    pub async fn list(&self, listing: &Listing) -> Result<(Vec<ListedStory>, u64), DbError> {
        transact(&self.pool, Snapshot, async |connection| Ok(postback_list::list(connection, listing).await?))
            .await
    }

    /// Groups of postbacks, the largest first, and how many groups there are.
    ///
    /// # Errors
    /// The database's.
    pub async fn count(&self, counting: &Counting) -> Result<(Vec<Counted>, u64), DbError> {
        let mut connection = self.pool.get().await?;
        Ok(rollups::count(&mut connection, counting).await?)
    }

    /// What waits, the one received first first, and how many there are.
    ///
    /// # Errors
    /// The database's.
    pub async fn parked(
        &self,
        tenant: TenantId,
        codes: &[Code],
        page: (i64, i64),
    ) -> Result<(Vec<Parked>, u64), DbError> {
        transact(&self.pool, Snapshot, async |connection| {
            Ok(parked::list(connection, tenant, codes, page).await?)
        })
        .await
    }

    /// A journey; `None` when the tenant has none of that click.
    ///
    /// # Errors
    /// The database's.
    pub async fn journey(&self, tenant: TenantId, click: ClickId) -> Result<Option<JourneyView>, DbError> {
        let mut connection = self.pool.get().await?;
        let Some(story) = stories::journey(&mut connection, tenant, click).await? else { return Ok(None) };
        // A stub that nothing has filled: an order to forget, say, of a click that nobody has heard of.
        if story.click.is_none() && story.postbacks.is_empty() {
            return Ok(None);
        }
        let payout = payout_stories::of_journey(&mut connection, tenant, click).await?;
        let click = story
            .click
            .as_deref()
            .and_then(|fact| contracts::tracker::ClickRecorded::decode(fact).ok())
            .and_then(|fact| facts::click(&fact).ok());
        Ok(Some(JourneyView { click, story, payout }))
    }
}
