//! What can not be handled stays visible, and comes back once.

use diesel_async::SimpleAsyncConnection;
use kernel::TenantId;
use postgres_kit::{
    DbError, Retries,
    dead_items::{self, DeadItem},
    transact,
};
use uuid::Uuid;

use super::{count, database, fact};

const TENANT: Option<TenantId> = Some(TenantId::from_uuid(Uuid::from_u128(7)));

fn item(number: u128, reason: &str) -> DeadItem {
    DeadItem {
        tenant_id: TENANT,
        fact_id: Some(fact(number)),
        fact: String::from("tracker.v1.ClickRecorded"),
        item: vec![0, 255, 0],
        reason: reason.to_owned(),
    }
}

#[tokio::test]
async fn a_redelivered_item_is_the_same_dead_item() {
    let database = database().await;
    let pool = database.pool();
    let mut connection = pool.get().await.expect("a connection");
    dead_items::bury(&mut connection, "a", &[item(1, "first")]).await.expect("buried");
    dead_items::bury(&mut connection, "a", &[item(1, "second"), item(2, "other"), item(1, "third")])
        .await
        .expect("buried again, twice in one batch");
    let buried = dead_items::list(&mut connection, TENANT, None, 10).await.expect("a list");
    let seen: Vec<_> = buried.iter().map(|buried| (buried.item.reason.as_str(), buried.burials)).collect();
    assert_eq!(seen, [("third", 2), ("other", 1)]);
    assert_eq!(buried[0].item.item, [0, 255, 0], "the item is as it came");
}

#[tokio::test]
async fn broken_text_is_stored_all_the_same() {
    let database = database().await;
    let pool = database.pool();
    let mut connection = pool.get().await.expect("a connection");
    let mut broken = item(1, &format!("nul \0 and {}", "ä".repeat(5_000)));
    broken.fact = String::from("\0");
    broken.tenant_id = None;
    broken.fact_id = None;
    dead_items::bury(&mut connection, "a", &[broken.clone(), broken]).await.expect("buried");
    let buried = dead_items::list(&mut connection, None, None, 10).await.expect("a list");
    assert_eq!(buried.len(), 2, "without an id each is its own");
    assert!(buried[0].item.reason.starts_with("nul \u{fffd} and ä"));
    assert!(buried[0].item.reason.len() <= 4_096);
    assert_eq!(buried[0].item.fact, "\u{fffd}");
}

#[tokio::test]
async fn a_tenant_sees_and_takes_only_its_own() {
    let database = database().await;
    let pool = database.pool();
    let mut connection = pool.get().await.expect("a connection");
    dead_items::bury(&mut connection, "a", &[item(1, "mine")]).await.expect("buried");
    let other = Some(TenantId::from_uuid(Uuid::from_u128(8)));
    assert_eq!(dead_items::list(&mut connection, other, None, 10).await, Ok(Vec::new()));
    let id = dead_items::list(&mut connection, TENANT, None, 10).await.expect("a list")[0].id;
    assert_eq!(dead_items::take(&mut connection, other, &[id]).await, Ok(Vec::new()));
    assert_eq!(
        dead_items::list(&mut connection, TENANT, Some(id), 10).await,
        Ok(Vec::new()),
        "after the last"
    );
}

#[tokio::test]
async fn a_replay_that_fails_puts_the_item_back() {
    let database = database().await;
    let pool = database.pool();
    let id = {
        let mut connection = pool.get().await.expect("a connection");
        dead_items::bury(&mut connection, "a", &[item(1, "poison")]).await.expect("buried");
        dead_items::list(&mut connection, TENANT, None, 10).await.expect("a list")[0].id
    };
    let failed: Result<(), DbError> = transact(&pool, Retries::NONE, async |connection| {
        assert_eq!(dead_items::take(connection, TENANT, &[id]).await?.len(), 1);
        Err(diesel::result::Error::RollbackTransaction.into())
    })
    .await;
    assert!(failed.is_err());
    let taken: Result<_, DbError> = transact(&pool, Retries::NONE, async |connection| {
        Ok(dead_items::take(connection, TENANT, &[id, id + 1]).await?)
    })
    .await;
    assert_eq!(taken.expect("taken")[0].item, item(1, "poison"));
    let mut connection = pool.get().await.expect("a connection");
    assert_eq!(dead_items::take(&mut connection, TENANT, &[id]).await, Ok(Vec::new()), "only once");
}

#[tokio::test]
async fn the_readme_tells_how_to_replay_what_is_dead() {
    let database = database().await;
    let pool = database.pool();
    let mut connection = pool.get().await.expect("a connection");
    let of = |number, fact: &str| DeadItem { fact: fact.to_owned(), ..item(number, "mended") };
    let received = "gokart.ingest.v1.PostbackReceived";
    dead_items::bury(&mut connection, "attribution.postbacks", &[of(1, received)]).await.expect("buried");
    dead_items::bury(&mut connection, "outbox", &[of(2, "payout.events budget.state-changed.v1")])
        .await
        .expect("buried");
    let sql =
        include_str!("../../README.md").split("```sql").last().and_then(|rest| rest.split("```").next());
    connection.batch_execute(sql.expect("the SQL")).await.expect("replayed");
    let waiting = "SELECT count(*) AS count FROM outbox WHERE (exchange, routing_key) IN \
                   (('ingest.events', 'postback.received.v1'), ('payout.events', 'budget.state-changed.v1'))";
    assert_eq!(count(&mut connection, waiting).await, 2);
    assert_eq!(count(&mut connection, "SELECT count(*) AS count FROM dead_items").await, 0);
}
