//! Nothing that was committed stays behind, whatever dies meanwhile.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use diesel_async::SimpleAsyncConnection;
use kernel::FactId;
use postgres_kit::{
    DbError, Pool, Retries, dead_items,
    outbox::{self, Outgoing, Relay, Sink, SinkError},
    transact,
};
use process::Supervisor;
use test_kit::{TestDatabase, eventually};

use super::{SOON, count, database, fact};

fn outgoing(number: u128) -> Outgoing {
    Outgoing {
        fact_id: fact(number),
        exchange: String::from("gokart.test"),
        routing_key: String::from("fact.happened.v1"),
        envelope: vec![0, 1, 2],
    }
}

async fn add(pool: &Pool, facts: &[Outgoing]) {
    let added: Result<(), DbError> =
        transact(pool, Retries::default(), async |connection| Ok(outbox::add(connection, facts).await?))
            .await;
    added.expect("added");
}

/// A broker that counts what it gets, and misbehaves on request.
#[derive(Clone, Default)]
struct Broker {
    seen: Arc<Mutex<BTreeMap<FactId, usize>>>,
    largest_batch: Arc<AtomicUsize>,
    is_down: Arc<AtomicBool>,
    /// Takes facts and never confirms.
    is_stuck: Arc<AtomicBool>,
    refuses: Option<FactId>,
}

impl Broker {
    fn seen(&self) -> BTreeMap<FactId, usize> {
        self.seen.lock().expect("a lock").clone()
    }
}

