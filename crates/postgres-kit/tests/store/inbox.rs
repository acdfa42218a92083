//! One effect, however often a fact is delivered.

use std::{collections::HashSet, time::Duration};

use diesel_async::SimpleAsyncConnection;
use kernel::FactId;
use postgres_kit::{DbError, Pool, Retries, inbox, transact};

use super::{count, database, fact};

async fn claim(pool: &Pool, consumer: &str, ids: &[FactId]) -> HashSet<FactId> {
    let claimed: Result<_, DbError> = transact(pool, Retries::default(), async |connection| {
        Ok(inbox::claim(connection, consumer, ids).await?)
    })
    .await;
    claimed.expect("a claim")
}

#[tokio::test]
async fn a_fact_is_new_once_for_each_consumer() {
    let database = database().await;
    let pool = database.pool();
    assert_eq!(claim(&pool, "a", &[fact(1), fact(2)]).await, HashSet::from([fact(1), fact(2)]));
    assert_eq!(claim(&pool, "a", &[fact(2), fact(3)]).await, HashSet::from([fact(3)]));
    assert_eq!(claim(&pool, "b", &[fact(2)]).await, HashSet::from([fact(2)]));
    assert_eq!(claim(&pool, "a", &[]).await, HashSet::new());
}

#[tokio::test]
async fn a_batch_may_repeat_itself() {
    let database = database().await;
    let pool = database.pool();
    assert_eq!(claim(&pool, "a", &[fact(1), fact(1), fact(1)]).await, HashSet::from([fact(1)]));
    let mut admin = database.admin().await;
    assert_eq!(count(&mut admin, "SELECT count(*) AS count FROM inbox").await, 1);
}

#[tokio::test]
async fn what_is_rolled_back_is_new_again() {
    let database = database().await;
    let pool = database.pool();
    let outcome: Result<(), DbError> = transact(&pool, Retries::NONE, async |connection| {
        inbox::claim(connection, "a", &[fact(1)]).await?;
        Ok(connection.batch_execute("SELECT 1 / 0").await?)
    })
    .await;
    assert!(outcome.is_err());
    assert_eq!(claim(&pool, "a", &[fact(1)]).await, HashSet::from([fact(1)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_deliveries_in_any_order_claim_each_fact_once() {
    let database = database().await;
    let pool = database.pool();
    let forwards: Vec<FactId> = (1..=200).map(fact).collect();
    let backwards: Vec<FactId> = forwards.iter().rev().copied().collect();
    let (a, b, c, d) = tokio::join!(
        claim(&pool, "a", &forwards),
        claim(&pool, "a", &backwards),
        claim(&pool, "a", &forwards),
        claim(&pool, "a", &backwards)
    );
    let claims = [a, b, c, d];
    assert_eq!(claims.iter().map(HashSet::len).sum::<usize>(), 200, "no fact twice");
    assert_eq!(
        claims.into_iter().flatten().collect::<HashSet<_>>(),
        HashSet::from_iter(forwards),
        "none missing"
    );
}

#[tokio::test]
async fn only_what_is_old_is_swept() {
    let database = database().await;
    let pool = database.pool();
    claim(&pool, "a", &[fact(1), fact(2), fact(3)]).await;
    let mut admin = database.admin().await;
    admin
        .batch_execute(
            "UPDATE inbox SET seen_at = now() - interval '31 days' WHERE consumer = 'a' AND fact_id <> \
                        '00000000-0000-0000-0000-000000000003'",
        )
        .await
        .expect("older rows");
    let mut connection = pool.get().await.expect("a connection");
    let month = Duration::from_hours(30 * 24);
    assert_eq!(inbox::sweep(&mut connection, month).await, Ok(2));
    assert_eq!(inbox::sweep(&mut connection, month).await, Ok(0));
    assert_eq!(inbox::sweep(&mut connection, Duration::MAX).await, Ok(0));
    assert_eq!(claim(&pool, "a", &[fact(1), fact(3)]).await, HashSet::from([fact(1)]));
}

#[tokio::test]
async fn the_sweeper_keeps_sweeping_until_the_process_stops() {
    let database = database().await;
    let pool = database.pool();
    claim(&pool, "a", &[fact(1)]).await;
    let mut admin = database.admin().await;
    admin.batch_execute("UPDATE inbox SET seen_at = now() - interval '2 days'").await.expect("an older row");
    let supervisor = process::Supervisor::new();
    inbox::keep_swept(pool, Duration::from_hours(24), &supervisor);
    test_kit::eventually("the row to be swept", super::SOON, async || {
        count(&mut admin, "SELECT count(*) AS count FROM inbox").await == 0
    })
    .await;
    supervisor.drain(super::SOON).await.expect("nothing is left running");
}
