//! Connections as they should be, and what happens when there are none.

use std::time::{Duration, Instant};

use diesel::{QueryableByName, sql_query, sql_types::Text};
use diesel_async::{AsyncConnection as _, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use postgres_kit::{ConnectError, DatabaseSettings, DbError, Retries, sqlstate::Class, transact};
use secrecy::{ExposeSecret as _, SecretString};
use settings::Problems;
use test_kit::{Fault, FaultProxy, eventually};
use tokio::time::timeout;

use super::{SOON, count, database, run};

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    value: String,
}

async fn setting(connection: &mut AsyncPgConnection, name: &str) -> String {
    let row: Setting = sql_query(format!("SELECT current_setting('{name}') AS value"))
        .get_result(connection)
        .await
        .expect(name);
    row.value
}

#[tokio::test]
async fn every_connection_has_its_limits_and_its_name() {
    let database = database().await;
    let mut settings = database.settings();
    settings.statement_timeout_ms = 1_234;
    settings.idle_in_transaction_timeout_ms = 15_000;
    settings.application_name = String::from("attribution");
    let pool = postgres_kit::pool(&settings).expect("a pool");
    let mut connection = pool.get().await.expect("a connection");
    for (name, value) in [
        ("statement_timeout", "1234ms"),
        ("idle_in_transaction_session_timeout", "15s"),
        ("application_name", "attribution"),
        ("TimeZone", "UTC"),
    ] {
        assert_eq!(setting(&mut connection, name).await, value, "{name}");
    }
}

/// Ends the one connection of the application's role.
async fn end_connection(admin: &mut AsyncPgConnection) {
    let ended = count(
        admin,
        "SELECT count(pg_terminate_backend(pid)) AS count FROM pg_stat_activity \
         WHERE usename = 'gokart_test_app' AND datname = current_database()",
    )
    .await;
    assert_eq!(ended, 1);
}

async fn no_connection_is_left(admin: &mut AsyncPgConnection) {
    eventually("the server has ended the connection", SOON, async || {
        let left = count(
            admin,
            "SELECT count(*) AS count FROM pg_stat_activity \
             WHERE usename = 'gokart_test_app' AND datname = current_database()",
        )
        .await;
        if left == 0 { Ok(()) } else { Err(format!("{left} left")) }
    })
    .await;
}

/// What the application's one connection was last asked.
async fn last_said(admin: &mut AsyncPgConnection) -> String {
    let latest: Setting = sql_query(
        "SELECT query AS value FROM pg_stat_activity \
         WHERE usename = 'gokart_test_app' AND datname = current_database()",
    )
    .get_result(admin)
    .await
    .expect("its last query");
    latest.value
}

#[tokio::test]
async fn a_connection_that_died_in_the_pool_is_replaced() {
    let database = database().await;
    let pool = database.pool();
    run(&pool, "SELECT 1").await;
    let mut admin = database.admin().await;
    end_connection(&mut admin).await;
    no_connection_is_left(&mut admin).await;
    run(&pool, "SELECT 1").await;
}

#[tokio::test]
async fn a_transaction_whose_connection_has_just_died_begins_on_another() {
    let database = database().await;
    let pool = database.pool();
    run(&pool, "SELECT 1").await;
    // On a thread of its own and waited for without letting anything else run here: nobody has heard of it when the transaction begins.
    let url = database.admin_url();
    let ends = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut admin = AsyncPgConnection::establish(&url).await.expect("a connection");
            end_connection(&mut admin).await;
            no_connection_is_left(&mut admin).await;
        });
    });
    ends.join().expect("the connection is ended");
    let answer = transact(&pool, Retries::NONE, async |connection| {
        Ok::<_, DbError>(sql_query("SELECT 1").execute(connection).await?)
    });
    assert_eq!(answer.await.expect("a transaction"), 1);
}

#[tokio::test]
async fn a_server_that_went_without_a_word_is_not_waited_for_to_begin() {
    let database = database().await;
    let mut settings = database.settings();
    let url = String::from(settings.url.expose_secret());
    let wire = FaultProxy::to_server_of(&url);
    settings.url = SecretString::from(wire.url(&url));
    settings.recycle_timeout_ms = 200;
    settings.connect_timeout_ms = 200;
    let pool = postgres_kit::pool(&settings).expect("a pool");
    run(&pool, "SELECT 1").await;
    wire.set(Fault::Hold);
    let nothing = transact(&pool, Retries::NONE, async |_connection| Ok::<_, DbError>(()));
    // Without a limit of ours it ends when the kernel gives up, after half a minute.
    let error = timeout(SOON, nothing).await.expect("an end").expect_err("nobody answers");
    assert_eq!(error.class(), Class::Pause);
}