impl Sink for Broker {
    async fn send(&self, facts: Vec<Outgoing>) -> Result<(), SinkError> {
        if self.is_down.load(Ordering::Relaxed) {
            return Err(SinkError::Unavailable(String::from("down")));
        }
        if facts.iter().any(|fact| Some(fact.fact_id) == self.refuses) {
            return Err(SinkError::Refused(String::from("too large")));
        }
        self.largest_batch.fetch_max(facts.len(), Ordering::Relaxed);
        for fact in facts {
            assert_eq!(fact, Outgoing { fact_id: fact.fact_id, ..outgoing(0) }, "as it was written");
            *self.seen.lock().expect("a lock").entry(fact.fact_id).or_default() += 1;
        }
        if self.is_stuck.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

async fn until_empty(database: &TestDatabase) {
    let mut admin = database.admin().await;
    eventually("an empty outbox", SOON, async || {
        let left = count(&mut admin, "SELECT count(*) AS count FROM outbox").await;
        if left == 0 { Ok(()) } else { Err(left) }
    })
    .await;
}

fn exactly(numbers: impl Iterator<Item = u128>) -> Vec<FactId> {
    numbers.map(fact).collect()
}

#[tokio::test]
async fn what_was_planned_for_an_empty_outbox_does_not_read_a_full_one_whole() {
    const FACTS: u128 = 6_000;
    let database = database().await;
    let pool = database.pool();
    let (broker, supervisor) = (Broker::default(), Supervisor::new());
    add(&pool, &[outgoing(0)]).await;
    let mut admin = database.admin().await;
    admin.batch_execute("DELETE FROM outbox").await.expect("deleted");
    admin.batch_execute("VACUUM ANALYZE outbox").await.expect("vacuumed");
    Relay::run(pool.clone(), broker.clone(), &supervisor);
    add(&pool, &[outgoing(1)]).await;
    until_empty(&database).await;
    let facts: Vec<Outgoing> = (2..FACTS + 2).map(outgoing).collect();
    add(&pool, &facts).await;
    until_empty(&database).await;
    let read = "SELECT seq_tup_read AS count FROM pg_stat_user_tables WHERE relname = 'outbox'";
    supervisor.drain(SOON).await.expect("nothing is left running");
    drop(pool);
    // The statistics of a connection are there when it has ended. How much waits is counted now and then, that is one look.
    eventually("its statistics", SOON, async || {
        let open = "SELECT count(*) AS count FROM pg_stat_activity \
            WHERE usename = 'gokart_test_app' AND datname = current_database()";
        let left = count(&mut admin, open).await;
        if left == 0 { Ok(()) } else { Err(left) }
    })
    .await;
    let read = count(&mut admin, read).await;
    assert!(read < 4 * i64::try_from(FACTS).expect("few"), "{read} rows were read one after the other");
}

#[tokio::test]
async fn what_is_committed_is_sent_and_what_is_rolled_back_is_not() {
    let database = database().await;
    let pool = database.pool();
    let broker = Broker::default();
    let supervisor = Supervisor::new();
    Relay::run(pool.clone(), broker.clone(), &supervisor);
    let rolled_back: Result<(), DbError> = transact(&pool, Retries::NONE, async |connection| {
        outbox::add(connection, &[outgoing(1)]).await?;
        Err(diesel::result::Error::RollbackTransaction.into())
    })
    .await;
    assert!(rolled_back.is_err());
    add(&pool, &[outgoing(2), outgoing(3)]).await;
    add(&pool, &[]).await;
    until_empty(&database).await;
    assert_eq!(broker.seen().into_keys().collect::<Vec<_>>(), exactly(2..=3));
    supervisor.drain(SOON).await.expect("nothing is left running");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_relays_send_everything_in_bounded_batches() {
    let database = database().await;
    let pool = database.pool();
    let broker = Broker::default();
    let supervisor = Supervisor::new();
    let facts: Vec<Outgoing> = (1..=3_000).map(outgoing).collect();
    add(&pool, &facts[..2_000]).await;
    for _replica in 0..3 {
        Relay::run(database.pool(), broker.clone(), &supervisor);
    }
    for batch in facts[2_000..].chunks(100) {
        add(&pool, batch).await;
    }
    until_empty(&database).await;
    let seen = broker.seen();
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), exactly(1..=3_000));
    assert!(seen.values().all(|times| *times == 1), "nothing failed, so nothing was sent twice");
    assert!(broker.largest_batch.load(Ordering::Relaxed) <= 512);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_survives_the_end_of_every_connection() {
    let database = database().await;
    let broker = Broker::default();
    let supervisor = Supervisor::new();
    Relay::run(database.pool(), broker.clone(), &supervisor);
    let mut admin = database.admin().await;
    for round in 0..10_u128 {
        admin
            .batch_execute(&format!(
                "INSERT INTO outbox (fact_id, exchange, routing_key, envelope)
                SELECT lpad(to_hex({round} * 100 + n), 32, '0')::uuid, 'gokart.test', 'fact.happened.v1', '\\x000102'
                FROM generate_series(1, 100) AS n"
            ))
            .await
            .expect("facts");
        admin
            .batch_execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .await
            .expect("ended connections");
    }
    until_empty(&database).await;
    assert_eq!(broker.seen().into_keys().collect::<Vec<_>>(), exactly(1..=1_000));
}

#[tokio::test]
async fn a_commit_of_this_process_is_sent_at_once() {
    let database = database().await;
    let pool = database.pool();
    let broker = Broker::default();
    let supervisor = Supervisor::new();
    Relay::run(pool.clone(), broker.clone(), &supervisor);
    let start = Instant::now();
    for number in 1..=20 {
        add(&pool, &[outgoing(number)]).await;
        eventually("the fact to be sent", SOON, async || broker.seen().contains_key(&fact(number))).await;
    }
    // By looking every half second alone it would take ten.
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_broker_that_is_down_loses_nothing() {
    let database = database().await;
    let pool = database.pool();
    let broker = Broker::default();
    broker.is_down.store(true, Ordering::Relaxed);
    let supervisor = Supervisor::new();
    Relay::run(pool.clone(), broker.clone(), &supervisor);
    add(&pool, &(1..=10).map(outgoing).collect::<Vec<_>>()).await;
    let mut admin = database.admin().await;
    eventually("the relay to have tried", SOON, async || {
        count(
            &mut admin,
            "SELECT xact_rollback AS count FROM pg_stat_database WHERE datname = current_database()",
        )
        .await
            >= 1
    })
    .await;
    assert_eq!(count(&mut admin, "SELECT count(*) AS count FROM outbox").await, 10);
    broker.is_down.store(false, Ordering::Relaxed);
    until_empty(&database).await;
    assert_eq!(broker.seen().len(), 10);
}

#[tokio::test]
async fn a_relay_that_dies_between_sending_and_its_commit_sends_again() {
    let database = database().await;
    let pool = database.pool();
    let broker = Broker::default();
    broker.is_stuck.store(true, Ordering::Relaxed);
    add(&pool, &[outgoing(1)]).await;
    let first = Supervisor::new();
    Relay::run(database.pool(), broker.clone(), &first);
    eventually("the first relay to have sent", SOON, async || broker.seen().len() == 1).await;
    first.drain(SOON).await.expect("a stop in the middle of sending");
    broker.is_stuck.store(false, Ordering::Relaxed);
    let second = Supervisor::new();
    Relay::run(database.pool(), broker.clone(), &second);
    until_empty(&database).await;
    assert_eq!(broker.seen(), BTreeMap::from([(fact(1), 2)]));
}

#[tokio::test]
async fn a_fact_that_can_never_be_sent_is_buried_and_blocks_no_other() {
    let database = database().await;
    let pool = database.pool();
    let broker = Broker { refuses: Some(fact(7)), ..Broker::default() };
    let supervisor = Supervisor::new();
    add(&pool, &(1..=20).map(outgoing).collect::<Vec<_>>()).await;
    Relay::run(pool.clone(), broker.clone(), &supervisor);
    until_empty(&database).await;
    assert_eq!(
        broker.seen().into_keys().collect::<Vec<_>>(),
        exactly((1..=20).filter(|number| *number != 7))
    );
    let mut connection = pool.get().await.expect("a connection");
    let buried = dead_items::list(&mut connection, None, None, 10).await.expect("a list");
    assert_eq!(buried.len(), 1);
    assert_eq!((buried[0].consumer.as_str(), buried[0].item.fact_id), ("outbox", Some(fact(7))));
    assert_eq!(buried[0].item.item, [0, 1, 2]);
}

#[tokio::test]
async fn the_gauges_tell_how_the_outbox_flows() {
    let database = database().await;
    let pool = database.pool();
    let broker = Broker::default();
    broker.is_down.store(true, Ordering::Relaxed);
    add(&pool, &[outgoing(1), outgoing(2)]).await;
    let mut admin = database.admin().await;
    admin
        .batch_execute("UPDATE outbox SET created_at = now() - interval '1 hour'")
        .await
        .expect("older rows");
    let supervisor = Supervisor::new();
    Relay::run(pool, broker, &supervisor);
    eventually("the gauges", SOON, async || {
        let text = telemetry::prometheus_text();
        let shown = text.contains("outbox_depth 2")
            && text.contains("outbox_oldest_age_seconds 36")
            && text.contains("dead_items 0");
        if shown { Ok(()) } else { Err(text) }
    })
    .await;
}
