//! A database of one's own, gone when the test passes.

use std::{convert::Infallible, sync::Mutex, thread};

use diesel::{QueryableByName, sql_query, sql_types::BigInt};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use postgres_kit::DatabaseSettings;
use secrecy::ExposeSecret;
use test_kit::{Nodes, TestDatabase};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

async fn count(connection: &mut AsyncPgConnection, query: &str) -> i64 {
    let row: Count = sql_query(query).get_result(connection).await.expect("a count");
    row.count
}

async fn exists(name: &str) -> bool {
    let mut admin =
        AsyncPgConnection::establish(&Nodes::from_env().admin_url("postgres")).await.expect("a connection");
    count(&mut admin, &format!("SELECT count(*) AS count FROM pg_database WHERE datname = '{name}'")).await
        == 1
}

static MIGRATED: Mutex<u32> = Mutex::new(0);

async fn migrate(settings: DatabaseSettings) -> Result<(), Infallible> {
    *MIGRATED.lock().expect("a lock") += 1;
    let url = settings.migrate_url.expect("the owner's URL");
    let mut owner = AsyncPgConnection::establish(url.expose_secret()).await.expect("a connection");
    owner
        .batch_execute("CREATE TABLE things (id int); GRANT ALL ON things TO PUBLIC")
        .await
        .expect("a table");
    Ok(())
}

async fn database() -> TestDatabase {
    test_kit::database("test-kit", migrate).await
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_share_one_template_and_nothing_else() {
    let (first, second, third) = tokio::join!(database(), database(), database());
    assert!(*MIGRATED.lock().expect("a lock") <= 1);
    for database in [&first, &second, &third] {
        let mut app = AsyncPgConnection::establish(&database.app_url()).await.expect("a connection");
        app.batch_execute("INSERT INTO things VALUES (1)").await.expect("a row");
        assert_eq!(count(&mut app, "SELECT count(*) AS count FROM things").await, 1);
        assert!(app.batch_execute("DROP TABLE things").await.is_err(), "the serving role owns nothing");
    }
}

#[tokio::test]
async fn it_is_dropped_with_its_connections_when_the_test_passes() {
    let database = database().await;
    let name = database.name().to_owned();
    let pool = database.pool();
    let _still_open = pool.get().await.expect("a connection");
    assert!(exists(&name).await);
    drop(database);
    test_kit::eventually("the database to be gone", super::SOON, async || !exists(&name).await).await;
}

#[tokio::test]
async fn it_is_kept_when_the_test_panics() {
    let database = database().await;
    let name = database.name().to_owned();
    let failing = thread::spawn(move || {
        let _database = database;
        panic!("this panic is part of the test");
    });
    assert!(failing.join().is_err());
    assert!(exists(&name).await);
    let mut admin =
        AsyncPgConnection::establish(&Nodes::from_env().admin_url("postgres")).await.expect("a connection");
    admin.batch_execute(&format!("DROP DATABASE {name}")).await.expect("dropped by hand");
}