#[tokio::test]
async fn a_connection_that_nobody_has_used_for_a_moment_is_asked_whether_it_lives() {
    let database = database().await;
    let pool = database.pool();
    let mut admin = database.admin().await;
    run(&pool, "SELECT 'mine'").await;
    eventually("nobody has used it for a moment", SOON, async || {
        let idle = count(
            &mut admin,
            "SELECT count(*) AS count FROM pg_stat_activity WHERE usename = 'gokart_test_app' \
             AND datname = current_database() AND clock_timestamp() - state_change > interval '1.1 s'",
        )
        .await;
        if idle == 1 { Ok(()) } else { Err(idle) }
    })
    .await;
    let taken = pool.get().await.expect("a connection");
    assert_eq!(last_said(&mut admin).await, "SELECT 1");
    drop(taken);
}

#[tokio::test]
async fn a_connection_that_was_used_a_moment_ago_is_not_asked_whether_it_lives() {
    let database = database().await;
    let pool = database.pool();
    let mut admin = database.admin().await;
    // A machine that stands still makes a moment of seconds.
    eventually("it is not asked", SOON, async || {
        run(&pool, "SELECT 'mine'").await;
        let taken = pool.get().await.expect("a connection");
        let latest = last_said(&mut admin).await;
        drop(taken);
        if latest == "SELECT 'mine'" { Ok(()) } else { Err(latest) }
    })
    .await;
}

#[tokio::test]
async fn an_old_connection_is_replaced() {
    let database = database().await;
    let mut settings = database.settings();
    settings.connection_max_age_seconds = 0;
    let pool = postgres_kit::pool(&settings).expect("a pool");
    let pid = "SELECT pg_backend_pid()::bigint AS count";
    let first = count(&mut pool.get().await.expect("a connection"), pid).await;
    let second = count(&mut pool.get().await.expect("a connection"), pid).await;
    assert_ne!(first, second);
}

#[tokio::test]
async fn a_caller_does_not_wait_for_ever() {
    let database = database().await;
    let mut settings = database.settings();
    settings.pool_size = 1;
    settings.wait_timeout_ms = 50;
    let pool = postgres_kit::pool(&settings).expect("a pool");
    let _the_only_one = pool.get().await.expect("a connection");
    let start = Instant::now();
    let error = DbError::from(pool.get().await.map(drop).expect_err("none left"));
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(error.class(), Class::Pause);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_without_the_password() {
    let mut settings = DatabaseSettings::with_url("postgres://role:canary@127.0.0.1:1/database".into());
    settings.connect_timeout_ms = 500;
    let pool = postgres_kit::pool(&settings).expect("the pool connects to nothing yet");
    let error = DbError::from(pool.get().await.map(drop).expect_err("no server"));
    let text = format!("{} {error:?} {settings:?}", telemetry::chain(&error));
    assert!(text.contains("refused"), "{text}");
    assert!(!text.contains("canary"), "{text}");
}

#[tokio::test]
async fn sslmode_require_is_never_ignored() {
    let database = database().await;
    // The nodes of the tests speak plain text only.
    let url = SecretString::from(format!("{}?sslmode=require", database.app_url()));
    let pool = postgres_kit::pool(&DatabaseSettings::with_url(url));
    match pool {
        Err(ConnectError::NoAuthorities) => {}
        Err(error) => panic!("{error:?}"),
        Ok(pool) => {
            let error = DbError::from(pool.get().await.map(drop).expect_err("no TLS"));
            let text = telemetry::chain(&error);
            assert!(text.contains("TLS") || text.contains("tls"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_server_that_speaks_another_language_is_refused() {
    let database = database().await;
    let mut admin = database.admin().await;
    let speak = format!("ALTER DATABASE {} SET lc_messages = 'de_DE.UTF-8'", database.name());
    if admin.batch_execute(&speak).await.is_err() {
        // This machine has no other language installed, so no server here can speak it.
        return;
    }
    let error = DbError::from(database.pool().get().await.map(drop).expect_err("not English"));
    assert!(telemetry::chain(&error).contains("lc_messages"), "{error:?}");
}

#[test]
fn settings_that_can_not_work_are_told_by_their_keys() {
    let mut settings = DatabaseSettings::with_url("postgres://role:canary@".into());
    settings.migrate_url = Some("postgres://h/d?canary=1".into());
    settings.pool_size = 1;
    settings.idle_in_transaction_timeout_ms = 1;
    settings.application_name = String::from("two words");
    let mut problems = Problems::default();
    problems.within("database", &settings);
    let problems: Vec<_> = problems.into_iter().collect();
    let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "database.url",
            "database.migrate_url",
            "database.pool_size",
            "database.idle_in_transaction_timeout_ms",
            "database.application_name"
        ]
    );
    assert!(!format!("{problems:?}").contains("canary"), "{problems:?}");
}
