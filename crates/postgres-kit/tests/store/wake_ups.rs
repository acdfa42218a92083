//! A commit wakes whoever waits for its work, and nothing else does.

use std::time::Duration;

use postgres_kit::{DbError, Retries, not_waited_for, transact, wake_ups};
use tokio::time::timeout;

use super::{SOON, count, database};

const WORK: &str = "letters";
/// 1 when a commit waits for the disk.
const WAITS: &str = "SELECT (current_setting('synchronous_commit') = 'on')::int::bigint AS count";

#[tokio::test]
async fn a_commit_wakes_who_waits_for_its_work_and_a_rollback_wakes_nobody() {
    let database = database().await;
    let pool = database.pool();
    let (letters, parcels) = (pool.woken_by(WORK), pool.woken_by("parcels"));
    let refused = transact(&pool, Retries::default(), async |_connection| {
        wake_ups::after_commit(WORK);
        Err::<(), DbError>(diesel::result::Error::NotFound.into())
    })
    .await;
    refused.expect_err("it says so");
    transact(&pool, Retries::default(), async |_connection| Ok::<_, DbError>(()))
        .await
        .expect("nothing made");
    let nobody = timeout(Duration::ZERO, letters.notified()).await;
    nobody.expect_err("nothing was committed");
    transact(&pool, Retries::default(), async |_connection| {
        wake_ups::after_commit(WORK);
        wake_ups::after_commit(WORK);
        Ok::<_, DbError>(())
    })
    .await
    .expect("committed");
    timeout(SOON, letters.notified()).await.expect("woken, also who came late");
    timeout(Duration::ZERO, letters.notified()).await.expect_err("once");
    timeout(Duration::ZERO, parcels.notified()).await.expect_err("another's work");
    // Outside of a transaction nobody commits anything.
    wake_ups::after_commit(WORK);
    timeout(Duration::ZERO, letters.notified()).await.expect_err("no transaction");
}

#[tokio::test]
async fn only_the_transaction_that_says_so_does_not_wait_for_the_disk() {
    let database = database().await;
    let mut settings = database.settings();
    settings.pool_size = 1;
    let pool = postgres_kit::pool(&settings).expect("a pool");
    let waits = transact(&pool, Retries::default(), async |connection| {
        not_waited_for(connection).await?;
        Ok::<_, DbError>(count(connection, WAITS).await)
    });
    assert_eq!(waits.await.expect("one that does not"), 0);
    let waits = transact(&pool, Retries::default(), async |connection| {
        Ok::<_, DbError>(count(connection, WAITS).await)
    });
    assert_eq!(waits.await.expect("the next on this connection"), 1);
}
