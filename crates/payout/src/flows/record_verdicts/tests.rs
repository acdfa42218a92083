//! Many workers, one budget; a publisher that becomes known in between: a real database, a connection each.

use diesel::{QueryableByName, sql_query, sql_types::BigInt};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection as _};
use kernel::{
    AdvertiserId, Bps, ClickId, ConversionId, Currency, Days, EndpointId, Micros, OfferEventId, OfferId,
    PublisherId, Timestamp,
};
use postgres_kit::DatabaseSettings;
use process::SystemIds;
use terms::{Payout, Reported, Revenue, Terms};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::*;
use crate::{
    domain::{
        conversion::{Occasion, Reason, Subject},
        limits::{Bounds, Cap, CapOf, Heard, OverLimit, Period},
        postback::{Endpoint, Scope},
        standing::Told,
    },
    flows::apply_catalog::{CatalogFact, apply_catalog},
    store::{
        offers::Offer,
        publishers::{self, EndpointRow, Method, Publisher},
        untold,
    },
};

const WORKERS: u32 = 64;
const EACH: u32 = 6;
const DOLLAR: i64 = 1_000_000;
/// What the conversions cost, mixed; all of them together far more than the budget.
const COSTS: [i64; 5] = [700_000, 1_300_000, 2_000_000, 310_000, 50_001];

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn received(number: u32) -> Received {
    let cost = COSTS[usize::try_from(number).unwrap() % COSTS.len()];
    let subject = Subject {
        tenant: TenantId::from_uuid(id(1)),
        conversion: ConversionId::from_uuid(id(0xc0_0000 + u128::from(number))),
        click: ClickId::from_uuid(id(0x11_0000 + u128::from(number))),
        advertiser: AdvertiserId::from_uuid(id(2)),
        publisher: PublisherId::from_uuid(id(3)),
        offer: OfferId::from_uuid(id(4)),
        offer_event: OfferEventId::from_uuid(id(5 + u128::from(number % 2))),
    };
    let verdict = Verdict {
        subject,
        revision: 1,
        word: Word::Qualified,
        reason: Reason::default(),
        occasion: Occasion {
            event_id: String::from("level_10"),
            occurrence: String::from("once"),
            received_at: Timestamp::from_micros(1_700_000_000_000_000),
        },
        // Some are earned at once, some wait.
        pending: Days(if number.is_multiple_of(3) { 0 } else { 365 * 20 }),
        terms: Terms {
            currency: Currency::USD,
            revenue: Revenue::Flat(Micros(cost)),
            payout: Payout::ShareOfRevenue(Bps(6_000)),
            reward_points: 0,
        },
        number: None,
        decisions_heard: None,
        reverses: false,
        reported: Reported::default(),
        heard_until: Timestamp::from_micros(i64::MAX),
    };
    Received {
        fact: FactId::from_uuid(id(0xfac7_0000 + u128::from(number))),
        verdict,
        encoded: Vec::new(),
        trace: TraceContext::default(),
    }
}

#[derive(QueryableByName)]
struct Sum {
    #[diesel(sql_type = BigInt)]
    sum: i64,
}

async fn sum(pool: &Pool, query: &str) -> i64 {
    let row: Sum = sql_query(query).get_result(&mut pool.get().await.unwrap()).await.unwrap();
    row.sum
}

fn offer(total: i64, cap: u64) -> Offer {
    let bounds = Bounds {
        version: 1,
        currency: Currency::USD,
        total: Some(Micros(total)),
        daily: None,
        least: Micros(50_001),
        action: OverLimit::Reject,
        caps: vec![Cap {
            of: CapOf::Event(OfferEventId::from_uuid(id(5))),
            period: Period::AllTime,
            bound: cap,
        }],
    };
    Offer { key: (TenantId::from_uuid(id(1)), OfferId::from_uuid(id(4))), bounds, heard: Heard::default() }
}

