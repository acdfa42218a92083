//! Replicas hear of changes, and know when they may have missed some.

use postgres_kit::{
    DbError, Retries,
    notify::{self, Change, Changes},
    transact,
};
use process::Supervisor;
use tokio::time::timeout;

use super::{SOON, count, database};

async fn next(changes: &mut Changes) -> Option<Change> {
    timeout(SOON, changes.next()).await.expect("a change")
}

async fn say(pool: &postgres_kit::Pool, keys: &[&str]) {
    let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    let said: Result<(), DbError> = transact(pool, Retries::NONE, async |connection| {
        Ok(notify::notify(connection, "offers", &keys).await?)
    })
    .await;
    said.expect("said");
}

#[tokio::test]
async fn what_changes_is_heard_after_everything_was_said_to_be_new() {
    let database = database().await;
    let pool = database.pool();
    let supervisor = Supervisor::new();
    let mut changes = notify::listen(&pool, "offers", &supervisor);
    assert_eq!(next(&mut changes).await, Some(Change::Everything), "listening now: load it all");
    let mut late = changes.clone();
    say(&pool, &["1", "2", ""]).await;
    assert_eq!(next(&mut changes).await, Some(Change::Of(String::from("1"))));
    assert_eq!(next(&mut changes).await, Some(Change::Of(String::from("2"))));
    assert_eq!(next(&mut changes).await, Some(Change::Everything));
    assert_eq!(next(&mut late).await, Some(Change::Everything), "whoever comes later loads it all, too");
    assert_eq!(next(&mut late).await, Some(Change::Of(String::from("1"))));
    supervisor.drain(SOON).await.expect("nothing is left running");
    assert_eq!(next(&mut changes).await, None);
}

#[tokio::test]
async fn a_lost_connection_means_that_anything_may_have_changed() {
    let database = database().await;
    let pool = database.pool();
    let supervisor = Supervisor::new();
    let mut changes = notify::listen(&pool, "offers", &supervisor);
    assert_eq!(next(&mut changes).await, Some(Change::Everything));
    let mut admin = database.admin().await;
    let ended = "SELECT count(pg_terminate_backend(pid)) AS count FROM pg_stat_activity \
                 WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    assert_eq!(count(&mut admin, ended).await, 1);
    assert_eq!(next(&mut changes).await, Some(Change::Everything));
    say(&pool, &["1"]).await;
    assert_eq!(next(&mut changes).await, Some(Change::Of(String::from("1"))));
}

#[tokio::test]
async fn whoever_is_too_slow_loads_everything() {
    let database = database().await;
    let pool = database.pool();
    let supervisor = Supervisor::new();
    let mut changes = notify::listen(&pool, "offers", &supervisor);
    let mut quick = changes.clone();
    assert_eq!(next(&mut changes).await, Some(Change::Everything));
    let keys: Vec<String> = (0..3_000).map(|key| key.to_string()).collect();
    say(&pool, &keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
    say(&pool, &["last"]).await;
    while next(&mut quick).await != Some(Change::Of(String::from("last"))) {}
    assert_eq!(next(&mut changes).await, Some(Change::Everything));
}
