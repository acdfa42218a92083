//! Reading shared offers, each in its newest version.

use contracts::{
    ContractError,
    catalog::{
        Gender as GenderCode, OfferChanged, OfferStatus as StatusCode, OfferVersionCreated,
        Platform as PlatformCode,
    },
    payout::{BudgetState, BudgetStateChanged},
    read,
};
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{Bytea, Nullable, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::TryStreamExt as _;
use kernel::{AdvertiserId, LinkId, OfferId, PublisherId, TenantId, TimeWindow};
use prost::Message;
use telemetry::chain;

use crate::domain::{
    BrokenLink, Budget, Country, Destination, Gender, LiveOffer, OfferStatus, Parts, Platform, Targeting,
    plain_link,
};

/// Which offers to read.
#[derive(Debug, Clone)]
pub enum Selection {
    /// Every shared offer: a start, or a listener that was away.
    All,
    /// This one.
    Offer(TenantId, OfferId),
    /// All of this tenant.
    Tenant(TenantId),
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Bytea)]
    offer: Vec<u8>,
    #[diesel(sql_type = Bytea)]
    version: Vec<u8>,
    #[diesel(sql_type = Nullable<Bytea>)]
    budget: Option<Vec<u8>>,
}

/// The newest version that has arrived; its number is in the offer's own fact, but the two facts may come in any order.
const SHARED_OFFERS: &str = "
    SELECT offers.fact AS offer, newest.fact AS version, budgets.fact AS budget
    FROM offers
    JOIN LATERAL (
        SELECT fact FROM offer_versions
        WHERE offer_versions.tenant_id = offers.tenant_id AND offer_versions.offer_id = offers.offer_id
        ORDER BY version DESC LIMIT 1
    ) AS newest ON true
    LEFT JOIN budgets ON budgets.tenant_id = offers.tenant_id AND budgets.offer_id = offers.offer_id
    WHERE offers.link_id IS NOT NULL";

/// The selected offers that are shared. A row that can not be read is reported and left out: one bad row must not keep
/// every other link from working. Rows are taken one by one: an offer's facts are many times larger than what a click
/// needs of them.
///
/// # Errors
/// The database's.
pub async fn load(connection: &mut AsyncPgConnection, selection: &Selection) -> QueryResult<Vec<LiveOffer>> {
    let mut rows = match selection {
        Selection::All => diesel::sql_query(SHARED_OFFERS).load_stream::<Row>(connection).await?,
        Selection::Offer(tenant, offer) => {
            diesel::sql_query(format!("{SHARED_OFFERS} AND offers.tenant_id = $1 AND offers.offer_id = $2"))
                .bind::<SqlUuid, _>(tenant.as_uuid())
                .bind::<SqlUuid, _>(offer.as_uuid())
                .load_stream(connection)
                .await?
        }
        Selection::Tenant(tenant) => {
            diesel::sql_query(format!("{SHARED_OFFERS} AND offers.tenant_id = $1"))
                .bind::<SqlUuid, _>(tenant.as_uuid())
                .load_stream(connection)
                .await?
        }
    };
    let mut offers = Vec::new();
    while let Some(row) = rows.try_next().await? {
        offers.extend(readable(&row));
    }
    Ok(offers)
}

fn readable(row: &Row) -> Option<LiveOffer> {
    match live_offer(row) {
        Ok(offer) => Some(offer),
        Err(error) => {
            tracing::error!(error = %chain(error.as_ref()), "a shared offer in the read model can not be read; run `offer-catalog republish`");
            None
        }
    }
}

fn live_offer(row: &Row) -> Result<LiveOffer, Box<dyn std::error::Error>> {
    let fact = OfferChanged::decode(row.offer.as_slice())?;
    let version = OfferVersionCreated::decode(row.version.as_slice())?;
    let offer = read::id(OfferId::from_slice, &fact.offer_id, "offer_id")?;
    let publisher = fact.publisher_id.as_deref().unwrap_or_default();
    let publisher = read::id(PublisherId::from_slice, publisher, "publisher_id")?;
    let parts = Parts { offer_link: &version.offer_link, offer, name: &version.name, publisher };
    let fallback = version.fallback_link.as_deref().map(plain_link);
    Ok(LiveOffer {
        tenant: read::id(TenantId::from_slice, &fact.tenant_id, "tenant_id")?,
        link: read::id(LinkId::from_slice, fact.link_id.as_deref().unwrap_or_default(), "link_id")?,
        offer,
        version: version.version,
        advertiser: read::id(AdvertiserId::from_slice, &version.advertiser_id, "advertiser_id")?,
        publisher,
        destination: unbroken(offer, "offer link", Destination::of(&parts)),
        fallback: fallback.and_then(|link| unbroken(offer, "fallback link", link)),
        status: match read::enumeration(fact.status, "status")? {
            StatusCode::Ready => OfferStatus::Ready,
            StatusCode::Paused => OfferStatus::Paused,
            StatusCode::Ended => OfferStatus::Ended,
            StatusCode::Draft | StatusCode::Unspecified => OfferStatus::Draft,
        },
        dates: TimeWindow {
            from: read::time(version.launch_at_micros),
            until: version.end_at_micros.map(read::time),
        },
        targeting: targeting(&version)?,
        budget: row.budget.as_deref().map(budget).transpose()?.unwrap_or_default(),
        headline: headline(version).into(),
    })
}

fn targeting(version: &OfferVersionCreated) -> Result<Targeting, ContractError> {
    let country = |code: &String| {
        code.parse::<Country>().map_err(|error| read::field_error("countries", error.to_string()))
    };
    let platform = |code: &i32| {
        Ok::<_, ContractError>(match read::enumeration(*code, "platforms")? {
            PlatformCode::Ios => Platform::Ios,
            PlatformCode::Android => Platform::Android,
            PlatformCode::Macos => Platform::MacOs,
            PlatformCode::Browser | PlatformCode::Unspecified => Platform::Browser,
        })
    };
    let gender = |code: &i32| {
        Ok::<_, ContractError>(match read::enumeration(*code, "genders")? {
            GenderCode::Male => Gender::Male,
            GenderCode::Female | GenderCode::Unspecified => Gender::Female,
        })
    };
    Ok(Targeting {
        countries: version.countries.iter().map(country).collect::<Result<_, _>>()?,
        platforms: version.platforms.iter().map(platform).collect::<Result<_, _>>()?,
        genders: version.genders.iter().map(gender).collect::<Result<_, _>>()?,
        ages: version.ages.iter().map(|range| (range.from, range.to)).collect(),
    })
}

fn budget(fact: &[u8]) -> Result<Budget, Box<dyn std::error::Error>> {
    let fact = BudgetStateChanged::decode(fact)?;
    Ok(match read::enumeration(fact.state, "state")? {
        BudgetState::Open | BudgetState::Unspecified => Budget::Open,
        BudgetState::Spent => {
            fact.resumes_at_micros.map_or(Budget::Spent, |at| Budget::SpentUntil(read::time(at)))
        }
    })
}

fn headline(version: OfferVersionCreated) -> String {
    if version.headline.trim().is_empty() { version.name } else { version.headline }
}

/// A broken link is reported once, when it is loaded, not at every click.
fn unbroken<T>(offer: OfferId, what: &'static str, link: Result<T, BrokenLink>) -> Option<T> {
    link.inspect_err(|error| {
        tracing::error!(%offer, what, error = %chain(error), "a link leads nowhere: correct it in the offer");
    })
    .ok()
}
