//! Reading for the API: what a postback means and why, and a click's whole journey.

use kernel::{ClickId, ReceiptId, TenantId, Timestamp};
use postgres_kit::{DbError, Pool};
use prost::Message;

use crate::{
    domain::{Click, Code},
    facts,
    store::payout_stories::{self, PayoutStory},
    store::stories::{self, DecisionStory, JourneyStory, ListedStory, Listing, RawStory},
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

/// Which postbacks to list.
#[derive(Debug, Clone, Copy)]
pub struct ListQuery {
    /// Whose.
    pub tenant: TenantId,
    /// Of this click only.
    pub click: Option<ClickId>,
    /// With this code only.
    pub code: Option<Code>,
    /// Received from then on.
    pub from: Timestamp,
    /// Received before then.
    pub until: Timestamp,
    /// How many to skip.
    pub offset: i64,
    /// How many to take.
    pub limit: i64,
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

    /// Current decisions, the latest received first, and how many there are in all.
    ///
    /// # Errors
    /// The database's.
    pub async fn list(&self, query: &ListQuery) -> Result<(Vec<ListedStory>, u64), DbError> {
        let mut connection = self.pool.get().await?;
        let ListQuery { tenant, click, code, from, until, offset, limit } = *query;
        let listing = Listing { tenant, click, code, from, until, offset, limit };
        Ok(stories::list(&mut connection, &listing).await?)
    }

    /// A journey; `None` when the tenant has none of that click.
    ///
    /// # Errors
    /// The database's.
    pub async fn journey(&self, tenant: TenantId, click: ClickId) -> Result<Option<JourneyView>, DbError> {
        let mut connection = self.pool.get().await?;
        let Some(story) = stories::journey(&mut connection, tenant, click).await? else { return Ok(None) };
        let payout = payout_stories::of_journey(&mut connection, tenant, click).await?;
        let click = story
            .click
            .as_deref()
            .and_then(|fact| contracts::tracker::ClickRecorded::decode(fact).ok())
            .and_then(|fact| facts::click(&fact).ok());
        Ok(Some(JourneyView { click, story, payout }))
    }
}