async fn contend(total: i64, cap: u64) -> (Pool, test_kit::TestDatabase) {
    let database = test_kit::database("payout", crate::migrate).await;
    let pool = postgres_kit::pool(&DatabaseSettings {
        pool_size: usize::try_from(WORKERS).unwrap(),
        ..database.settings()
    })
    .unwrap();
    let ids: Arc<dyn IdSource> = Arc::new(SystemIds);
    let offer = offer(total, cap);
    apply_catalog(&pool, &ids, &[CatalogFact::Offer(offer)]).await.unwrap();
    let mut workers = JoinSet::new();
    for worker in 0..WORKERS {
        let (pool, ids) = (pool.clone(), Arc::clone(&ids));
        workers.spawn(async move {
            for turn in 0..EACH {
                // Neighbours share every other conversion: a redelivery to another worker.
                let mine = worker * EACH + turn;
                let next = (mine + EACH) % (WORKERS * EACH);
                record_verdicts(&pool, &ids, &[received(mine), received(next)]).await.unwrap();
            }
        });
    }
    while let Some(done) = workers.join_next().await {
        done.unwrap();
    }
    (pool, database)
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_workers_end_exactly_within_one_budget() {
    let total = 40 * DOLLAR;
    let (pool, database) = contend(total, 10_000).await;
    let all = i64::from(WORKERS * EACH);
    assert_eq!(sum(&pool, "SELECT count(*) AS sum FROM conversions").await, all);
    let taken =
        sum(&pool, "SELECT sum(revenue_micros)::bigint AS sum FROM conversions WHERE status <> 'rejected'")
            .await;
    let counted = "SELECT revenue_micros AS sum FROM limit_usage WHERE period = 'all_time'
        AND offer_event_id = '00000000-0000-0000-0000-000000000000'";
    assert_eq!(sum(&pool, counted).await, taken, "the counter is the sum");
    let entries =
        "SELECT sum(amount_micros)::bigint AS sum FROM ledger_transfers WHERE kind IN ('pending', 'posted')";
    assert_eq!(sum(&pool, entries).await, taken, "and the ledger holds no more and no less");
    let left = total - taken;
    assert!(left >= 0, "{left}");
    // First committed wins: whoever was refused would not fit now either.
    let refused = "SELECT min(revenue_micros) AS sum FROM conversions WHERE reason_code = 'REJECTED_BUDGET'";
    assert!(
        sum(&pool, refused).await > left,
        "what is left, {left}, would have paid for one that was refused"
    );
    let proof = crate::verify(&database.settings()).await.unwrap();
    assert_eq!(proof.differences, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_workers_end_exactly_at_one_cap() {
    let (pool, _database) = contend(i64::MAX, 37).await;
    let counts = |event: u128, status: &str| {
        format!("SELECT count(*) AS sum FROM conversions WHERE offer_event_id = '{}' AND {status}", id(event))
    };
    assert_eq!(sum(&pool, &counts(5, "counted = 'taken'")).await, 37);
    assert_eq!(
        sum(&pool, &counts(5, "reason_code = 'REJECTED_CAP'")).await,
        i64::from(WORKERS * EACH / 2) - 37
    );
    assert_eq!(sum(&pool, &counts(6, "counted = 'taken'")).await, i64::from(WORKERS * EACH / 2));
}

#[tokio::test]
async fn a_publisher_that_becomes_known_while_its_conversion_is_recorded_is_told() {
    let database = test_kit::database("payout", crate::migrate).await;
    let pool = database.pool();
    let ids: Arc<dyn IdSource> = Arc::new(SystemIds);
    apply_catalog(&pool, &ids, &[CatalogFact::Offer(offer(40 * DOLLAR, 10_000))]).await.unwrap();
    let received = received(3);
    let subject = received.verdict.subject;
    let endpoint = Endpoint {
        id: EndpointId::from_uuid(id(9)),
        scope: Scope::Global,
        statuses: [Told::Success].into_iter().collect(),
        also_global: false,
    };
    let publisher = Publisher {
        tenant: subject.tenant,
        id: subject.publisher,
        version: 1,
        name: String::from("trailmix"),
        active: true,
        max_concurrency: None,
        max_per_second: None,
        endpoints: vec![EndpointRow {
            endpoint,
            method: Method::Get,
            url_template: String::from("https://publisher.example/"),
            signing_secret: None,
            old_signing_secret: None,
            custom_header: None,
            active: true,
        }],
    };
    // As the catalog's consumer does it, but it waits for the verdict before it commits.
    let mut catalog = database.admin().await;
    catalog.batch_execute("BEGIN").await.unwrap();
    untold::lock_for_news(&mut catalog, &[(publisher.tenant, publisher.id)]).await.unwrap();
    publishers::apply(&mut catalog, &publisher).await.unwrap();
    let batch = [received];
    let commit = async {
        let waits = "SELECT count(*) AS sum FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        test_kit::eventually("the verdict waits", std::time::Duration::from_secs(20), async || {
            if sum(&pool, waits).await > 0 { Ok(()) } else { Err("nobody waits") }
        })
        .await;
        catalog.batch_execute("COMMIT").await.unwrap();
    };
    let (recorded, ()) = join!(record_verdicts(&pool, &ids, &batch), commit);
    recorded.unwrap();
    assert_eq!(sum(&pool, "SELECT count(*) AS sum FROM deliveries").await, 1);
    assert_eq!(sum(&pool, "SELECT count(*) AS sum FROM untold").await, 0);
}
