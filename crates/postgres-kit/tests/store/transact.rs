//! Transactions that lose a race run again; those that can not help it do not.

use std::sync::atomic::{AtomicU32, Ordering};

use diesel::sql_query;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures_util::join;
use postgres_kit::{DbError, Failure, Retries, Snapshot, all, kept, sqlstate::Class, transact};
use tokio::{sync::Barrier, task::JoinSet};

use super::{count, database, run};

const ACCOUNT: &str = "CREATE TABLE account (id int PRIMARY KEY, balance bigint NOT NULL); \
                       INSERT INTO account VALUES (1, 0), (2, 0); \
                       GRANT ALL ON account TO PUBLIC";

async fn with_account() -> test_kit::TestDatabase {
    let database = database().await;
    database.admin().await.batch_execute(ACCOUNT).await.expect("a table");
    database
}

#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the rule says no")]
    Rule,
    #[error(transparent)]
    Store(#[from] DbError),
}

impl From<diesel::result::Error> for Refusal {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Failure for Refusal {
    fn database(&self) -> Option<&DbError> {
        match self {
            Self::Store(error) => Some(error),
            Self::Rule => None,
        }
    }
}

#[tokio::test]
async fn what_is_refused_is_rolled_back_and_not_run_again() {
    let database = with_account().await;
    let runs = AtomicU32::new(0);
    let outcome: Result<(), Refusal> = transact(&database.pool(), Retries::default(), async |connection| {
        runs.fetch_add(1, Ordering::Relaxed);
        connection.batch_execute("UPDATE account SET balance = 7").await?;
        Err(Refusal::Rule)
    })
    .await;
    assert!(matches!(outcome, Err(Refusal::Rule)), "{outcome:?}");
    assert_eq!(runs.load(Ordering::Relaxed), 1);
    let mut admin = database.admin().await;
    assert_eq!(count(&mut admin, "SELECT max(balance) AS count FROM account").await, 0);
}

#[derive(diesel::QueryableByName)]
struct Balance {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    balance: i64,
}

#[tokio::test]
async fn a_statement_that_a_migration_made_stale_costs_its_connection_and_nothing_else() {
    let database = with_account().await;
    let pool = database.pool();
    let read = async || {
        transact(&pool, Retries::default(), async |connection| {
            let all = kept(sql_query("SELECT * FROM account WHERE id = 1"));
            let row: Balance = diesel_async::RunQueryDsl::get_result(all, connection).await?;
            Ok::<_, DbError>(row.balance)
        })
        .await
    };
    assert_eq!(read().await.expect("before"), 0);
    database.admin().await.batch_execute("ALTER TABLE account ADD owner text").await.expect("a column");
    assert_eq!(read().await.expect("after"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serialization_failure_runs_again_until_it_wins() {
    let database = with_account().await;
    let pool = database.pool();
    let runs = AtomicU32::new(0);
    let both_have_read = Barrier::new(2);
    let add = async || -> Result<(), DbError> {
        let first_run = AtomicU32::new(1);
        transact(&pool, Retries::default(), async |connection| {
            runs.fetch_add(1, Ordering::Relaxed);
            connection.batch_execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE").await?;
            let balance = count(connection, "SELECT balance AS count FROM account WHERE id = 1").await;
            if first_run.swap(0, Ordering::Relaxed) == 1 {
                both_have_read.wait().await;
            }
            let update = format!("UPDATE account SET balance = {} WHERE id = 1", balance + 1);
            Ok(connection.batch_execute(&update).await?)
        })
        .await
    };
    let (first, second) = tokio::join!(add(), add());
    first.expect("one of them");
    second.expect("the other");
    let mut admin = database.admin().await;
    assert_eq!(count(&mut admin, "SELECT balance AS count FROM account WHERE id = 1").await, 2);
    assert!(runs.load(Ordering::Relaxed) >= 3, "one of them ran again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_runs_again_until_it_wins() {
    let database = with_account().await;
    let pool = database.pool();
    let both_hold_one = Barrier::new(2);
    let runs = AtomicU32::new(0);
    let move_between = async |from: i32, to: i32| -> Result<(), DbError> {
        let first_run = AtomicU32::new(1);
        transact(&pool, Retries::default(), async |connection| {
            runs.fetch_add(1, Ordering::Relaxed);
            let take = format!("UPDATE account SET balance = balance - 1 WHERE id = {from}");
            connection.batch_execute(&take).await?;
            if first_run.swap(0, Ordering::Relaxed) == 1 {
                both_hold_one.wait().await;
            }
            let give = format!("UPDATE account SET balance = balance + 1 WHERE id = {to}");
            Ok(connection.batch_execute(&give).await?)
        })
        .await
    };
    let (there, back) = tokio::join!(move_between(1, 2), move_between(2, 1));
    there.expect("one of them");
    back.expect("the other");
    assert_eq!(runs.load(Ordering::Relaxed), 3, "the victim ran again");
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_are_bounded() {
    let database = with_account().await;
    let pool = database.pool();
    let runs = AtomicU32::new(0);
    let outcome: Result<(), DbError> = transact(&pool, Retries(2), async |connection| {
        runs.fetch_add(1, Ordering::Relaxed);
        let lose = "DO $$ BEGIN RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001'; END $$";
        Ok(connection.batch_execute(lose).await?)
    })
    .await;
    assert_eq!(outcome.expect_err("always loses").class(), Class::Retry);
    assert_eq!(runs.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn each_failure_has_its_class() {
    let database = with_account().await;
    let pool = database.pool();
    let class_of = async |statements: &str| -> Class {
        let outcome: Result<(), DbError> = transact(&pool, Retries::NONE, async |connection| {
            Ok(connection.batch_execute(statements).await?)
        })
        .await;
        outcome.expect_err(statements).class()
    };
    for (statements, class) in [
        ("SET LOCAL statement_timeout = 1; SELECT pg_sleep(1)", Class::Pause),
        ("SELECT pg_terminate_backend(pg_backend_pid())", Class::Pause),
        ("SELECT FROM not_migrated_yet", Class::Pause),
        ("SELECT not_migrated_yet FROM account", Class::Pause),
        ("DROP TABLE outbox", Class::Pause),
        ("SET TRANSACTION READ ONLY; UPDATE account SET balance = 1", Class::Pause),
        ("SELECT 1 / 0", Class::Bug),
        ("INSERT INTO account VALUES (1, 1)", Class::Bug),
        ("INSERT INTO account VALUES (3, NULL)", Class::Bug),
        ("SELECT convert_from('\\x00', 'UTF8')", Class::Bug),
    ] {
        assert_eq!(class_of(statements).await, class, "{statements}");
    }
}

#[tokio::test]
async fn a_lock_that_is_held_too_long_pauses() {
    let database = with_account().await;
    let pool = database.pool();
    let mut holder = database.admin().await;
    holder.batch_execute("BEGIN; LOCK TABLE account").await.expect("a lock");
    let outcome: Result<(), DbError> = transact(&pool, Retries::NONE, async |connection| {
        Ok(connection.batch_execute("SET LOCAL lock_timeout = 20; UPDATE account SET balance = 1").await?)
    })
    .await;
    assert_eq!(outcome.expect_err("locked").class(), Class::Pause);
    holder.batch_execute("COMMIT").await.expect("the end");
    run(&pool, "UPDATE account SET balance = 1").await;
}

#[tokio::test]
async fn a_transaction_that_is_dropped_half_way_leaves_nothing_behind() {
    let database = with_account().await;
    let mut settings = database.settings();
    settings.pool_size = 2;
    let pool = postgres_kit::pool(&settings).expect("a pool");
    let mut admin = database.admin().await;
    let in_transaction = "SELECT count(*) AS count FROM pg_stat_activity \
                          WHERE usename = 'gokart_test_app' AND datname = current_database() \
                            AND state = 'idle in transaction'";
    for _attempt in 0..4 {
        let pool = pool.clone();
        let mut callers = JoinSet::new();
        callers.spawn(async move {
            transact::<(), DbError, _>(&pool, Retries::NONE, async |connection| {
                connection.batch_execute("UPDATE account SET balance = balance + 1 WHERE id = 1").await?;
                std::future::pending().await
            })
            .await
        });
        test_kit::eventually("the update to have run", super::SOON, async || {
            count(&mut admin, in_transaction).await == 1
        })
        .await;
        callers.shutdown().await;
        test_kit::eventually("the transaction to be gone", super::SOON, async || {
            count(&mut admin, in_transaction).await == 0
        })
        .await;
    }
    run(&pool, "UPDATE account SET balance = balance + 10 WHERE id = 1").await;
    assert_eq!(count(&mut admin, "SELECT balance AS count FROM account WHERE id = 1").await, 10);
}

/// Consumers run transactions in tasks that move between threads: this must compile.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_can_move_between_threads() {
    let database = database().await;
    let pool = database.pool();
    let supervisor = process::Supervisor::new();
    let (done, result) = tokio::sync::oneshot::channel();
    supervisor.spawn("transaction", async move {
        let added = String::from("borrowed by the work");
        let outcome: Result<usize, DbError> = transact(&pool, Retries::default(), async |connection| {
            connection.batch_execute("SELECT 1").await?;
            Ok(added.len())
        })
        .await;
        drop(done.send(outcome));
    });
    assert_eq!(result.await.expect("an outcome").expect("a commit"), 20);
}

#[tokio::test]
async fn a_snapshot_is_of_one_moment_and_writes_nothing() {
    let database = with_account().await;
    let pool = database.pool();
    let sum = "SELECT sum(balance)::bigint AS count FROM account";
    let seen = transact(&pool, Snapshot, async |connection| {
        let before = count(connection, sum).await;
        run(&pool, "UPDATE account SET balance = balance + 1").await;
        Ok::<_, DbError>((before, count(connection, sum).await))
    })
    .await;
    assert_eq!(seen.expect("a look"), (0, 0));
    let written = transact(&pool, Snapshot, async |connection| {
        Ok::<_, DbError>(connection.batch_execute("UPDATE account SET balance = 7").await?)
    })
    .await;
    let refusal = telemetry::chain(&written.expect_err("a look that writes"));
    assert!(refusal.contains("read-only transaction"), "{refusal}");
    assert_eq!(count(&mut database.admin().await, sum).await, 2);
}

async fn execute(mut connection: &AsyncPgConnection, statement: &'static str) -> diesel::QueryResult<()> {
    diesel_async::RunQueryDsl::execute(kept(sql_query(statement)), &mut connection).await.map(drop)
}

#[tokio::test]
async fn of_statements_sent_together_the_failure_is_told_that_caused_the_others() {
    let database = with_account().await;
    let runs = AtomicU32::new(0);
    let outcome = transact(&database.pool(), Retries::default(), async |connection| {
        runs.fetch_add(1, Ordering::Relaxed);
        let connection: &AsyncPgConnection = connection;
        let two = async {
            execute(connection, "UPDATE account SET balance = 1 WHERE id = 1").await?;
            execute(connection, "UPDATE account SET balance = 2 WHERE id = 1").await
        };
        // Named last, fails first.
        all(join!(two, execute(connection, "UPDATE account SET balance = 1 / (id - 2) WHERE id = 2")))?;
        Ok::<_, DbError>(())
    })
    .await;
    let error = outcome.expect_err("a division by zero");
    assert_eq!(error.class(), Class::Bug, "{}", telemetry::chain(&error));
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}
